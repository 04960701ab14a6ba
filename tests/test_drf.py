"""Django REST framework: who `request.user` is, and what a bad token is answered under each permission."""

from __future__ import annotations

import html
import json
import os
import subprocess
import sys
import time
from typing import Any

import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied as DjangosPermissionDenied
from django.http import Http404
from django.test import modify_settings, override_settings
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied, Throttled, ValidationError
from rest_framework.permissions import IsAuthenticated
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from django_ironclad import auth, sessions
from django_ironclad.drf import BearerAuthentication, Refused, exception_handler
from django_ironclad.errors import (
    AccessDenied,
    InsufficientScope,
    InsufficientUserAuthentication,
    InvalidToken,
    IroncladError,
    MissingToken,
    TemporarilyUnavailable,
)
from django_ironclad.http import answers

from .campus.models import Note
from .conftest import Api, Person

pytestmark = pytest.mark.django_db
VIEWS = ["/drf/allow-any/", "/drf/members/", "/drf/read-only/", "/drf/function/"]


@pytest.mark.parametrize("path", VIEWS)
def test_a_good_token_is_its_user(api: Api, ada: Person, path: str) -> None:
    answer = api.get(path, api.login(ada)["access_token"])

    assert (answer.status_code, answer.json()["user"]) == (200, ada.name)


@pytest.mark.parametrize("path", [*VIEWS, "/drf/others/", "/drf/session-first/"])
def test_an_expired_token_is_401_under_every_permission_so_that_clients_refresh(
    api: Api, ada: Person, path: str
) -> None:
    token = api.login(ada)["access_token"]
    with time_machine.travel(time.time() + 311):
        answer = api.get(path, token)

    assert answer.status_code == 401
    assert answer.json() == {
        "error": "invalid_token",
        "error_description": "The access token is invalid, expired or revoked.",
    }
    assert 'Bearer realm="api", error="invalid_token"' in answer["WWW-Authenticate"]
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", VIEWS)
@pytest.mark.parametrize("token", ["garbage", "a.b.c", "eyJhbGciOiJub25lIn0.e30."])
def test_a_token_that_is_nobodys_is_401_under_every_permission(api: Api, path: str, token: str) -> None:
    answer = api.get(path, token)

    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")


def test_a_public_view_ignores_the_header(api: Api) -> None:
    for token in ("garbage", ""):
        answer = api.get("/drf/public/", token)
        assert (answer.status_code, answer.json()["user"]) == (200, "")


@pytest.mark.parametrize(
    ("path", "status"), [("/drf/allow-any/", 200), ("/drf/read-only/", 200), ("/drf/members/", 401)]
)
def test_without_a_token_djangos_permissions_decide(api: Api, path: str, status: int) -> None:
    answer = api.get(path)

    assert answer.status_code == status
    if status == 401:
        assert answer["WWW-Authenticate"] == 'Bearer realm="api"'


def test_another_scheme_is_none_of_our_business(api: Api) -> None:
    assert api.get("/drf/allow-any/", authorization="Basic YTpi").status_code == 200


def test_a_token_of_another_issuer_is_for_the_next_class(api: Api) -> None:
    assert api.get("/drf/others/", "an-opaque-token").json() == {"auth": "opaque"}
    assert api.get("/drf/others/", "nobodys-token").status_code == 401


def test_a_bad_token_of_ours_is_for_nobody_else(api: Api, ada: Person) -> None:
    token = api.login(ada)["access_token"]

    assert api.get("/drf/others/", token[:-4] + "AAAA").status_code == 401


def test_groups_are_on_the_token(api: Api, ada: Person, has_groups: bool) -> None:
    if has_groups:
        from django.contrib.auth.models import Group

        ada.user.groups.add(Group.objects.create(name="registrar"))

    answer = api.get("/drf/members/", api.login(ada)["access_token"])

    assert answer.json()["groups"] == (["registrar"] if has_groups else [])


def test_a_post_with_a_token_needs_no_csrf_token(api: Api, ada: Person) -> None:
    from django.test import Client

    token = api.login(ada)["access_token"]
    client = Client(enforce_csrf_checks=True)
    assert client.post("/drf/members/", headers={"authorization": f"Bearer {token}"}).status_code == 200


def test_the_class_works_outside_of_a_view(api: Api, ada: Person) -> None:
    token = api.login(ada)["access_token"]
    from rest_framework.views import APIView

    request = APIView().initialize_request(APIRequestFactory().get("/", headers={"authorization": f"Bearer {token}"}))

    found = BearerAuthentication().authenticate(request)

    assert found is not None
    assert found[0] == ada.user


