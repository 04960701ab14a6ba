"""What an access token says of its user, and what the project may add to it or say instead."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from django_ironclad import auth, tokens
from django_ironclad.errors import GroupsLeftOut
from django_ironclad.models import Session

from ..conftest import Api, Person

HAS_GROUPS = hasattr(get_user_model(), "groups")
pytestmark = pytest.mark.django_db


@pytest.fixture
def rosa(person: Callable[..., Person]) -> Person:
    return person("rosa", groups=("registrar",) if HAS_GROUPS else ())


def said(person: Person, claims: Any) -> dict[str, Any]:
    """What tokens say, by login, refresh and the strict check alike."""
    with override_settings(IRONCLAD={"CLAIMS": lambda user, groups: claims}):
        given = auth.login(person.user)
        refreshed = auth.refresh(given.refresh_token).access_token
        strict = auth.authenticate(given.access_token, strict=True)[1]
    first = dict(auth.verify(given.access_token).claims)
    own = set(first) - tokens.RESERVED
    for other in (auth.verify(refreshed), strict):
        assert {name: other.claims.get(name) for name in own} == {name: first[name] for name in own}
    return first


def test_what_claims_returns_comes_in_addition(rosa: Person) -> None:
    claims = said(rosa, {"tenant": "acme", "nothing": None})

    assert (claims["tenant"], claims["nothing"]) == ("acme", None)
    assert claims["username"] == rosa.name
    assert claims["groups"] == (("registrar",) if HAS_GROUPS else ())
    assert set(said(rosa, {})) == set(claims) - {"tenant", "nothing"}


def test_what_it_names_itself_takes_the_place_of_ours(rosa: Person) -> None:
    claims = said(rosa, {"username": "R.", "groups": ["staff"]})
    assert (claims["username"], claims["groups"]) == ("R.", ("staff",))

    claims = said(rosa, {"username": None, "groups": []})
    assert "username" not in claims
    assert claims["groups"] == ()


def test_none_leaves_the_groups_out_and_the_token_says_so(rosa: Person) -> None:
    with override_settings(IRONCLAD={"CLAIMS": lambda user, groups: {"groups": None}}):
        access = auth.verify(auth.login(rosa.user).access_token)

    assert "groups" not in access.claims
    assert access.claims["groups_left_out"] is True
    with pytest.raises(GroupsLeftOut):
        _ = access.groups


@pytest.mark.parametrize("name", sorted(tokens.RESERVED))
def test_what_is_ours_no_project_says(rosa: Person, name: str) -> None:
    with (
        override_settings(IRONCLAD={"CLAIMS": lambda user, groups: {name: None}}),
        pytest.raises(ImproperlyConfigured, match=f"{name}'.*are ours"),
    ):
        auth.login(rosa.user)


def test_the_names_that_are_ours() -> None:
    rfcs = "iss aud sub client_id sid iat exp nbf jti auth_time amr acr idp scope realm cutoff cnf act"
    assert {*rfcs.split(), "groups_left_out"} == tokens.RESERVED


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"CLAIMS": lambda user, groups: {"small": 1, "rights": "r" * 9000}}, r"'rights' takes 9002 .*\['CLAIMS'\]"),
        ({"CLAIMS": lambda user, groups: {"groups": ["g" * 9000]}}, r"'groups' takes 9004 .*\['CLAIMS'\]"),
        ({"SCOPES": lambda user, groups: ["s" * 9000]}, r"'scope' takes 9002 .*\['SCOPES'\]"),
    ],
)
def test_a_token_that_is_too_long_is_an_error_that_says_by_what(
    rosa: Person, settings: dict[str, Any], named: str
) -> None:
    with override_settings(IRONCLAD=settings), pytest.raises(ImproperlyConfigured, match=named):
        auth.login(rosa.user)


def _forgets(user: Any, groups: list[str]) -> dict[str, Any]:
    groups.clear()
    return {}


@pytest.mark.skipif(not HAS_GROUPS, reason="this user model has no groups")
def test_what_a_project_does_to_the_list_it_gets_is_its_own_affair(rosa: Person) -> None:
    with override_settings(IRONCLAD={"CLAIMS": _forgets, "SCOPES": lambda user, groups: groups and groups.pop()}):
        access = auth.verify(auth.login(rosa.user).access_token)

    assert (access.groups, access.scope) == (("registrar",), {"registrar"})


@pytest.mark.parametrize("again", [list, tuple])
@pytest.mark.skipif(not HAS_GROUPS, reason="this user model has no groups")
def test_our_own_list_said_once_more_is_left_out_as_ours_is(rosa: Person, again: type) -> None:
    from django.contrib.auth.models import Group

    names = [f"a group with a long name {number:04d}" for number in range(300)]
    rosa.user.groups.set(Group.objects.bulk_create(Group(name=name) for name in names))
    with override_settings(IRONCLAD={"CLAIMS": lambda user, groups: {"groups": again(groups), "tenant": "acme"}}):
        access = auth.verify(auth.login(rosa.user).access_token)

    assert access.groups_left_out
    assert access.claims["tenant"] == "acme"


@pytest.mark.parametrize("lifetime", [timedelta(minutes=5, seconds=1), timedelta(hours=1), timedelta(days=3650)])
def test_a_token_that_would_be_refused_for_its_lifetime_is_not_issued(ada: Person, lifetime: timedelta) -> None:
    with pytest.raises(ImproperlyConfigured, match="ACCESS_TOKEN_LIFETIME"):
        auth.login(ada.user, access_lifetime=lifetime)


def _fail(user: Any, groups: list[str]) -> dict[str, Any]:
    raise RuntimeError("a bug of CLAIMS")


@pytest.mark.parametrize(
    ("settings", "how"),
    [
        ({"CLAIMS": _fail}, {}),
        ({"CLAIMS": lambda user, groups: {"sub": "2"}}, {}),
        ({"CLAIMS": lambda user, groups: {"more": "m" * 9000}}, {}),
        ({"SCOPES": lambda user, groups: ['"']}, {}),
        ({}, {"access_lifetime": timedelta(hours=1)}),
    ],
)
def test_a_login_that_fails_leaves_no_session(ada: Person, settings: dict[str, Any], how: dict[str, Any]) -> None:
    with override_settings(IRONCLAD=settings), pytest.raises((ImproperlyConfigured, RuntimeError)):
        auth.login(ada.user, **how)

    assert not Session.objects.exists()


@pytest.mark.parametrize("lifetime", [timedelta(0), timedelta(seconds=-1), timedelta(milliseconds=999)])
def test_a_token_that_would_be_over_at_once_is_not_issued(ada: Person, lifetime: timedelta) -> None:
    with pytest.raises(ImproperlyConfigured, match="a second or more"):
        auth.login(ada.user, access_lifetime=lifetime)


def test_whatever_the_settings_allow_is_issued_and_holds(ada: Person, api: Api) -> None:
    assert auth.verify(auth.login(ada.user, access_lifetime=timedelta(seconds=1)).access_token)
    assert auth.verify(auth.login(ada.user, access_lifetime=timedelta(minutes=5)).access_token)
    with override_settings(IRONCLAD={"ACCESS_TOKEN_LIFETIME": timedelta(hours=1)}):
        given = auth.login(ada.user, access_lifetime=timedelta(hours=1))
        assert given.expires_in == 3600
        assert api.get("/auth/me/", given.access_token).status_code == 200
