"""Errors are public: each says by a word, which stays what it is, what happened, and the client never hears it."""

from __future__ import annotations

import ast
import re
import time
from collections.abc import Callable, Iterator
from inspect import signature
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.db.models.functions import Now
from django.test import RequestFactory

import django_ironclad
from django_ironclad import auth, errors, http, sessions
from django_ironclad.drf import Refused
from django_ironclad.errors import IroncladError
from django_ironclad.http import answers
from django_ironclad.models import Session
from django_ironclad.requirements import Requirement

from .conftest import Api, Person, time_passes

SOURCE = Path(django_ironclad.__file__).parent
GUIDE = (SOURCE.parents[1] / "docs/guide.md").read_text().partition("\n## Errors\n")[2].partition("\n## ")[0]
ERRORS = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, IroncladError)]


def documented() -> dict[str, tuple[set[str], set[str]]]:
    """By the name of each class the codes and the reasons that the guide tells."""
    told = {}
    for row in re.findall(r"^\| `.+$", GUIDE, re.MULTILINE):
        names, codes, reasons = (re.findall(r"`(\w+)`", cell) for cell in row.strip("|").split("|"))
        told.update({name: (set(codes), set(reasons or codes)) for name in names})
    return told


def raised() -> Iterator[tuple[str, str]]:
    """Each class of ours that the package makes with a `reason` in so many words."""
    for file in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in documented():
                for keyword in node.keywords:
                    if keyword.arg == "reason" and isinstance(keyword.value, ast.Constant):
                        yield node.func.id, str(keyword.value.value)


def test_the_guide_names_each_error_and_each_reason() -> None:
    told = documented()

    assert set(told) | {"IroncladError"} == {each.__name__ for each in ERRORS}
    for each in ERRORS:
        if each is not IroncladError:
            codes, reasons = told[each.__name__]
            assert each.code in codes
            assert (each.reason or each.code) in reasons or each.__name__ in {
                "InvalidToken",
                "InvalidGrant",
                "OriginNotAllowed",
            }
    used = set(raised())
    assert len(used) >= 30
    assert {(name, reason) for name, reason in used if reason not in told[name][1]} == set()


def test_a_reason_of_the_projects_own_is_as_good() -> None:
    error = errors.AccessDenied("a sentence", reason="quota")

    assert (error.reason, str(error), errors.AccessDenied().reason) == ("quota", "a sentence", "access_denied")


@pytest.mark.parametrize("error", [each for each in ERRORS if "reason" in signature(each).parameters])
def test_no_client_hears_the_reason(error: Callable[..., IroncladError]) -> None:
    made = error("a sentence for the log", reason="zebra")
    answer = answers.error_answer(made)
    refused = Refused(made)

    heard = f"{answer.content!r} {answer.headers} {refused.detail} {refused.get_full_details()} {refused.auth_header}"
    assert "zebra" not in heard
    assert "sentence" not in heard
    assert (made.reason, refused.reason) == ("zebra", "zebra")


def why(act: Callable[[], Any]) -> str:
    with pytest.raises(IroncladError) as caught:
        act()
    assert Refused(caught.value).reason == caught.value.reason
    return caught.value.reason


@pytest.mark.django_db
def test_what_is_wrong_with_an_access_token(ada: Person) -> None:
    tokens = auth.login(ada.user)
    token = tokens.access_token
    with time_machine.travel(time.time() + 311):
        assert why(lambda: auth.verify(token)) == "expired"
    with time_machine.travel(time.time() - 60):
        assert why(lambda: auth.verify(token)) == "not_yet_valid"
    assert why(lambda: auth.verify(token[:-4] + "AAAA")) == "signature"
    assert why(lambda: http.parse_bearer("Bearer two tokens")) == "malformed"
    assert why(lambda: auth.verify("a.b.c")) == "unknown_key"
    assert why(lambda: http.required_token(RequestFactory().get("/"))) == "missing"
    Session.objects.update(revoked_at=Now())
    assert why(lambda: auth.authenticate(token, strict=True)) == "session_ended"
    auth.logout(auth.login(ada.user).refresh_token)
    other = auth.login(ada.user)
    sessions.revoke_all(ada.user, reason="test")
    assert why(lambda: auth.authenticate(other.access_token)) == "session_ended"


@pytest.mark.django_db
def test_what_is_wrong_with_a_user(ada: Person) -> None:
    tokens = auth.login(ada.user)
    user, _ = auth.authenticate(tokens.access_token)
    get_user_model()._default_manager.filter(pk=ada.user.pk).update(is_active=False)

    assert why(lambda: user.is_active) == "user_gone"
    assert why(lambda: auth.authenticate(tokens.access_token, strict=True)) == "user_inactive"
    ada.user.is_active = False
    assert why(lambda: auth.login(ada.user)) == "user_inactive"


@pytest.mark.django_db(transaction=True)
def test_what_is_wrong_with_a_refresh_token(api: Api, ada: Person) -> None:
    first = auth.login(ada.user).refresh_token
    assert why(lambda: auth.refresh("garbage")) == "malformed"
    assert why(lambda: auth.refresh(first[:-4] + "0000")) in ("forged", "malformed")
    second = auth.refresh(first).refresh_token
    time_passes(minutes=5)
    auth.refresh(second)
    time_passes(minutes=5)
    assert why(lambda: auth.refresh(first)) == "reused"
    assert why(lambda: auth.refresh(second)) == "session_ended"
    rested = auth.login(ada.user).refresh_token
    time_passes(days=15)
    assert why(lambda: auth.refresh(rested)) == "session_expired"
    Session.objects.all().delete()
    assert why(lambda: auth.refresh(rested)) == "session_unknown"


@pytest.mark.django_db
def test_what_somebody_lacks(ada: Person) -> None:
    user, token = auth.authenticate(auth.login(ada.user).access_token)

    assert why(lambda: auth.authorize(user, token, Requirement(scope="read"))) == "insufficient_scope"
    assert why(lambda: auth.authorize(user, token, Requirement(group="registrar"))) == "group"
    assert why(lambda: auth.authorize(user, token, Requirement(permission="campus.add_note"))) == "permission"
    assert why(lambda: auth.authorize(user, None, Requirement())) == "missing"


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"origin": "https://evil.example"}, "origin"),
        ({}, "origin"),
        ({"origin": "http://testserver", "sec-fetch-site": "cross-site"}, "cross_site"),
        ({"origin": "http://testserver"}, "form"),
    ],
)
def test_why_a_page_may_not_use_the_cookie(headers: dict[str, str], reason: str) -> None:
    from django_ironclad.http.origin import check_cookie_gates

    request = RequestFactory().post("/auth/refresh/", headers=headers)

    assert why(lambda: check_cookie_gates(request)) == reason
