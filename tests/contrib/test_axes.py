"""django-axes in front of the login: 429 with the time to wait, and no stranger locks anybody out everywhere."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client, override_settings

from ..conftest import PASSWORD, Api, Person

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _axes_is_on() -> Iterator[None]:
    with override_settings(AXES_ENABLED=True, AXES_FAILURE_LIMIT=5, AXES_COOLOFF_TIME=timedelta(minutes=10)):
        yield


def login(name: str, password: str, address: str = "203.0.113.7", path: str = "/auth/login/") -> Any:
    body = {"username": name, get_user_model().USERNAME_FIELD: name, "password": password}
    return Client().post(path, body, "application/json", REMOTE_ADDR=address)


def test_thirty_wrong_passwords_from_one_address_are_429(ada: Person) -> None:
    answers = [login(ada.name, "wrong") for _ in range(30)]

    assert [answer.status_code for answer in answers] == [401] * 4 + [429] * 26
    assert answers[-1].json() == {
        "error": "rate_limited",
        "error_description": "Too many attempts to log in; try again later.",
        "retry_after": 600,
    }
    assert answers[-1]["Retry-After"] == "600"
    assert answers[-1]["Cache-Control"] == "no-store"
    assert login(ada.name, PASSWORD).status_code == 429
    assert login(ada.name, PASSWORD, address="198.51.100.9").status_code == 200


def test_guesses_at_one_name_are_counted_together_however_it_is_spelled(ada: Person) -> None:
    wide = chr(ord(ada.name[0]) + 0xFEE0) + ada.name[1:]
    spelled = [ada.name, f" {ada.name}", f"{ada.name}\u3000", wide, ada.name]

    assert [login(each, "wrong").status_code for each in spelled] == [401] * 4 + [429]


def test_another_user_of_the_same_address_is_not_locked_out(ada: Person, person: Any) -> None:
    rosa = person("rosa")
    for _ in range(10):
        login(ada.name, "wrong")

    assert login(rosa.name, PASSWORD).status_code == 200


def test_a_lockout_without_an_end_says_a_day(ada: Person) -> None:
    with override_settings(AXES_COOLOFF_TIME=None):
        answers = [login(ada.name, "wrong") for _ in range(5)]

    assert answers[-1]["Retry-After"] == "86400"


def test_the_password_endpoint_counts_too(api: Api, ada: Person) -> None:
    headers = {"authorization": f"Bearer {api.login(ada)['access_token']}"}
    body = {"old_password": "wrong", "new_password": "an entirely other one 7"}

    codes = [api.http.post("/auth/password/", body, "application/json", headers=headers).status_code for _ in range(6)]

    assert codes == [400] * 4 + [429] * 2


def test_drf_jwts_contract_counts_too_and_says_so_in_its_own_words(ada: Person) -> None:
    answers = [login(ada.name, "wrong", path="/api-token-auth/") for _ in range(6)]

    assert [answer.status_code for answer in answers] == [400] * 4 + [429] * 2
    assert answers[-1]["Retry-After"] == "600"


def test_a_right_password_is_counted_by_nobody(ada: Person) -> None:
    assert [login(ada.name, PASSWORD).status_code for _ in range(10)] == [200] * 10
