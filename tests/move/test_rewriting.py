"""The command on files of a project: what is written, what is shown, and what it says where it can do neither."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

pytestmark = pytest.mark.django_db
TOKENS = "rest_framework.authentication.TokenAuthentication"
SIMPLE_JWT = {"ACCESS_TOKEN_LIFETIME": timedelta(minutes=10), "REFRESH_TOKEN_LIFETIME": timedelta(days=7)}


def said(*arguments: object) -> tuple[str, int]:
    """What the command writes, and its exit code."""
    out = io.StringIO()
    try:
        call_command("ironclad_move", *map(str, arguments), stdout=out)
    except SystemExit as end:
        return out.getvalue(), int(str(end.code))
    return out.getvalue(), 0


def rewritten(file: Path, text: str, package: str = "authtoken") -> str:
    file.write_text(text)
    said(package, file, "--write")
    once = file.read_text()
    said(package, file, "--write")
    assert file.read_text() == once
    return once


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "settings.py"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f'A = ["{TOKENS}"]\n', f'A = ["django_ironclad.drf.BearerAuthentication", "{TOKENS}"]\n'),
        (f"A = ('{TOKENS}',)\n", f"A = ('django_ironclad.drf.BearerAuthentication', '{TOKENS}',)\n"),
        (
            f'A = [\n    "x.Y",  # first\n    # ours\n    "{TOKENS}",  # last\n]\n',
            (
                'A = [\n    "x.Y",  # first\n    # ours\n    "django_ironclad.drf.BearerAuthentication",\n'
                f'    "{TOKENS}",  # last\n]\n'
            ),
        ),
        (f'A = [\n    "{TOKENS}"\n]\n', f'A = [\n    "django_ironclad.drf.BearerAuthentication",\n    "{TOKENS}"\n]\n'),
        (f'A = "{TOKENS}"\n', f'A = "{TOKENS}"\n'),
        (f'A = [NAME, "{TOKENS}"]\n', f'A = [NAME, "{TOKENS}"]\n'),
    ],
)
def test_an_element_goes_into_a_list_as_its_neighbours_are(file: Path, before: str, after: str) -> None:
    assert rewritten(file, before) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            'INSTALLED_APPS = ["rest_framework.authtoken", "a"]',
            'INSTALLED_APPS = ["django_ironclad", "rest_framework.authtoken", "a"]',
        ),
        ('LOCAL_APPS += ("rest_framework",)', 'LOCAL_APPS += ("django_ironclad", "rest_framework",)'),
        ('APPS: list[str] = ["rest_framework"]', 'APPS: list[str] = ["django_ironclad", "rest_framework"]'),
        ('NAMES = ["rest_framework"]', 'NAMES = ["rest_framework"]'),
        ('INSTALLED_APPS = ["django_ironclad"] + ["rest_framework"]', None),
        ('INSTALLED_APPS = [*THEIRS, "rest_framework"]', None),
    ],
)
def test_ours_goes_before_the_app_that_it_belongs_to(file: Path, before: str, after: str | None) -> None:
    assert rewritten(file, before) == (after or before)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            'SIMPLE_JWT = {"ACCESS_TOKEN_LIFETIME": minutes(10), "REFRESH_TOKEN_LIFETIME": env("R")}\n',
            (
                'IRONCLAD = {\n    "UPDATE_LAST_LOGIN": False,\n{FIXED}    "ACCESS_TOKEN_LIFETIME": minutes(10),\n'
                '    "REFRESH_TOKEN_LIFETIME": env("R"),\n    "SESSION_LIFETIME": env("R"),\n}\n'
            ),
        ),
        (
            'SIMPLE_JWT = {}\nSIMPLE_JWT["ACCESS_TOKEN_LIFETIME"] = TEN  # short\n',
            (
                'IRONCLAD = {\n    "UPDATE_LAST_LOGIN": False,\n{FIXED}}\n'
                'SIMPLE_JWT["ACCESS_TOKEN_LIFETIME"] = TEN  # short\n'
                'IRONCLAD["ACCESS_TOKEN_LIFETIME"] = TEN  # short\n'
            ),
        ),
        (
            "SIMPLE_JWT = dict()\nSIMPLE_JWT.update(ACCESS_TOKEN_LIFETIME=TEN)\n",
            (
                'IRONCLAD = {\n    "UPDATE_LAST_LOGIN": False,\n{FIXED}}\n'
                "SIMPLE_JWT.update(ACCESS_TOKEN_LIFETIME=TEN)\n"
                'IRONCLAD = {\n    **IRONCLAD,\n    "ACCESS_TOKEN_LIFETIME": TEN,\n}\n'
            ),
        ),
        ("SIMPLE_JWT = {**OTHERS}\n", ""),
        ('SIMPLE_JWT = {"ACCESS_TOKEN_LIFETIME": TEN}\ndel SIMPLE_JWT["ACCESS_TOKEN_LIFETIME"]\n', ""),
        ("SIMPLE_JWT = {}\nSIMPLE_JWT.update(load())\n", ""),
        ('IRONCLAD = {}\nSIMPLE_JWT = {"ACCESS_TOKEN_LIFETIME": TEN}\n', ""),
    ],
)
def test_ours_stands_behind_theirs_with_the_same_expressions(file: Path, before: str, after: str) -> None:
    from dataclasses import fields

    from django_ironclad.conf import Settings

    there = "FIXED_SESSIONS" in {each.name for each in fields(Settings)}
    fixed = '    "FIXED_SESSIONS": True,\n' if there else ""
    first, _, rest = before.partition("\n")
    expected = f"{first}\n{after.replace('{FIXED}', fixed)}" if after else f"{first}\n{rest}"
    with override_settings(SIMPLE_JWT=SIMPLE_JWT):
        assert rewritten(file, before, "simplejwt") == expected


def test_a_diff_is_what_git_apply_takes_and_changes_nothing(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(file.parent)
    before = f'A = ["{TOKENS}"]\r\nB = 1'
    file.write_bytes(before.encode())
    shown, code = said("authtoken", "--diff")
    assert (code, file.read_bytes()) == (0, before.encode())

    subprocess.run(["git", "apply", "-"], input=shown.encode(), check=True, cwd=file.parent)
    applied = file.read_bytes()
    file.write_bytes(before.encode())
    said("authtoken", "--write")
    assert applied == file.read_bytes() != before.encode()


def test_what_is_nobodys_own_code_is_not_touched(tmp_path: Path) -> None:
    text = f'A = ["{TOKENS}"]\n'
    places = ["env/x.py", ".tox/x.py", "node_modules/x.py", "lib/site-packages/x.py", "own/x.py"]
    for place in places:
        (tmp_path / place).parent.mkdir(parents=True)
        (tmp_path / place).write_text(text)
    (tmp_path / "env/pyvenv.cfg").touch()
    said("authtoken", tmp_path, "--write")

    assert [place for place in places if (tmp_path / place).read_text() != text] == ["own/x.py"]


def test_a_file_that_is_no_utf_8_stays_as_it_is(file: Path) -> None:
    text = f"# -*- coding: latin-1 -*-\n# caf\xe9\nA = ['{TOKENS}']\n".encode("latin-1")
    file.write_bytes(text)
    shown, _ = said("authtoken", file, "--write")

    assert file.read_bytes() == text
    assert "M023" in shown


def test_without_libcst_there_is_the_report_and_it_says_what_a_change_needs(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text(f'A = ["{TOKENS}"]\n')
    for name in [name for name in sys.modules if name.startswith("django_ironclad.move.changing")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "libcst", None)

    shown, code = said("authtoken", file)
    assert ("M005" in shown, code) == (True, 3)
    with pytest.raises(CommandError, match=r"django-ironclad\[move\]"):
        said("authtoken", file, "--diff")


def test_the_report_is_text_or_json_and_its_exit_code_says_what_is_left(file: Path) -> None:
    file.write_text("import jwt\nfrom django.conf import settings\njwt.decode('', settings.SECRET_KEY)\n")
    text, code = said("simplejwt", file)
    shown, _ = said("simplejwt", file, "--format", "json")
    found = json.loads(shown)

    assert (code, found["verdict"], found["version"]) == (3, "work", 1)
    (decoded,) = [each for each in found["findings"] if each["code"] == "M011"]
    assert (decoded["where"], decoded["line"], decoded["does"]) == (file.as_posix(), 3, "by hand")
    assert f"  ! M011 {file.as_posix()}:3  {decoded['says']}" in text.splitlines()

    file.write_text("")
    assert said("knox", file)[1] == 0
    with override_settings(SIMPLE_JWT={"CHECK_USER_IS_ACTIVE": False}):
        assert said("simplejwt", file)[1] == 4


def test_a_path_that_is_not_there_is_an_error() -> None:
    with pytest.raises(CommandError, match=r"There is no nowhere\."):
        said("simplejwt", "nowhere")


def test_nothing_of_ours_is_imported_to_find_out_what_it_has(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    file.write_text("from rest_framework_jwt.views import obtain_jwt_token\nfrom rest_framework_jwt import views\n")
    views = "django_ironclad.contrib.drf_jwt.views"
    monkeypatch.delitem(sys.modules, views, raising=False)
    said("drf-jwt", file)
    assert views not in sys.modules
