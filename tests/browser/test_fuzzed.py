"""schemathesis against the running demo: whatever it sends, the answer is one that `openapi.yaml` names."""

from __future__ import annotations

import itertools
import os
import subprocess
import time
from collections import defaultdict
from collections.abc import Iterator
from http.cookies import SimpleCookie
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import CHECKS, load_all_checks

from django_ironclad.contrib import openapi
from django_ironclad.http import cookie

from .running import MANAGE, PASSWORD, ROOT, Demo, demo_environment, running

pytestmark = pytest.mark.browser
load_all_checks()
schema = schemathesis.openapi.from_dict(openapi.describe())
VISITORS = f"""
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
password = make_password({PASSWORD!r})
User.objects.bulk_create(User(username=f"visitor{{number}}", password=password) for number in range(300))
"""


class Visitor:
    """Somebody who is logged in: somebody else, once a call has ended the session, locked the account or given tokens.

    The old refresh token is good for the demo's short grace only, and the password may be another one by then.
    """

    def __init__(self, demo: Demo) -> None:
        self.demo = demo
        self.answers: dict[str, list[int]] = defaultdict(list)
        self._numbers = itertools.count()
        self._log_in()

    def _log_in(self) -> None:
        self._name = f"visitor{next(self._numbers)}"
        self._tokens = self.demo.login(self._name)
        self._since = time.monotonic()

    def call(self, case: Any) -> None:
        """Send it, and every second valid one with the right password, token or id in it."""
        operation = case.operation.label
        answers = self.answers[operation]
        # The demo's access tokens live for half a minute.
        if time.monotonic() - self._since > 15:
            self._log_in()
        right = case.meta.generation.mode.is_positive and len(answers) % 2 == 0
        if right:
            self._put_right(case)
        if case.operation.definition.raw["security"] == [{"Bearer": []}]:
            case.headers["Authorization"] = f"Bearer {self._tokens['access_token']}"
        answer = case.call(base_url=f"{self.demo.url}/auth")
        answers.append(answer.status_code)
        # A valid request with a wrong password or an unknown token is refused, as it has to be.
        case.validate_response(answer, excluded_checks=[] if right else [CHECKS.get_one("positive_data_acceptance")])
        if answer.status_code in (204, 429) or "access_token" in answer.text:
            self._log_in()

    def _refresh_cookie(self) -> str:
        """Of a session of its own: one whose tokens came in a body is continued by no cookie."""
        credentials = {"username": self._name, "password": PASSWORD, "transport": "cookie"}
        answer = self.demo.call("POST", "/auth/login/", credentials, Origin=self.demo.url)
        return SimpleCookie(answer.headers["Set-Cookie"])[cookie.cookie_name()].value

    def _put_right(self, case: Any) -> None:
        path = case.operation.path
        if path == "/login/":
            case.body = {"username": self._name, "password": PASSWORD}
        elif path in ("/refresh/", "/logout/") and len(self.answers[case.operation.label]) % 4:
            case.body = {}
            case.cookies = {cookie.cookie_name(): self._refresh_cookie()}
            case.headers.update({"Origin": self.demo.url, "X-Requested-With": "schemathesis"})
        elif path in ("/refresh/", "/logout/"):
            case.body = {"refresh_token": self._tokens["refresh_token"]}
        elif path == "/password/":
            case.body = {"old_password": PASSWORD, "new_password": "correct horse battery staple"}
        elif path == "/reauthenticate/":
            case.body = {"password": PASSWORD}
        elif path == "/sessions/{sid}/":
            mine = self.demo.call("GET", "/auth/sessions/", token=self._tokens["access_token"]).json["sessions"]
            case.path_parameters = {"sid": mine[0]["id"]}


@pytest.fixture(scope="module")
def visitor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitor]:
    data = tmp_path_factory.mktemp("fuzzed") / "data"
    python_path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    environment = demo_environment(data) | {
        "DJANGO_SETTINGS_MODULE": "tests.browser.settings_fuzzed",
        "PYTHONPATH": python_path,
    }
    with running(data, env=environment) as demo:
        subprocess.run([*MANAGE, "shell", "-v", "0", "-c", VISITORS], env=environment, check=True)
        visitor = Visitor(demo)
        yield visitor
    for operation, answers in visitor.answers.items():
        assert any(200 <= status < 300 for status in answers), f"{operation} never succeeded: nothing was tried"


@schema.parametrize()
@settings(max_examples=15, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_answer_is_one_that_the_schema_names(case: Any, visitor: Visitor) -> None:
    visitor.call(case)
