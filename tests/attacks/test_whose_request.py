"""Attacks on whose a request is: the admin by a token, a session beside one, an early look, other people's pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client, override_settings

from django_ironclad import auth
from tests.conftest import Person
from tests.http.test_identity import BEARER, CSRF, SESSION, USER
from tests.http.test_vary import CACHES

pytestmark = pytest.mark.django_db(transaction=True)
ownership = pytest.mark.urls("tests.http.test_ownership")
identity = pytest.mark.urls("tests.http.test_identity")
vary = pytest.mark.urls("tests.http.test_vary")
WATCHMAN = "tests.http.test_ownership.Watchman"
WATCHED = [SESSION, BEARER, CSRF, USER, "django.contrib.messages.middleware.MessageMiddleware", WATCHMAN]


@pytest.fixture
def stolen(person: Callable[..., Person], has_groups: bool) -> dict[str, str]:
    """The header with the token of somebody who may do everything."""
    boss = person("boss", is_staff=True, **({"is_superuser": True} if has_groups else {}))
    return {"authorization": f"Bearer {auth.login(boss.user).access_token}"}


@pytest.fixture(autouse=True)
def _nothing_is_cached() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def opened(address: str, **headers: Any) -> bool:
    answer = Client(enforce_csrf_checks=True).get(address, **headers)
    assert answer.status_code in (200, 302, 403)
    return answer.status_code == 200 and answer.content != b'{"user": ""}'


@ownership
@pytest.mark.parametrize("watched", [False, True], ids=["", "watched"])
@pytest.mark.parametrize("address", ["/admin/", "/admin/auth/", "/backoffice/report/", "/backoffice/bare/"])
def test_a_stolen_token_opens_nothing_of_the_admin(stolen: dict[str, str], address: str, watched: bool) -> None:
    with override_settings(MIDDLEWARE=WATCHED if watched else WATCHED[:-1]):
        assert opened("/plain/", headers=stolen)
        assert not opened(address, headers=stolen)


@ownership
def test_nor_what_somebody_has_wrapped_without_leaving_a_trace(stolen: dict[str, str]) -> None:
    assert not [number for number in (0, 3, 4, 5, 6, 7, 8, 9, 10) if opened(f"/admins/{number}/", headers=stolen)]
    assert not [number for number in (0, 1, 2) if opened(f"/sessions/{number}/", headers=stolen)]


@ownership
def test_nor_what_a_view_of_the_projects_own_hands_on(stolen: dict[str, str]) -> None:
    """By a name of its module, out of a table, from a class: a token needs no CSRF token there, and has no say."""
    for number in range(3, 13):
        answer = Client(enforce_csrf_checks=True).post(f"/sessions/{number}/", headers=stolen)
        assert answer.status_code == 403
    assert not [site for site in ("admin", "site") if opened(f"/named/{site}/", headers=stolen)]


@ownership
def test_a_page_that_only_a_session_may_open_is_opened_by_no_token_that_was_seen_early(stolen: dict[str, str]) -> None:
    with override_settings(MIDDLEWARE=WATCHED):
        assert Client().get("/api/who", headers=stolen).status_code == 401
        assert Client().get("/sessions/0/", headers=stolen).status_code == 403


@ownership
def test_nor_by_one_of_which_a_middleware_has_made_a_user_before(stolen: dict[str, str]) -> None:
    with override_settings(MIDDLEWARE=[*WATCHED[:-1], "tests.http.test_ownership.Loader"]):
        assert opened("/plain/", headers=stolen)
        assert Client().get("/api/who", headers=stolen).status_code == 401
        assert not [
            address for address in ("/admin/", "/backoffice/report/", "/sessions/0/") if opened(address, headers=stolen)
        ]


@identity
def test_who_was_seen_early_is_nobody_where_nobody_judges_them(ada: Person) -> None:
    sent = {"authorization": f"Bearer {auth.login(ada.user).access_token}"}
    audit = "tests.http.test_identity.Audit"
    for middleware in ([BEARER, SESSION, CSRF, USER, audit], [SESSION, USER, BEARER, CSRF, audit]):
        with override_settings(MIDDLEWARE=middleware):
            assert Client().get("/view/", headers=sent).json()["user"][2] == ada.name
            assert Client().get("/public/", headers=sent).json()["user"][2] == ""
            assert Client().get("/no/such/view/", headers=sent).json()["user"] == ""
    with override_settings(MIDDLEWARE=[BEARER, SESSION, CSRF, USER, audit, "tests.http.test_identity.Fallback"]):
        assert Client().get("/flat/", headers=sent).status_code == 302


@identity
def test_a_foreign_form_acts_for_nobody_because_a_token_was_seen(ada: Person) -> None:
    """Whoever holds some token of their own has no way to skip the check of a visitor's session."""
    sent = {"authorization": f"Bearer {auth.login(ada.user).access_token}"}
    visitor = Client(enforce_csrf_checks=True)
    visitor.force_login(ada.user)
    with override_settings(MIDDLEWARE=[BEARER, SESSION, CSRF, USER, "tests.http.test_identity.Audit"]):
        assert visitor.post("/view/", headers=sent).status_code == 200
        assert visitor.post("/public/", headers=sent).status_code == 403


@vary
@pytest.mark.parametrize("order", CACHES)
@pytest.mark.parametrize("address", ["/who/", "/rest/"])
def test_nobody_is_served_anothers_page_by_a_cache(
    ada: Person, person: Callable[..., Person], order: str, address: str
) -> None:
    callers = {person.name: auth.login(person.user).access_token for person in (ada, person("rosa"))}
    with override_settings(MIDDLEWARE=CACHES[order]):
        for _ in range(2):
            assert Client().get(address).json() == {"who": ""}
            for name, token in callers.items():
                answer = Client().get(address, headers={"authorization": f"Bearer {token}"})
                assert answer.json() == {"who": name}
                assert "Authorization" in answer["Vary"]


@vary
def test_nor_where_drf_alone_reads_tokens(ada: Person, person: Callable[..., Person]) -> None:
    callers = {person.name: auth.login(person.user).access_token for person in (ada, person("rosa"))}
    with override_settings(MIDDLEWARE=[name for name in CACHES["outside"] if name != BEARER]):
        for _ in range(2):
            assert Client().get("/rest/").json() == {"who": ""}
            for name, token in callers.items():
                assert Client().get("/rest/", headers={"authorization": f"Bearer {token}"}).json() == {"who": name}
