"""What a refresh needs besides the database fails for an hour: errors, and then everybody goes on, without a doubt."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from django.test import Client, override_settings

from django_ironclad import auth, signals
from django_ironclad.models import Session

from ..conftest import PASSWORD, Api, Person, time_passes
from ..test_checks import pem

pytestmark = pytest.mark.django_db

#: Clients, and how often each asks in that hour: at its turns, and more often as answers fail.
CLIENTS, TIMES = 50, 15


def fail(*_: object) -> Any:
    raise OSError("the directory of tenants is away")


@pytest.fixture
def clients(ada: Person, settings: Any) -> dict[str, str]:
    """What each holds, who has refreshed once before."""
    settings.IRONCLAD = {
        "KEYS": [pem(ed25519.Ed25519PrivateKey.generate())],
        "ISSUER": "https://api.example.org",
        "SESSIONS_PER_USER": CLIENTS,
    }
    held = {}
    for number in range(CLIENTS):
        held[f"client {number}"] = auth.refresh(auth.login(ada.user).refresh_token).refresh_token
    return held


def refreshed(held: dict[str, str]) -> list[int]:
    """The statuses, in one turn of all of them; who gets a refresh token keeps it."""
    statuses = []
    for name, token in held.items():
        answer = Client(raise_request_exception=False).post(
            "/auth/refresh/", {"refresh_token": token}, content_type="application/json"
        )
        statuses.append(answer.status_code)
        if answer.status_code == 200:
            held[name] = answer.json().get("refresh_token", token)
    return statuses


class Away:
    """A private key in a device of its own, which does not answer."""

    def __init__(self, key: ed25519.Ed25519PrivateKey) -> None:
        self.public_key = key.public_key

    def sign(self, data: bytes) -> bytes:
        raise OSError("the device with the key is away")


def broken_claims(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.IRONCLAD = {**settings.IRONCLAD, "CLAIMS": fail}


def broken_scopes(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.IRONCLAD = {**settings.IRONCLAD, "SCOPES": fail}


def broken_signer(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    load: Any = serialization.load_pem_private_key
    monkeypatch.setattr(serialization, "load_pem_private_key", lambda data, password: Away(load(data, password)))
    settings.IRONCLAD = {**settings.IRONCLAD}


@pytest.mark.parametrize("broken", [broken_claims, broken_scopes, broken_signer])
def test_an_hour_without_it_is_an_hour_of_errors_and_no_doubt(
    clients: dict[str, str],
    broken: Callable[[pytest.MonkeyPatch, Any], None],
    settings: Any,
) -> None:
    before, good = dict(clients), settings.IRONCLAD
    time_passes(minutes=5)
    with pytest.MonkeyPatch.context() as patch:
        broken(patch, settings)
        for _ in range(TIMES):
            assert set(refreshed(clients)) <= {500, 503}
            time_passes(minutes=4)
    with override_settings(IRONCLAD=good):
        assert clients == before
        assert set(Session.objects.values_list("generation", "branch", "doubts", "repeated")) == {(1, 0, 0, False)}

        assert refreshed(clients) == [200] * CLIENTS
        time_passes(minutes=5)
        assert refreshed(clients) == [200] * CLIENTS
        assert set(Session.objects.values_list("generation", "doubts", "revoked_at")) == {(3, 0, None)}


class NoCollector(logging.Filter):
    """A filter or handler of the project's own that lets its error out, as those of `logging` do not."""

    def filter(self, record: logging.LogRecord) -> bool:
        raise OSError("the collector of the log is away")


@pytest.fixture
def no_collector(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Nor can be said that a receiver has failed."""
    broken = NoCollector()
    loggers = [logging.getLogger(name) for name in ("django_ironclad", "django.dispatch")]
    with ExitStack() as stack:
        for logger in loggers:
            stack.enter_context(caplog.at_level(logging.INFO, logger.name))
            logger.addFilter(broken)
            stack.callback(logger.removeFilter, broken)
        for signal in (signals.session_refreshed, signals.session_reauthenticated):
            signal.connect(fail)
            stack.callback(signal.disconnect, fail)
        yield


@pytest.mark.usefixtures("no_collector")
def test_without_whoever_collects_the_log_no_answer_is_lost(
    api: Api, ada: Person, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is told when the row has moved: each answer that failed now would be a doubt, or refresh tokens that died."""
    tokens = api.login(ada)
    for turn in range(TIMES):
        time_passes(minutes=5)
        answer = api.refresh(tokens["refresh_token"])
        assert (answer.status_code, answer.json().keys()) == (200, tokens.keys())
        tokens = answer.json()
        assert Session.objects.values_list("generation", "doubts").get() == (turn + 1, 0)

    bearer = f"Bearer {tokens['access_token']}"
    assert api.post("/auth/reauthenticate/", {"password": PASSWORD}, authorization=bearer).status_code == 200
    assert "the collector of the log is away" in capsys.readouterr().err
