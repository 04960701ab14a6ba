"""A user of one tenant attacks another: both have the same key, the same name, and the same tables behind them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.http import HttpRequest
from django.test import Client, override_settings

from django_ironclad import auth, tokens
from django_ironclad.database.places import from_here
from django_ironclad.keyring.configured import get_key_ring
from django_ironclad.models import Session
from django_ironclad.realms import current_realm, known_realm, realm
from tests.conftest import PASSWORD, Api, Person

pytestmark = pytest.mark.django_db(transaction=True)


def by_host(asked: Any) -> str:
    return asked.get_host() if isinstance(asked, HttpRequest) else "acme"


@pytest.fixture(autouse=True)
def _realms() -> Iterator[None]:
    with override_settings(IRONCLAD={"REALM": by_host}, ALLOWED_HOSTS=["*"]):
        yield


def at(host: str) -> Api:
    api = Api()
    api.http = Client(headers={"host": host})
    return api


def login(host: str, person: Person) -> dict[str, Any]:
    answer = at(host).post("/auth/login/", {"username": person.name, "password": PASSWORD})
    return dict(answer.json())


def test_an_access_token_of_one_tenant_opens_nothing_at_another(ada: Person) -> None:
    token = login("acme", ada)["access_token"]

    assert [at(host).get("/auth/me/", token).status_code for host in ("acme", "globex")] == [200, 401]


def test_a_refresh_token_of_one_tenant_opens_and_ends_nothing_at_another(ada: Person) -> None:
    token = login("acme", ada)["refresh_token"]

    assert at("globex").refresh(token).status_code == 400
    assert at("globex").logout(token).status_code == 204
    assert Session.objects.get().revoked_at is None
    assert at("acme").refresh(token).status_code == 200


def test_a_token_without_a_realm_is_good_at_no_tenant(ada: Person) -> None:
    token = login("acme", ada)["access_token"]
    with override_settings(IRONCLAD={}):
        said = dict(auth.verify(auth.login(ada.user).access_token).claims)
    without = tokens.issue(said, key=get_key_ring().signing_key)

    assert [at("acme").get("/auth/me/", each).status_code for each in (token, without)] == [200, 401]


def test_code_that_does_not_say_which_tenant_it_means_gets_no_token(ada: Person) -> None:
    with pytest.raises(ImproperlyConfigured):
        auth.login(ada.user)


def test_a_tenant_that_was_left_before_its_transaction_committed_is_looked_at_again(ada: Person) -> None:
    """By then the router and the realm are another tenant's, whose user has the same key."""
    seen = []
    with transaction.atomic():
        with realm("acme"):
            transaction.on_commit(from_here(lambda: seen.append(current_realm())))
        with realm("globex"):
            transaction.on_commit(lambda: seen.append(known_realm()))

    assert seen == ["acme", ""]
