"""What depends on the `Authorization` header says so, and each caller gets their own page from Django's caches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import permutations
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.test import AsyncClient, Client, override_settings
from django.urls import include, path
from django.views.decorators.cache import cache_page
from django.views.decorators.http import condition
from django.views.decorators.vary import vary_on_headers
from ninja import NinjaAPI
from ninja.security import django_auth
from rest_framework.authentication import SessionAuthentication
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from django_ironclad import auth
from django_ironclad.decorators import public, requires, strict
from django_ironclad.drf import BearerAuthentication
from django_ironclad.ninja import Bearer, install

from ..conftest import Person

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


def who(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"who": request.user.get_username()})


async def async_who(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"who": request.user.get_username()})


def stream(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse([request.user.get_username()])


def fails(request: HttpRequest) -> HttpResponse:
    raise RuntimeError


class RestView(APIView):
    authentication_classes = [BearerAuthentication]
    permission_classes = [AllowAny]

    def get(self, request: Request) -> Response:
        return Response({"who": request.user.get_username()})


class SessionFirstView(RestView):
    authentication_classes = [SessionAuthentication, BearerAuthentication]


class SessionView(RestView):
    authentication_classes = [SessionAuthentication]


api = NinjaAPI(urls_namespace="vary", auth=Bearer())
install(api)


@api.get("/who")
def ninja_who(request):  # type: ignore[no-untyped-def]
    return {"who": request.user.get_username()}


@api.get("/session", auth=django_auth)
def ninja_session(request):  # type: ignore[no-untyped-def]
    return {}


urlpatterns = [
    path("auth/", include("django_ironclad.urls")),
    path("who/", who),
    path("async/", async_who),
    path("strict/", strict(partial(who))),
    path("required/", requires()(who)),
    path("stream/", stream),
    path("etag/", condition(etag_func=lambda request: '"1"')(who)),
    path("fails/", fails),
    path("varies/", vary_on_headers("Accept")(who)),
    path("public/", public(partial(who))),
    path("rest/", RestView.as_view()),
    path("rest/session/", SessionView.as_view()),
    path("rest/session-first/", SessionFirstView.as_view()),
    path("api/", api.urls),
    path("rest/cached/", cache_page(60)(RestView.as_view())),
    path("cached/", cache_page(60)(vary_on_headers("Authorization")(who))),
]
BEARER = "django_ironclad.middleware.BearerMiddleware"
DJANGO = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
UPDATE, FETCH = (
    f"django.middleware.cache.{name}FromCacheMiddleware".replace("UpdateFrom", "Update") for name in ("Update", "Fetch")
)
CONDITIONAL = "django.middleware.http.ConditionalGetMiddleware"
CACHES = {
    "inside": [BEARER, UPDATE, *DJANGO, FETCH],
    "outside": [UPDATE, BEARER, *DJANGO, FETCH],
    "outside, after the user": [UPDATE, *DJANGO, BEARER, FETCH],
}


@pytest.fixture(autouse=True)
def _nothing_is_cached() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def token(ada: Person) -> str:
    return auth.login(ada.user).access_token


def get(address: str, token: str = "", **headers: str) -> Any:
    headers |= {"authorization": f"Bearer {token}"} if token else {}
    return Client(raise_request_exception=False).get(address, headers=headers)


def varies(answer: Any) -> bool:
    return "Authorization" in answer.get("Vary", "").split(", ")


DEPEND = [
    "/who/",
    "/async/",
    "/strict/",
    "/required/",
    "/stream/",
    "/etag/",
    "/fails/",
    "/varies/",
    "/rest/",
    "/api/who",
]


@pytest.mark.parametrize("address", [*DEPEND, "/auth/me/", "/auth/sessions/"])
def test_every_answer_that_depends_on_the_header_says_so(token: str, address: str) -> None:
    for sent in (token, "garbage", ""):
        assert varies(get(address, sent)), sent
    call = async_to_sync(AsyncClient(raise_request_exception=False).get)
    assert varies(call(address, headers={"authorization": f"Bearer {token}"}))


def test_no_other_does(token: str) -> None:
    for address in ("/public/", "/rest/session/", "/api/session", "/nowhere/", "/auth/jwks.json"):
        assert not varies(get(address, token)), address


@pytest.mark.parametrize("address", ["/rest/", "/api/who"])
def test_nor_does_it_take_our_middleware_for_drf_and_ninja(token: str, address: str) -> None:
    with override_settings(MIDDLEWARE=DJANGO):
        for sent in (token, "garbage", ""):
            assert varies(get(address, sent))
        assert not varies(get("/api/session", token))


@pytest.mark.parametrize("order", [[BEARER, CONDITIONAL, *DJANGO], [CONDITIONAL, BEARER, *DJANGO]])
def test_not_modified_says_so_too(token: str, order: list[str]) -> None:
    with override_settings(MIDDLEWARE=order):
        for address in ("/etag/", "/who/"):
            etag = get(address, token)["ETag"]
            answer = get(address, token, if_none_match=etag)
            assert (answer.status_code, varies(answer)) == (304, True)


@pytest.mark.parametrize("order", CACHES)
def test_a_class_that_stands_before_ours_leaves_the_answer_as_dependent(
    ada: Person, person: Callable[..., Person], order: str
) -> None:
    by_session, rosa = Client(), person("rosa")
    by_session.force_login(ada.user)
    token = auth.login(rosa.user).access_token
    with override_settings(MIDDLEWARE=CACHES[order]):
        for _ in range(2):
            assert get("/rest/session-first/").json() == {"who": ""}
            answer = by_session.get("/rest/session-first/")
            assert (answer.json(), varies(answer)) == ({"who": ada.name}, True)
            assert get("/rest/session-first/", token).json() == {"who": rosa.name}


def test_what_the_view_says_already_stays(token: str) -> None:
    assert get("/varies/", token)["Vary"] == "Accept, Authorization"
    assert get("/rest/", token)["Vary"].count("Authorization") == 1


@pytest.mark.parametrize("order", CACHES)
@pytest.mark.parametrize("address", ["/who/", "/cached/", "/rest/"])
def test_from_djangos_caches_each_gets_their_own_page(
    token: str, person: Callable[..., Person], ada: Person, order: str, address: str
) -> None:
    """Whoever comes first, and wherever the caches stand."""
    rosa = person("rosa")
    callers = {"": "", token: ada.name, auth.login(rosa.user).access_token: rosa.name}
    with override_settings(MIDDLEWARE=CACHES[order]):
        for first in permutations(callers):
            cache.clear()
            for sent in (*first, *first):
                assert get(address, sent).json() == {"who": callers[sent]}
            assert get(address, "garbage").status_code == 401


def test_a_cache_that_stands_outside_still_caches(token: str, ada: Person) -> None:
    with override_settings(MIDDLEWARE=CACHES["outside"]):
        for sent in ("", token):
            assert "Age" not in get("/who/", sent)
            assert "Age" in get("/who/", sent)
    with override_settings(MIDDLEWARE=CACHES["inside"]):
        cache.clear()
        for address, kept in (("/who/", False), ("/public/", True)):
            get(address)
            assert ("Age" in get(address)) is kept


@pytest.mark.parametrize(
    ("middleware", "address", "status"),
    [
        (CACHES["inside"], "/who/", 401),
        ([BEARER, *DJANGO], "/cached/", 401),
        (CACHES["outside"], "/who/", 200),
        ([BEARER, *DJANGO], "/rest/cached/", 200),
    ],
    ids=["inside", "cache_page", "outside", "cache_page of DRF"],
)
def test_the_guide_says_which_caches_do_not_hear_of_the_end(
    ada: Person, middleware: list[str], address: str, status: int
) -> None:
    tokens = auth.login(ada.user)
    with override_settings(MIDDLEWARE=middleware):
        assert get(address, tokens.access_token).status_code == 200
        auth.logout(tokens.refresh_token)
        assert get(address, tokens.access_token).status_code == status
