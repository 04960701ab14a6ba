"""The rules of the house hold, and each of them notices who breaks it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from scripts.house.plan import House
from scripts.house.rules import breaches

SOUND = {
    "src/django_ironclad/__init__.py": "",
    "src/django_ironclad/errors.py": "class Refused(Exception): ...",
    "src/django_ironclad/cellar/__init__.py": """\
        '''What is kept below.'''
        from . import shelf
        from .wine import Bottle, pour
        __all__ = ["Bottle", "pour", "shelf"]
        """,
    "src/django_ironclad/cellar/shelf.py": "BOARDS = 3",
    "src/django_ironclad/cellar/wine.py": """
        from . import shelf
        from .shelf import BOARDS
        class Bottle: ...
        def pour(): ...
        """,
    "src/django_ironclad/hall/__init__.py": "'''Where guests wait.'''\n__all__ = []",
    "src/django_ironclad/hall/table.py": "'''A table.'''",
    "src/django_ironclad/migrations/0001_initial.py": "from ..cellar.wine import Bottle\n" * 200,
    "demo/campus/pages.py": "",
}
TABLE, DOOR = "src/django_ironclad/hall/table.py", "src/django_ironclad/cellar/__init__.py"


def built(root: Path, changes: dict[str, str]) -> House:
    for name, text in (SOUND | changes).items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))
    return House(root)


def lines(count: int, name: str = "long") -> str:
    """A function of so many lines."""
    return "\n".join([f"def {name}():", *["    pass"] * (count - 1)])


def nested(own: int, inner: int) -> str:
    """A function of `own` lines, and within it a decorated one of `inner`."""
    within = "\n".join(f"    {line}" for line in ["@staticmethod", *lines(inner, "inner").splitlines()])
    return "\n".join([lines(own - 1), within, "    return inner"])


def test_the_house_keeps_its_rules() -> None:
    assert [str(breach) for breach in breaches(House())] == []


def test_the_check_says_how_large_the_house_is() -> None:
    said = subprocess.run([sys.executable, "-m", "scripts.house"], check=True, capture_output=True, text=True).stdout

    assert f"{len(House().wings())} wings" in said


def test_a_sound_house_has_no_breach(tmp_path: Path) -> None:
    assert breaches(built(tmp_path, {})) == []


def test_a_checkout_below_a_folder_of_migrations_is_read_as_any(tmp_path: Path) -> None:
    (said,) = breaches(built(tmp_path / "migrations", {TABLE: lines(41)}))

    assert said.path == Path(TABLE)


@pytest.mark.parametrize(
    ("place", "text", "line", "what"),
    [
        (TABLE, "\n" * 181, 1, "the module has 181 lines, and 180 are allowed"),
        ("demo/campus/pages.py", "\n" * 181, 1, "the module has 181 lines, and 180 are allowed"),
        ("src/django_ironclad/errors.py", lines(41), 1, "long() has 41 lines, and 40 are allowed"),
        ("demo/campus/pages.py", "\n" + lines(41), 2, "long() has 41 lines, and 40 are allowed"),
        (TABLE, nested(41, 5), 1, "long() has 41 lines, and 40 are allowed"),
        (TABLE, nested(5, 41), 6, "inner() has 41 lines, and 40 are allowed"),
        (TABLE, "from ..cellar import shelf, cork", 1, "cellar hands out no 'cork'"),
        (TABLE, "from django_ironclad.cellar import cork", 1, "cellar hands out no 'cork'"),
        (TABLE, "from .. import cellar\n\ncellar.pour(cellar.cork)", 3, "cellar hands out no 'cork'"),
        (TABLE, "from .. import cellar as below\nbelow.cork", 2, "cellar hands out no 'cork'"),
        (
            TABLE,
            "def eat():\n    from ..cellar.wine import pour",
            2,
            "cellar.wine.pour is taken past the door of cellar",
        ),
        (TABLE, "from django_ironclad.cellar.wine import pour", 1, "cellar.wine.pour is taken past the door of cellar"),
        (TABLE, "import django_ironclad.cellar.wine", 1, "cellar.wine is taken past the door of cellar"),
        ("src/django_ironclad/urls.py", "from .cellar.wine import pour", 1, "cellar.wine.pour is taken past the door"),
        (
            "src/django_ironclad/cellar/shelf.py",
            "from ..cellar import pour",
            1,
            "a room of cellar takes 'pour' by its own wing's door, which is a circle",
        ),
        (TABLE, "from ..cellar import shelf\n\nshelf._nails", 3, "'_nails' is private to cellar.shelf"),
        (TABLE, "from .. import errors\nerrors._tree()", 2, "'_tree' is private to errors"),
        (TABLE, "from ..errors import _tree", 1, "'_tree' is private to errors"),
        ("src/django_ironclad/cellar/shelf.py", "from .wine import _cork", 1, "'_cork' is private to cellar.wine"),
        (DOOR, "'''A cellar.'''\n__all__ = [\n    'cork',\n]", 3, "`__all__` names 'cork', which is not there"),
        (DOOR, "'''A cellar.'''\nfrom .shelf import BOARDS as wine", 2, "'wine' hides the room of the same name"),
        (DOOR, "'''A cellar.'''\ndef shelf(): ...", 2, "'shelf' hides the room of the same name"),
        (DOOR, "", 1, "cellar does not say in one sentence what it is"),
        (DOOR, "'''A cellar'''", 1, "cellar does not say in one sentence what it is"),
        (DOOR, "'''A cellar. It is cold.'''", 1, "cellar does not say in one sentence what it is"),
    ],
)
def test_each_breach_is_said_with_its_place_and_with_what_to_do(
    tmp_path: Path, place: str, text: str, line: int, what: str
) -> None:
    (said,) = map(str, breaches(built(tmp_path, {place: text})))

    assert said.startswith(f"{place}:{line}: {what}")
    assert said.count(". ") == 1  # What is wrong; then what to do.


@pytest.mark.parametrize(
    ("place", "text"),
    [
        (TABLE, "\n" * 180),
        (TABLE, lines(40)),
        (TABLE, nested(40, 40)),
        (TABLE, "from ..cellar import shelf\nshelf.BOARDS"),
        (TABLE, "from .. import cellar\ndef lay(cellar):\n    return cellar.cork"),
        (TABLE, "from .. import errors\nerrors.Refused, errors.__doc__"),
        ("src/django_ironclad/urls.py", "from .http.views import login"),
        (DOOR, "'''A cellar.'''\nfrom .wine import (\n    Bottle as Flask,\n)\n__all__ = ['Flask']"),
    ],
)
def test_what_keeps_the_rules_is_no_breach(tmp_path: Path, place: str, text: str) -> None:
    views = {"src/django_ironclad/http/__init__.py": "'''Requests.'''", "src/django_ironclad/http/views/login.py": ""}

    assert breaches(built(tmp_path, views | {place: text})) == []
