"""SQLite that cannot grow: what it cannot write is 503, and nobody's session is lost."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from ..conftest import PASSWORD, Api, Person
from ..full_disk import small_disk

pytestmark = pytest.mark.skipif(connection.vendor != "sqlite", reason="it is about SQLite")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path, 8):
        yield tmp_path


def test_on_a_full_disk_everything_is_503_and_then_everybody_goes_on(disk: Path) -> None:
    command = [sys.executable, "-m", "tests.full_disk", str(disk)]
    done = subprocess.run(
        command, cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "full": {"refresh": [503] * 3, "login": 503, "logout": 503, "end the others": 503},
        "each goes on": [200] * 9,
        "emptied": {"refresh": [200] * 3, "login": 200, "logout": 204, "end the others": 204},
        "integrity": "ok",
    }


@pytest.mark.django_db(transaction=True)
def test_a_file_that_may_not_grow_is_503_for_who_logs_in_and_enough_for_who_is_logged_in(api: Api, ada: Person) -> None:
    first = api.login(ada)["refresh_token"]
    with connection.cursor() as cursor:
        # What earlier tests deleted left room in the file.
        cursor.execute("VACUUM")
        (before,) = cursor.execute("PRAGMA max_page_count").fetchone()
        (pages,) = cursor.execute("PRAGMA page_count").fetchone()
        cursor.execute(f"PRAGMA max_page_count = {pages}")
        try:
            words = {"username": ada.name, "password": PASSWORD}
            statuses = {api.post("/auth/login/", words).status_code for _ in range(40)}
            refreshed = api.refresh(first)
        finally:
            cursor.execute(f"PRAGMA max_page_count = {before}")

    assert statuses == {200, 503}
    assert refreshed.status_code == 200
    api.login(ada)
