"""What a view may ask of its caller, as a table; how each framework answers is for tests/frameworks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from django_ironclad.errors import AccessDenied, InsufficientScope, InsufficientUserAuthentication, MissingToken
from django_ironclad.requirements import Requirement
from django_ironclad.tokens import AccessToken
from django_ironclad.tokens.scope import parse_scope

NOW = 1_900_000_000
LEEWAY = 10


class Anybody:
    """A user of whom only the permissions are asked."""

    def __init__(self, *permissions: str) -> None:
        self.permissions = permissions

    def has_perm(self, permission: str) -> bool:
        return permission in self.permissions


def token(**claims: Any) -> AccessToken:
    said = {"iss": "", "aud": "", "sub": "1", "client_id": "", "sid": "s", "jti": "", "iat": NOW, "exp": NOW + 300}
    return AccessToken.of({**said, "auth_time": NOW, **claims})


@pytest.mark.parametrize(
    ("requirement", "good", "bad", "error"),
    [
        (Requirement(scope="a"), token(scope="b a"), token(scope="b aa A"), InsufficientScope),
        (Requirement(scope="a b"), token(scope="b a"), token(scope="a"), InsufficientScope),
        (Requirement(scope="a"), token(scope="a"), token(), InsufficientScope),
        (Requirement(group="staff"), token(groups=("staff",)), token(groups=("Staff", "staff ")), AccessDenied),
        (Requirement(group="staff"), token(groups=("staff",)), token(), AccessDenied),
        (
            Requirement(max_age=timedelta(minutes=5)),
            token(auth_time=NOW - 300 - LEEWAY),
            token(auth_time=NOW - 301 - LEEWAY),
            InsufficientUserAuthentication,
        ),
        (Requirement(scope="a", group="staff"), token(scope="a", groups=("staff",)), token(scope="a"), AccessDenied),
    ],
)
def test_what_is_required_lets_those_through_who_have_it_and_nobody_else(
    requirement: Requirement, good: AccessToken, bad: AccessToken, error: type[Exception]
) -> None:
    requirement.check(Anybody(), good, now=NOW, leeway=LEEWAY)
    with pytest.raises(error):
        requirement.check(Anybody(), bad, now=NOW, leeway=LEEWAY)


def test_where_nothing_is_named_a_token_is_enough() -> None:
    Requirement().check(Anybody(), token(auth_time=0), now=NOW, leeway=0)
    with pytest.raises(MissingToken):
        Requirement().check(Anybody(), None, now=NOW, leeway=0)


def test_a_permission_is_asked_of_the_user() -> None:
    requirement = Requirement(permission="campus.change_grade")
    requirement.check(Anybody("campus.change_grade"), token(), now=NOW, leeway=0)
    with pytest.raises(AccessDenied):
        requirement.check(Anybody("campus.view_grade"), token(), now=NOW, leeway=0)


@pytest.mark.parametrize("nothing", [None, "opaque", {"scope": "a"}, object()])
def test_whoever_came_without_an_access_token_of_ours_has_none(nothing: object) -> None:
    with pytest.raises(MissingToken):
        Requirement(permission="campus.change_grade").check(Anybody("campus.change_grade"), nothing, now=0, leeway=0)


def test_nobody_is_asked_for_a_password_in_order_to_be_refused_after_all() -> None:
    requirement = Requirement(scope="a", max_age=timedelta(minutes=5))
    with pytest.raises(InsufficientScope):
        requirement.check(Anybody(), token(auth_time=0), now=NOW, leeway=LEEWAY)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"scope": ""}, "an empty scope"),
        ({"group": ""}, "an empty scope, group"),
        ({"permission": "", "scope": "a"}, "leave it out"),
        ({"scope": 'a"b'}, "no scope"),
        ({"scope": "a  b"}, "no scope"),
        ({"permission": "change_grade"}, "app_label.codename"),
        ({"max_age": timedelta(0)}, "a second or more"),
    ],
)
def test_what_nobody_could_fulfil_is_told_when_it_is_written(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Requirement(**wrong)


def test_scopes_are_the_rfcs() -> None:
    assert parse_scope("") == frozenset()
    assert parse_scope("grades:read https://example.org/x") == {"grades:read", "https://example.org/x"}
    for text in (" ", "a ", " a", "a  b", "a\tb", "ä", 'a"', "a\\", "a\n", "\x7f"):
        with pytest.raises(ValueError, match="no scope"):
            parse_scope(text)
