"""docs/architecture.md is the house as it is: its picture, its table, and the way that each of two tokens goes."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from django.test import Client, override_settings

import django_ironclad
from django_ironclad.sessions import revoked_sessions
from scripts.house import draw
from scripts.house.floors import laid_out, needed
from scripts.house.plan import ROOT, House

from ..conftest import Person

PACKAGE = Path(django_ironclad.__file__).parent
PAGE = (ROOT / draw.PAGE).read_text()
TRUSTED = {"origin": "http://testserver"}

Step = tuple[str, str]


def named(text: str) -> list[Step]:
    """Each file that a text names as `some/file.py`, and each function as `function()`: of the file before it."""
    file, found = "", []
    for span in re.findall(r"`([^`\n]+)`", text):
        if span.endswith(".py"):
            file = span
            found.append((file, ""))
        elif re.fullmatch(r"[\w.]+\(\)", span) and file:
            found.append((file, span.removesuffix("()")))
    return found


def section(title: str) -> str:
    """What stands below a heading, up to the next."""
    return re.split(r"^#+ .*$", PAGE.partition(f"# {title}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]


def functions(file: str) -> set[str]:
    """The functions in a file, those in classes by both names, those in functions by their own."""

    def within(node: ast.AST, names: tuple[str, ...] = ()) -> Iterator[str]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                yield ".".join((*names, child.name))
                yield from within(child, (*names, child.name) if isinstance(child, ast.ClassDef) else ())
            else:
                yield from within(child, names)

    return set(within(ast.parse((PACKAGE / file).read_text())))


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Any]], list[Step]]:
    """Which functions of the package `run` calls, in their order, in a process that reads which sessions ended."""
    # As in a server, not as in Django's test runner.
    monkeypatch.setattr("django_ironclad.sessions.revoked._in_test_runner", lambda: False)
    revoked_sessions.invalidate(())

    def traced(run: Callable[[], Any]) -> list[Step]:
        found: list[Step] = []

        def note(frame: FrameType, event: str, _: object) -> None:
            path = Path(frame.f_code.co_filename)
            if event == "call" and path.is_relative_to(PACKAGE):
                found.append((path.relative_to(PACKAGE).as_posix(), frame.f_code.co_qualname.split("<locals>.")[-1]))

        before = sys.getprofile()
        sys.setprofile(note)
        try:
            run()
        finally:
            sys.setprofile(before)
        return found

    return traced


def follows(text: str, calls: list[Step]) -> str:
    """ "" if the functions that `text` names were called in its order; else the first that was not."""
    left = iter(calls)
    return next((f"{file} {name}" for file, name in named(text) if name and (file, name) not in left), "")


def logged_in(ada: Person) -> tuple[Client, str]:
    """A page's client with its refresh cookie, and its access token."""
    client = Client()
    body = {"username": ada.name, "password": ada.password, "transport": "cookie"}
    answer = client.post("/auth/login/", body, content_type="application/json", headers=TRUSTED)
    return client, answer.json()["access_token"]


def test_the_picture_and_the_table_show_the_house_as_it_is() -> None:
    assert draw.stale(House()) == [], "python -m scripts.house.draw"


def test_a_picture_of_another_house_is_found_out(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "src").symlink_to(ROOT / "src")
    layers = (ROOT / "pyproject.toml").read_text()
    (tmp_path / "pyproject.toml").write_text(layers)
    for file in (draw.PICTURE, draw.PAGE):
        (tmp_path / file).write_text((ROOT / file).read_text())
    assert draw.stale(House(tmp_path)) == []

    (tmp_path / "pyproject.toml").write_text(
        layers.replace('    "sockets",\n    "http",\n', '    "http",\n    "sockets",\n')
    )
    assert draw.stale(House(tmp_path)) == ["docs/architecture.svg", "docs/architecture.md"]

    draw.stale(House(tmp_path), write=True)
    assert draw.stale(House(tmp_path)) == []


def test_every_wing_and_door_has_its_place_in_the_picture_and_no_other_s() -> None:
    floors, width = laid_out(House())
    boxes = [box for floor in floors for box in floor if not box.is_lane]

    assert {box.name for box in boxes} == House().arrows().keys()
    for box in boxes:
        assert box.width / 2 <= box.x <= width - box.width / 2
        for other in boxes:
            assert other is box or other.y != box.y or abs(other.x - box.x) >= (other.width + box.width) / 2


def test_an_arrow_that_follows_from_others_is_left_out() -> None:
    assert needed({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == {"a": {"b"}, "b": {"c"}, "c": set()}


def test_the_readme_ends_with_what_each_folder_is_for() -> None:
    ignored = {line.strip("/") for line in (ROOT / ".gitignore").read_text().splitlines()}
    folders = {path.name for path in ROOT.iterdir() if path.is_dir() and path.name[0] != "."} - ignored
    last = (ROOT / "README.md").read_text().rpartition("\n## ")[2]

    assert set(re.findall(r"^\| `(\w+)/` \|", last, re.MULTILINE)) == folders
    assert set(re.findall(r"`(\w+)`", last)) == {path.name for path in (ROOT / "scripts").iterdir() if _is_run(path)}


def _is_run(script: Path) -> bool:
    return script.is_file() and not script.suffix and script.name[0] != "_"


def test_every_file_and_function_that_the_page_names_is_there() -> None:
    steps = named(PAGE)
    assert len(steps) > 80

    missing = [
        (file, name) for file, name in steps if not (PACKAGE / file).is_file() or (name and name not in functions(file))
    ]
    assert missing == []


@pytest.mark.django_db(transaction=True)
def test_a_refresh_token_goes_the_way_that_the_page_says(ada: Person, calls: Callable[..., list[Step]]) -> None:
    client, _ = logged_in(ada)

    made = calls(lambda: client.post("/auth/refresh/", content_type="application/json", headers=TRUSTED))

    assert follows(section("A refresh token"), made) == ""


@pytest.mark.django_db(transaction=True)
# The longest: on a machine that is busy, too, nobody reads twice.
@override_settings(IRONCLAD={"REVOCATION_INTERVAL": timedelta(seconds=10)})
def test_an_access_token_goes_the_way_that_the_page_says(ada: Person, calls: Callable[..., list[Step]]) -> None:
    client, token = logged_in(ada)
    first, again, strict = (
        calls(partial(client.get, path, headers={"authorization": f"Bearer {token}"}))
        for path in ("/plain/profile/", "/plain/profile/", "/plain/strict/")
    )

    assert follows(section("An access token"), first) == ""
    assert follows(section("A strict view"), strict) == ""
    assert follows(section("The same token again"), again) == ""
    core = again[again.index(("auth/judging.py", "authenticate")) :]
    core = core[: core.index(("users/lazy.py", "LazyUser.__init__")) + 1]
    assert core == [step for step in named(section("The same token again")) if step[1]]


def test_a_way_that_no_token_goes_is_found_out() -> None:
    way = "`a.py`: `one()` calls `two()`; `b.py`: `three()`."

    assert follows(way, [("a.py", "one"), ("a.py", "other"), ("a.py", "two"), ("b.py", "three")]) == ""
    assert follows(way, [("a.py", "two"), ("a.py", "one"), ("b.py", "three")]) == "a.py two"
    assert follows(way, [("a.py", "one"), ("a.py", "two"), ("c.py", "three")]) == "b.py three"
