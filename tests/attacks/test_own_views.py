"""Attacks on what a project builds of our parts: a sign-up, a password page, a user endpoint that answers a token."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from django_ironclad import auth
from django_ironclad.decorators import token_endpoint, token_response
from django_ironclad.models import Session
from django_ironclad.users import request_at_hand
from tests.conftest import Api, Person, time_passes

pytestmark = pytest.mark.django_db(transaction=True)


def request(body: dict[str, Any], origin: str) -> Any:
    return RequestFactory().post("/", body, content_type="application/json", headers={"origin": origin})


def test_a_page_of_another_site_signs_nobody_in_by_cookie(ada: Person) -> None:
    @token_endpoint
    def magic_link(request: HttpRequest) -> HttpResponse:
        return token_response(request, auth.login(ada.user, request=request))

    answers = [
        magic_link(request({"transport": "cookie"}, origin)) for origin in ("http://testserver", "https://evil.example")
    ]

    assert [(answer.status_code, len(answer.cookies)) for answer in answers] == [(200, 1), (403, 0)]
    assert Session.objects.count() == 1


@pytest.mark.parametrize("says", ["origin", "sec-fetch-site"])
def test_a_form_of_another_site_signs_nobody_up(ada: Person, says: str) -> None:
    """A page may send it anywhere without asking first, and a sign-up asks for no token of it."""

    @token_endpoint
    def sign_up(request: HttpRequest) -> HttpResponse:
        return token_response(request, auth.login(ada.user, request=request))

    foreign = {"origin": "https://evil.example"} if says == "origin" else {"sec-fetch-site": "cross-site"}
    answers = [
        sign_up(RequestFactory().post("/", {"name": "eve"}, headers=headers))
        for headers in (foreign, {"origin": "http://testserver"}, {})
    ]

    assert [answer.status_code for answer in answers] == [403, 200, 200]
    assert Session.objects.count() == 2


def test_a_page_that_asks_for_the_cookie_is_handed_no_refresh_token_whatever_else_it_sends(ada: Person) -> None:
    @token_endpoint
    def sign_up(request: HttpRequest) -> HttpResponse:
        return token_response(request, auth.login(ada.user, request=request))

    for more in ({"about": "x" * 9000}, {"about": [[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]}):
        answer = sign_up(request({"transport": "cookie", **more}, "http://testserver"))
        assert "refresh_token" not in json.loads(answer.content)


def test_a_view_that_looked_at_no_page_sets_no_cookie(ada: Person) -> None:
    with pytest.raises(ImproperlyConfigured):
        auth.login(ada.user, request=request({}, "https://evil.example"), transport="cookie")
    assert not Session.objects.exists()


def test_an_access_token_does_not_prolong_itself(ada: Person) -> None:
    access = auth.verify(auth.login(ada.user, access_lifetime=timedelta(seconds=30)).access_token)

    assert auth.verify(auth.issue(access).access_token).exp <= access.exp


def test_a_session_claims_no_others_name(ada: Person) -> None:
    for claims in ({"username": "root"}, {"groups": ["registrar"]}, {"sub": "1"}, {"scope": "all"}):
        with pytest.raises(ValueError, match="cannot claim"):
            auth.login(ada.user, claims=claims)


def test_a_thief_of_the_refresh_token_is_out_with_the_new_password_of_a_projects_own_view(
    api: Api, ada: Person
) -> None:
    mine = api.login(ada)
    stolen = api.refresh(mine["refresh_token"]).json()["refresh_token"]
    asked = request({}, "http://testserver")
    asked.auth = auth.verify(mine["access_token"])
    ada.user.set_password("another horse, another staple")
    before = request_at_hand.set(asked)
    ada.user.save()
    request_at_hand.reset(before)
    new = auth.update_session_auth_hash(asked, ada.user)

    time_passes(seconds=61)
    assert [api.refresh(each).status_code for each in (stolen, new.refresh_token)] == [400, 200]
    assert json.loads(api.refresh(stolen).content)["error"] == "invalid_grant"
