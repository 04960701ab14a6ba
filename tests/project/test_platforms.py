"""The tables of docs/platforms.md say what ran, and nothing else."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

from scripts import platforms

from ..processes.platforms import PLATFORMS

ROOT = Path(__file__).parents[2]
TESTS = """
import pytest
from tests.recording import Platform, runs_on

@pytest.mark.parametrize("server", ["mod_python", "uWSGI", "IIS"])
@pytest.mark.parametrize("number", range(3))
def test_server(server, number, record_property):
    record_property("platform", Platform("Servers", server, "3.5"))
    if number == 2 or server == "IIS":
        pytest.skip("of no account")
    assert (server, number) != ("uWSGI", 1)

def test_without_a_database():
    pass

def test_with_one(db):
    pass

def test_in_a_browser(pytestconfig):
    runs_on(pytestconfig, "Browsers", "Netscape", "4.08")
"""


def recorded(folder: Path, *arguments: str) -> platforms.Record:
    """What such a run leaves behind."""
    record = folder / "platforms.json"
    (folder / "conftest.py").write_text("from tests.recording import pytest_configure")
    (folder / "test_it.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-c", str(ROOT / "pyproject.toml"), f"--rootdir={folder}"]
    subprocess.run(
        [*command, "-p", "no:randomly", "-p", "no:cacheprovider", *arguments, str(folder)],
        cwd=ROOT,
        env={**os.environ, "RECORD": str(record), "PLATFORM": "Databases: SQLite", "DATABASE_URL": "sqlite://:memory:"},
        check=False,
        capture_output=True,
        timeout=300,
    )
    return platforms.read(record)


def test_a_run_leaves_behind_what_passed_and_failed_on_each_platform(tmp_path: Path) -> None:
    before = platforms.Run("1", 7, 0, "2.4", "1.1", "0.1", "1999-12-31")
    old = {"Servers": {"uWSGI": vars(before), "Zope": vars(before)}}
    (tmp_path / "platforms.json").write_text(json.dumps(old))

    found = recorded(tmp_path)

    assert found["Servers"].pop("Zope") == before
    runs = {(kind, name): run for kind in found for name, run in found[kind].items()}
    assert {platform: (run.version, run.passed, run.failed) for platform, run in runs.items()} == {
        ("Servers", "mod_python"): ("3.5", 2, 0),
        ("Servers", "uWSGI"): ("3.5", 1, 1),
        ("Databases", "SQLite"): (sqlite3.sqlite_version, 2, 0),
        ("Browsers", "Netscape"): ("4.08", 1, 0),
    }
    assert min(run.date for run in runs.values()) > "2026"


def test_a_run_that_was_broken_off_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "platforms.json").write_text("{}")

    assert recorded(tmp_path, "--maxfail=1") == {}


def test_every_way_to_serve_that_the_tests_know_has_its_row() -> None:
    assert platforms.read()["Servers"].keys() == PLATFORMS.keys()


def test_the_page_says_what_the_record_does() -> None:
    page = platforms.PAGE.read_text()

    assert page == platforms.drawn(page, platforms.read()), "python -m scripts.platforms"


def test_a_table_says_where_tests_failed() -> None:
    run = platforms.Run("3.5", 1_200, 2, "3.11.7", "5.2.19", "1.0", "2026-11-28")

    said = platforms.drawn(platforms.PAGE.read_text(), {"Servers": {"uWSGI": run}})

    assert "| uWSGI | 3.5 | 1,200 of 1,202 | 3.11.7 | 5.2.19 | 1.0 | 2026-11-28 |" in said
