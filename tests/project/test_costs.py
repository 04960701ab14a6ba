"""What a call costs, counted in function calls: the same on a busy machine as on an idle one."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import pytest
from django.contrib.auth import get_user_model
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from pytest_django import DjangoAssertNumQueries
from rest_framework.views import APIView

import django_ironclad
from django_ironclad import auth
from django_ironclad.drf import BearerAuthentication
from django_ironclad.keyring.configured import get_verifier
from django_ironclad.middleware import BearerMiddleware
from django_ironclad.models import Session

from ..conftest import Person

pytestmark = pytest.mark.django_db
OURS = str(Path(django_ironclad.__file__).parent)


def calls(act: Callable[[], object], *, within: str = "") -> int:
    """The Python functions that `act` calls when it is not done for the first time, of the files `within` a folder."""
    act()
    counted = 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal counted
        counted += event == "call" and frame.f_code.co_filename.startswith(within)

    sys.setprofile(count)
    try:
        act()
    finally:
        sys.setprofile(None)
    return counted


def test_authenticating_with_a_token_seen_before_takes_twenty_calls(ada: Person) -> None:
    headers = {"HTTP_AUTHORIZATION": f"Bearer {auth.login(ada.user).access_token}"}
    request = RequestFactory().get("/", **headers)
    drf_request = APIView().initialize_request(request)
    middleware = BearerMiddleware(lambda request: None)  # type: ignore[arg-type, return-value]

    def in_drf() -> None:
        assert BearerAuthentication().authenticate(drf_request)

    def view(request: HttpRequest) -> HttpResponse:
        """The same with each request, as those of a project are."""
        return HttpResponse()

    def in_the_middleware() -> None:
        assert middleware.process_view(request, view, (), {}) is None

    # One for the function around it; and nothing but ours is called at all.
    assert calls(in_drf, within=OURS) <= calls(in_drf) - 1 <= 20
    assert calls(in_the_middleware, within=OURS) <= calls(in_the_middleware) - 1 <= 20


def test_who_it_is_costs_a_few_calls_and_no_query(
    ada: Person, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    user, _ = auth.authenticate(auth.login(ada.user).access_token)

    def who() -> None:
        assert user.is_authenticated
        assert user.pk == ada.user.pk

    with django_assert_num_queries(0):
        assert calls(who, within=OURS) <= 4


def test_a_first_sight_takes_thirty_calls(ada: Person) -> None:
    verifier, now = get_verifier(), auth.verify(auth.login(ada.user).access_token).not_before
    texts = iter([auth.login(ada.user).access_token for _ in range(2)])

    assert calls(lambda: verifier.verify(next(texts), now=now)) <= 32


def test_a_refresh_costs_half_of_what_the_orm_takes_to_find_two_rows_and_the_strict_check_a_third(ada: Person) -> None:
    """The yardstick is Django's own, in the same run: what it does to build one query and one object, twice."""
    tokens = [auth.login(ada.user) for _ in range(3)]
    refresh_tokens = iter([each.refresh_token for each in tokens])
    session = auth.verify(tokens[2].access_token).sid

    def two_rows() -> None:
        Session.objects.get(pk=session)
        get_user_model().objects.get(pk=ada.user.pk)

    yardstick = calls(two_rows)

    assert calls(lambda: auth.authenticate(tokens[2].access_token, strict=True)) <= yardstick / 3
    assert calls(lambda: auth.refresh(next(refresh_tokens))) <= yardstick / 2