def test_djangos_model_permissions_ask_the_user_of_the_token(api: Api, ada: Person, has_groups: bool) -> None:
    if not has_groups:
        pytest.skip("this user model has no permissions")
    from django.contrib.auth.models import Permission

    authorization = f"Bearer {api.login(ada)['access_token']}"
    answer = api.post("/drf/notes/", {"text": "mine"}, authorization=authorization)
    assert (answer.status_code, set(answer.json())) == (403, {"detail"})

    ada.user.user_permissions.add(Permission.objects.get(codename="add_note"))

    assert api.post("/drf/notes/", {"text": "mine"}, authorization=authorization).status_code == 201
    assert Note.objects.get().owner == ada.user


# The browsable API.


def page(answer: Any) -> str:
    assert answer["Content-Type"] == "text/html; charset=utf-8"
    return html.unescape(answer.content.decode())


@pytest.mark.parametrize("path", ["/drf/members/", "/drf/profile/", "/drf/recent/"])
def test_a_page_shows_who_is_logged_in(api: Api, ada: Person, path: str) -> None:
    answer = api.get(path, api.login(ada)["access_token"], accept="text/html")

    assert answer.status_code == 200
    assert ada.name in page(answer)


@pytest.mark.parametrize(
    ("path", "token", "expected"),
    [
        ("/drf/members/", "garbage", (401, "invalid_token")),
        ("/drf/notes/", "garbage", (401, "invalid_token")),
        ("/drf/registrar/", "", (401, "invalid_token")),
        ("/drf/registrar/", "good", (403, "access_denied")),
        ("/drf/recent/", "old", (401, "insufficient_user_authentication")),
    ],
)
def test_a_page_says_why_somebody_is_refused(
    api: Api, ada: Person, path: str, token: str, expected: tuple[int, str]
) -> None:
    status, error = expected
    with time_machine.travel(time.time() - (120 if token == "old" else 0)):
        real = api.login(ada)["access_token"]

    answer = api.get(path, real if token in ("good", "old") else token, accept="text/html")

    assert answer.status_code == status
    assert f'"error": "{error}"' in page(answer)
    assert answer["WWW-Authenticate"].startswith('Bearer realm="api"')
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/drf/members/", "/drf/profile/", "/drf/notes/", "/drf/registrar/"])
def test_a_page_for_somebody_who_is_gone_is_401(api: Api, ada: Person, path: str) -> None:
    """It shows their name at the end of it, when no view could refuse them any more."""
    token = api.login(ada)["access_token"]
    get_user_model()._default_manager.filter(pk=ada.user.pk).update(is_active=False)

    answer = api.get(path, token, accept="text/html")

    assert (answer.status_code, ada.name in page(answer)) == (401, False)
    assert 'error="invalid_token"' in answer["WWW-Authenticate"]


@pytest.mark.parametrize("first", ["django_ironclad.drf", "rest_framework.views", "rest_framework.response"])
def test_the_adapter_may_be_imported_before_drfs_views_or_after(first: str) -> None:
    """DRF's views import, when they are, whatever the settings name."""
    program = f"import django; django.setup(); import {first}; import rest_framework.views, django_ironclad.drf"
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.bare"}
    subprocess.run([sys.executable, "-W", "error", "-c", program], env=environment, check=True, timeout=60)


# Its exceptions, as handlers of others see them, and our own handler.


def test_a_refusal_tells_others_all_that_drfs_own_do() -> None:
    refused = Refused(InsufficientUserAuthentication(300))
    sentence, code = "This needs a more recent login.", "insufficient_user_authentication"

    assert refused.get_codes() == {"error": code, "error_description": code, "max_age": code}
    assert refused.get_full_details() == {
        "error": {"message": code, "code": code},
        "error_description": {"message": sentence, "code": code},
        "max_age": {"message": 300, "code": code},
    }
    assert refused.detail == {"error": code, "error_description": sentence, "max_age": 300}
    assert json.loads(JSONRenderer().render(refused.detail)) == refused.detail
    assert str(refused)


