"""Django's own test runner, in one process and in several: a project's tests see no query that is not theirs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SETTINGS = """
import multiprocessing
multiprocessing.set_start_method({start!r}, force=True)
from tests.settings import *
# The runner's own copies for its processes are in memory, too.
DATABASES = {{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}}}
"""
TESTS = """
import threading
import urllib.request

from django.contrib.auth import get_user_model
from django.test import LiveServerTestCase, TestCase, TransactionTestCase

from django_ironclad import sessions, testing
from django_ironclad.models import Session
from django_ironclad.sessions import revoked
from django_ironclad.sessions.revoked import revoked_sessions


def ada():
    return get_user_model().objects.create_user("ada", password="a password")


class Asks:
    def test_a_call_with_a_token_makes_no_query_however_late(self):
        login = testing.login(ada())
        login.on(self.client)
        for _ in range(3):
            with self.assertNumQueries(0):
                self.assertEqual(self.client.get("/plain/").status_code, 200)
            revoked.clock = lambda now=revoked.clock() + 60: now

    def test_what_the_test_ends_is_refused(self):
        login = testing.login(ada())
        login.on(self.client)
        login.revoked()
        with self.assertNumQueries(0):
            self.assertEqual(self.client.get("/plain/").status_code, 401)


class InOneTransactionTest(Asks, TestCase):
    pass


class InManyTransactionsTest(Asks, TransactionTestCase):
    pass


class LiveServerTest(LiveServerTestCase):
    def test_the_servers_threads_are_the_test_runners_too(self):
        login = testing.login(ada())
        request = urllib.request.Request(
            self.live_server_url + "/plain/", headers={"Authorization": f"Bearer {login.access_token}"}
        )
        with urllib.request.urlopen(request) as answer:
            self.assertEqual(answer.status, 200)
        self.assertLess(revoked_sessions._read.sent_at, 0)
"""


@pytest.mark.parametrize("start", ["", "fork", "spawn"], ids=["one process", "forked", "spawned"])
def test_under_djangos_own_runner_nothing_is_polled(start: str, tmp_path: Path) -> None:
    (tmp_path / "settings_of_a_project.py").write_text(SETTINGS.format(start=start or "fork"))
    (tmp_path / "test_of_a_project.py").write_text(TESTS)
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "settings_of_a_project",
        "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT), *sys.path]),
        "TEST_USER_MODEL": "auth.User",
    }
    command = [sys.executable, "-m", "django", "test", "test_of_a_project", *(["--parallel", "2"] if start else [])]

    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)

    assert ran.returncode == 0, ran.stderr
    assert "Ran 5 tests" in ran.stderr
