"""What the log and Django's reports of errors say, and what they never say."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.backends import ModelBackend
from django.core.signals import got_request_exception
from django.db import OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import include, path
from django.views.debug import ExceptionReporter

from django_ironclad.errors import TemporarilyUnavailable
from django_ironclad.sessions.revoked import RevokedSessions

from ..conftest import PASSWORD, Api, Person

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.security.test_logs")]


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("a bug of the project's own")


urlpatterns = [path("broken/", broken), path("", include("tests.urls"))]


class Broken(ModelBackend):
    def authenticate(self, request: Any, **credentials: Any) -> None:  # type: ignore[override]
        raise RuntimeError("a bug of a backend")


def broken_claims(user: Any, groups: list[str]) -> dict[str, Any]:
    raise RuntimeError("a bug of CLAIMS")


@pytest.fixture
def reports() -> Iterator[list[str]]:
    """What Django would mail to the administrators about each unhandled exception."""
    found: list[str] = []

    def receive(request: Any, **_: Any) -> None:
        reporter = ExceptionReporter(request, *sys.exc_info(), is_email=True)
        found.extend((reporter.get_traceback_text(), reporter.get_traceback_html()))

    got_request_exception.connect(receive)
    yield found
    got_request_exception.disconnect(receive)


@pytest.mark.parametrize("secure", [True, False], ids=["https", "http"])
def test_no_report_of_an_error_shows_a_password_or_a_token(
    api: Api, ada: Person, reports: list[str], secure: bool
) -> None:
    """The refresh cookie goes along with every request of its host, also with those that fail elsewhere."""
    with override_settings(SESSION_COOKIE_SECURE=secure):
        origin = "https://testserver" if secure else "http://testserver"
        client = Client(raise_request_exception=False, headers={"origin": origin})
        right = {"username": ada.name, "password": PASSWORD}
        body = client.post("/auth/login/", right | {"transport": "cookie"}, "application/json", secure=secure).json()
        (cookie,) = client.cookies.values()
        bodys = api.login(ada)
        secrets = [PASSWORD, cookie.value, body["access_token"], bodys["access_token"], bodys["refresh_token"]]

        bearer = {"authorization": f"Bearer {body['access_token']}"}
        calls: list[Callable[[], Any]] = [
            lambda: client.get("/broken/", secure=secure, headers=bearer),
            lambda: client.post("/auth/refresh/", {}, "application/json", secure=secure),
            lambda: client.post("/auth/refresh/", {"refresh_token": bodys["refresh_token"]}, "application/json"),
            lambda: client.post("/auth/refresh/", {"refresh_token": bodys["refresh_token"]}, secure=secure),
            lambda: client.get("/auth/me/", secure=secure, headers=bearer),
            lambda: client.post("/auth/login/", right, "application/json", secure=secure),
            lambda: client.post("/auth/login/", right, secure=secure),
        ]
        with override_settings(
            IRONCLAD={"CLAIMS": broken_claims}, AUTHENTICATION_BACKENDS=["tests.security.test_logs.Broken"]
        ):
            assert [call().status_code for call in calls] == [500] * len(calls)

    assert len(reports) == 2 * len(calls)
    assert all("RuntimeError" in report for report in reports)
    assert "a bug of the project" in reports[0]
    assert [secret for secret in secrets for report in reports if secret in report] == []


MARK = "zq51-log-me"
FORGED_LINE = f"{MARK}\r\n2026-01-01 session_started {MARK}\x1b[2J"


def test_what_a_client_sends_is_in_no_line_of_the_log(api: Api, ada: Person, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "django_ironclad")
    right = {"username": ada.name, "password": PASSWORD}
    token = api.login(ada)["access_token"]
    for member in ("username", "password", "transport", "scope"):
        api.post("/auth/login/", right | {member: FORGED_LINE})
    api.post("/auth/login/", right, user_agent=FORGED_LINE)
    api.post("/auth/refresh/", {"refresh_token": FORGED_LINE})
    api.post("/auth/logout/", {"refresh_token": FORGED_LINE})
    passwords = {"old_password": FORGED_LINE, "new_password": FORGED_LINE}
    api.post("/auth/password/", passwords, authorization=f"Bearer {token}")
    for bearer in (MARK, f"{token}{MARK}", f"{token.split('.')[0]}.{MARK}.{MARK}"):
        for door in ("/auth/me/", "/drf/members/", "/plain/"):
            api.get(door, bearer)
    api.http.delete(f"/auth/sessions/{MARK}/", headers={"authorization": f"Bearer {token}"})
    api.http.post("/auth/login/", f'{{"{MARK}": {MARK}'.encode(), "application/json")

    lines = [record.getMessage() for record in caplog.records if record.name == "django_ironclad"]
    assert len(lines) > 15
    assert [line for line in lines if MARK in line or len(line.splitlines()) > 1 or len(line) > 300] == []


@pytest.mark.django_db(transaction=True)
def test_that_nobody_can_read_which_sessions_ended_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    def fail(*args: Any) -> Any:
        raise OperationalError("the database is gone")

    # Else one of its own is made, which the wrapper knows nothing of.
    connection.ensure_connection()
    with connection.execute_wrapper(fail), pytest.raises(TemporarilyUnavailable):
        RevokedSessions().freshen()

    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", "revocation_read_failed OperationalError")
    ]


def test_each_refusal_is_a_line_with_its_reason(api: Api, ada: Person, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "django_ironclad")
    wrong = {"username": ada.name, "password": "wrong"}
    with override_settings(AXES_ENABLED=True, AXES_FAILURE_LIMIT=2, AXES_COOLOFF_TIME=timedelta(minutes=1)):
        for _ in range(2):
            api.post("/auth/login/", wrong)
    api.post("/auth/login/", {"username": ada.name, "password": PASSWORD, "transport": "cookie"}, origin="null")
    api.refresh("x")
    for door in ("/auth/me/", "/drf/members/", "/plain/"):
        api.get(door, "garbage")

    lines = [record.getMessage() for record in caplog.records if record.name == "django_ironclad"]
    assert lines == [
        "refused invalid_credentials: refused by the authentication backends",
        "refused rate_limited: an authentication backend has had enough",
        (
            "refused origin_not_allowed: Origin null, and this is http://testserver. If the page is yours, name its "
            "origin in CSRF_TRUSTED_ORIGINS, or let the proxy pass on Host as it came."
        ),
        "refused invalid_grant: not the form of a refresh token",
        *["refused invalid_token: the header is none that our keys write"] * 3,
    ]