@pytest.mark.parametrize(
    "error", [InvalidToken(), MissingToken(), InsufficientScope("read"), TemporarilyUnavailable(), AccessDenied()]
)
def test_so_does_each_refusal(error: IroncladError) -> None:
    codes = Refused(error).get_codes()

    assert json.loads(JSONRenderer().render(Refused(error).detail)) == answers.error_body(error)
    assert set(codes.values()) == {error.code}
    assert set(Refused(error).get_full_details()) == set(codes)


class Handled(APIView):
    authentication_classes: list[Any] = [BearerAuthentication]

    def get_exception_handler(self) -> Any:
        return exception_handler

    def get(self, request: Any, error: Exception | None) -> Any:
        if error:
            raise error
        return Response({})


def handled(error: Exception | None = None, *, token: str = "", **attributes: Any) -> Any:
    request = APIRequestFactory().get("/", headers={"authorization": f"Bearer {token}"} if token else {})
    return Handled.as_view(**attributes)(request, error=error)


def told(answer: Any) -> tuple[int, str, str]:
    assert set(answer.data) == {"error", "error_description"}
    return answer.status_code, answer.data["error"], answer.data["error_description"]


def test_our_handler_answers_drfs_own_refusals_as_ours() -> None:
    members = {"permission_classes": [IsAuthenticated]}
    answer = handled(**members)
    assert told(answer) == (401, "invalid_token", "Authentication credentials were not provided.")
    assert answer["WWW-Authenticate"] == 'Bearer realm="api"'
    answer = handled(**members, authentication_classes=[SessionAuthentication])
    assert told(answer)[:2] == (403, "access_denied")
    answer = handled(AuthenticationFailed("Not you."))
    assert told(answer) == (401, "invalid_token", "Not you.")
    for denied in (PermissionDenied("Not here."), DjangosPermissionDenied()):
        answer = handled(denied)
        assert told(answer)[:2] == (403, "access_denied")
        assert 'error="access_denied"' in answer["WWW-Authenticate"]
        assert answer["Cache-Control"] == "no-store"
    assert told(handled(PermissionDenied("Not here.")))[2] == "Not here."


def test_our_handler_answers_errors_of_ours_that_a_view_lets_out() -> None:
    answer = handled(TemporarilyUnavailable())
    assert (answer.status_code, answer.data) == (503, answers.error_body(TemporarilyUnavailable()))
    assert answer["Retry-After"] == "1"
    assert handled(InsufficientUserAuthentication(300)).data["max_age"] == 300
    assert told(handled(token="garbage"))[:2] == (401, "invalid_token")


def short(exc: Exception, context: Any) -> Response | None:
    """A handler of a project's own."""
    return Response({"short": exc.reason}, exc.status_code) if isinstance(exc, Refused) else None


@pytest.mark.parametrize("token", [None, "ended"])
def test_errors_of_ours_are_answered_by_any_handler_and_without_our_middleware(ada: Person, token: str | None) -> None:
    class Mine(APIView):
        authentication_classes = (BearerAuthentication,)

        def get(self, request: Any) -> Response:
            if token:
                sessions.revoke(request.auth.sid, reason="user")
            auth.issue(request.auth) if token else auth.update_session_auth_hash(request, ada.user)
            raise AssertionError

    class Short(Mine):
        def get_exception_handler(self) -> Any:
            return short

    for view in (Mine, Short):
        headers = {"Authorization": f"Bearer {auth.login(ada.user).access_token}"} if token else {}
        with override_settings(REST_FRAMEWORK={}, MIDDLEWARE=[]):
            answer = view.as_view()(APIRequestFactory().get("/", headers=headers))
        assert answer.status_code == 401
        assert answer["Cache-Control"] == "no-store"
        if view is Mine:
            assert answer.data["error"] == "invalid_token"
            assert answer["WWW-Authenticate"].startswith("Bearer ")
        else:
            assert answer.data.keys() == {"short"}


def test_our_handler_leaves_everything_else_to_drf() -> None:
    assert handled(ValidationError({"name": ["required"]})).data == {"name": ["required"]}
    assert set(handled(Http404()).data) == set(handled(Throttled()).data) == {"detail"}
    with pytest.raises(RuntimeError):
        handled(RuntimeError())


def test_login_required_middleware_leaves_drf_to_itself(api: Api, ada: Person) -> None:
    token = api.login(ada)["access_token"]
    with modify_settings(MIDDLEWARE={"append": "django.contrib.auth.middleware.LoginRequiredMiddleware"}):
        assert api.get("/drf/members/", token).status_code == 200
        assert api.get("/drf/members/").status_code == 401
        assert api.get("/drf/public/").status_code == 200
