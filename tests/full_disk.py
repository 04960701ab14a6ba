"""SQLite on a disk that fills up and is emptied again: python -m tests.full_disk FOLDER prints what was answered."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import django
import pytest
from django.core.management import call_command


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[None]:
    """A real one, at `folder`."""
    if os.geteuid() != 0:
        pytest.skip("to mount a file system takes root")
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    mounted = subprocess.run(command, capture_output=True, check=False, text=True)
    if mounted.returncode:
        pytest.skip(f"the kernel refuses: {mounted.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def fill(file: Path) -> None:
    """With all that fits."""
    with file.open("wb", buffering=0) as filler:
        for size in (65536, 4096, 512, 1):
            try:
                while filler.write(b"\0" * size):
                    pass
            except OSError:
                pass


def main(folder: Path) -> None:
    # Where tests.settings puts its file.
    os.environ |= {"PYTEST_DEBUG_TEMPROOT": str(folder), "DJANGO_SETTINGS_MODULE": "tests.settings"}
    django.setup()
    call_command("migrate", verbosity=0)

    from django.contrib.auth import get_user_model
    from django.db import connection

    from .conftest import PASSWORD, Api, Person, time_passes

    ada = Person(get_user_model()._default_manager.create_user("ada", "ada@example.org", PASSWORD), "ada")
    api = Api()
    logins = [api.login(ada) for _ in range(3)]
    tokens = [login["refresh_token"] for login in logins]
    with connection.cursor() as cursor:
        # Whatever is written next has to make a file grow.
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def answers() -> dict[str, Any]:
        words = {"username": ada.name, "password": PASSWORD}
        return {
            "refresh": [api.refresh(token).status_code for token in tokens],
            "login": api.post("/auth/login/", words).status_code,
            "logout": api.logout(tokens[0]).status_code,
            "end the others": api.http.delete(
                "/auth/sessions/", headers={"authorization": f"Bearer {logins[1]['access_token']}"}
            ).status_code,
        }

    said: dict[str, Any] = {}
    fill(folder / "filler")
    said["full"] = answers()
    (folder / "filler").unlink()
    said["each goes on"] = statuses = []
    for _ in range(3):
        for number, token in enumerate(tokens):
            answer = api.refresh(token)
            statuses.append(answer.status_code)
            tokens[number] = answer.json().get("refresh_token", token)
        time_passes(minutes=5)
    said["emptied"] = answers()
    with connection.cursor() as cursor:
        [said["integrity"]] = cursor.execute("PRAGMA integrity_check").fetchone()
    print(json.dumps(said))  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]))
