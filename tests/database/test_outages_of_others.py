"""What a refresh needs besides the database fails for an hour: errors, and then everybody goes on, without a doubt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from django.test import Client, override_settings

from django_ironclad import auth
from django_ironclad.models import Session

from ..conftest import Person, time_passes
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
