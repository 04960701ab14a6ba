"""Django Ninja: what the table of tests/frameworks does not ask, for it is Ninja's own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from asgiref.sync import async_to_sync
from django.contrib.auth import get_user_model
from django.contrib.auth.decorators import login_not_required
from django.db import OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client, modify_settings, override_settings
from django.urls import path
from ninja import NinjaAPI, Router, Schema
from ninja.errors import AuthenticationError, ConfigError
from ninja.security import APIKeyHeader, django_auth
from ninja.testing import TestAsyncClient, TestClient
from ninja.throttling import UserRateThrottle

from django_ironclad import auth
from django_ironclad.errors import IroncladError
from django_ironclad.ninja import Bearer, install, requires, requires_recent_login

from .conftest import Person

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


class UserSchema(Schema):
    is_active: bool


class WrongSchema(Schema):
    no_such_thing: str


class Partner(APIKeyHeader):
    """Somebody else's tokens."""

    param_name = "Authorization"

    def authenticate(self, request: HttpRequest, key: str | None) -> str | None:
        return "partner" if key in ("Bearer an-opaque-token", "Key 7") else None


api = NinjaAPI(urls_namespace="ninja-tests", auth=Bearer())
install(api)


@api.get("/me")
def me(request):  # type: ignore[no-untyped-def]
    return {"user": request.user.get_username(), "sid": request.auth.sid}


@api.get("/user", response=UserSchema)
def user(request):  # type: ignore[no-untyped-def]
    return request.user


@api.get("/async-user", response=UserSchema)
async def async_user(request):  # type: ignore[no-untyped-def]
    return await request.auser()


@api.get("/wrong", response=WrongSchema)
def wrong(request):  # type: ignore[no-untyped-def]
    return request.user


@api.get("/mixed")
def mixed(request):  # type: ignore[no-untyped-def]
    return {"user": request.user.get_username()}


@api.post("/mixed")
async def mixed_async(request):  # type: ignore[no-untyped-def]
    return {"user": request.user.get_username()}


@api.post("/either", auth=[Bearer(), django_auth])
def either(request):  # type: ignore[no-untyped-def]
    return {"user": request.user.get_username()}


@api.get("/either", auth=[Bearer(), django_auth], response=WrongSchema)
def either_wrong(request):  # type: ignore[no-untyped-def]
    return request.user


@api.get("/seldom", throttle=UserRateThrottle("2/day"))
def seldom(request):  # type: ignore[no-untyped-def]
    return {}


@api.get("/partners", auth=[Bearer(), Partner()])
def partners(request):  # type: ignore[no-untyped-def]
    return {"auth": str(request.auth)}


@api.get("/optional", auth=[Bearer(), lambda request: "Authorization" not in request.headers])
def optional(request):  # type: ignore[no-untyped-def]
    return {"user": request.user.get_username()}


@api.get("/open", auth=None)
def is_open(request):  # type: ignore[no-untyped-def]
    return {}


@api.get("/said-to-be-open", auth=None)
@login_not_required
def said_to_be_open(request):  # type: ignore[no-untyped-def]
    return {}


@api.get("/others", auth=django_auth)
def others(request):  # type: ignore[no-untyped-def]
    return {}


@api.get("/thoughtless")
def thoughtless(request):  # type: ignore[no-untyped-def]
    raise AuthenticationError(message="You are not who you should be")


@api.get("/both", auth=requires(group="registrar") & requires_recent_login(max_age=timedelta(minutes=5)))
def both(request):  # type: ignore[no-untyped-def]
    return {}


@api.get("/list", auth=[requires(scope="read"), requires_recent_login(max_age=timedelta(minutes=5))])
def not_both(request):  # type: ignore[no-untyped-def]
    return {}


urlpatterns = [path("", api.urls)]


@pytest.fixture(params=[True, False], ids=["with the middleware", "without it"])
def middleware(request: pytest.FixtureRequest) -> Iterator[bool]:
    """It must not matter."""
    if request.param:
        yield True
    else:
        with modify_settings(MIDDLEWARE={"remove": "django_ironclad.middleware.BearerMiddleware"}):
            yield False


@pytest.fixture
def token(ada: Person) -> str:
    return auth.login(ada.user).access_token


def get(path: str, token: str = "") -> Any:
    return Client().get(path, headers={"authorization": f"Bearer {token}"} if token else {})


def refusal(answer: Any) -> tuple[int, str, str]:
    return answer.status_code, answer.json()["error"], answer["WWW-Authenticate"]


INVALID = (
    'Bearer realm="api", error="invalid_token", error_description="The access token is invalid, expired or revoked."'
)


@pytest.mark.usefixtures("middleware")
@pytest.mark.parametrize("debug", [True, False])
@pytest.mark.parametrize("path", ["/user", "/async-user"])
def test_a_schema_that_asks_a_user_who_is_gone_is_401(ada: Person, token: str, path: str, debug: bool) -> None:
    call = async_to_sync(AsyncClient().get) if "async" in path else Client().get
    headers = {"authorization": f"Bearer {token}"}
    with override_settings(DEBUG=debug):
        assert call(path, headers=headers).json() == {"is_active": True}
        get_user_model()._default_manager.filter(pk=ada.user.pk).update(is_active=False)

        answer = call(path, headers=headers)

    assert refusal(answer) == (401, "invalid_token", INVALID)
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.usefixtures("middleware")
@pytest.mark.parametrize("debug", [True, False])
def test_a_refusal_is_the_same_in_debug_mode(token: str, debug: bool) -> None:
    with override_settings(DEBUG=debug):
        assert refusal(get("/me", token + "x")) == (401, "invalid_token", INVALID)
        assert refusal(get("/me")) == (401, "invalid_token", 'Bearer realm="api"')


def test_other_errors_are_left_to_ninja_and_to_the_project(token: str) -> None:
    assert get("/others").json() == {"detail": "Unauthorized"}
    assert get("/thoughtless", token).json() == {"detail": "You are not who you should be"}
    with pytest.raises(ValueError, match="no_such_thing"):
        get("/wrong", token)


def test_a_mistake_of_the_project_is_no_refusal(ada: Person) -> None:
    """She came without a token, by a session of Django's; that the schema is wrong is not her fault."""
    client = Client()
    client.force_login(ada.user, "django.contrib.auth.backends.ModelBackend")

    with pytest.raises(ValueError, match="no_such_thing"):
        client.get("/either")


def test_a_rate_is_counted_by_the_user_and_costs_no_query(
    ada: Person, token: str, django_assert_num_queries: Callable[[int], Any]
) -> None:
    other = auth.login(ada.user).access_token
    with django_assert_num_queries(0):
        assert [get("/seldom", each).status_code for each in (token, other, token)] == [200, 200, 429]


def test_a_projects_handler_of_whatever_goes_wrong_is_asked(token: str) -> None:
    own = NinjaAPI(urls_namespace="own", auth=Bearer())
    own.add_exception_handler(Exception, lambda request, error: HttpResponse(type(error).__name__, status=418))
    install(own)
    own.get("/wrong", response=WrongSchema)(wrong)

    answer = TestClient(own).get("/wrong", headers={"Authorization": f"Bearer {token}"})

    assert (answer.status_code, answer.content) == (418, b"ValidationError")


@pytest.mark.parametrize("kind", ["an API", "a router", "a router in a router", "async"])
def test_without_install_whoever_is_refused_hears_the_same(ada: Person, token: str, kind: str) -> None:
    router, outer = Router(auth=Bearer()), Router()
    forgotten = NinjaAPI(urls_namespace=f"forgotten {kind}", auth=Bearer())
    of = forgotten if kind == "an API" else router
    of.get("/me")(mixed_async if kind == "async" else mixed)
    of.get("/user", response=UserSchema)(async_user if kind == "async" else user)
    of.get("/old", auth=requires_recent_login(max_age=timedelta(minutes=1)))(mixed_async if kind == "async" else mixed)
    outer.add_router("", router)
    tested = {"an API": forgotten, "a router in a router": outer}.get(kind, router)
    client = TestAsyncClient(tested) if kind == "async" else TestClient(tested)

    def call(path: str, token: str = "") -> Any:
        get = async_to_sync(client.get) if kind == "async" else client.get
        return get(path, headers={"Authorization": f"Bearer {token}"} if token else {})

    assert refusal(call("/me", token + "x")) == (401, "invalid_token", INVALID)
    assert refusal(call("/me")) == (401, "invalid_token", 'Bearer realm="api"')
    assert call("/me", token).json() == {"user": ada.name}
    with time_machine.travel(time.time() - 120):
        old = auth.login(ada.user).access_token
    assert (call("/old", token).status_code, call("/old", old).json()["max_age"]) == (200, 60)
    get_user_model()._default_manager.filter(pk=ada.user.pk).update(is_active=False)
    assert refusal(call("/user", token)) == (401, "invalid_token", INVALID)


def test_without_install_no_database_is_503(token: str) -> None:
    forgotten = NinjaAPI(urls_namespace="forgotten-503", auth=Bearer(strict=True))
    forgotten.get("/me")(me)

    def fail(*_: object) -> None:
        raise OperationalError("the server is gone")

    with connection.execute_wrapper(fail):
        answer = TestClient(forgotten).get("/me", headers={"Authorization": f"Bearer {token}"})

    assert (answer.status_code, answer.json()["error"], answer["Retry-After"]) == (503, "temporarily_unavailable", "1")


def test_without_install_the_projects_own_handler_of_our_errors_is_asked(token: str) -> None:
    own = NinjaAPI(urls_namespace="own-handler", auth=Bearer())
    own.add_exception_handler(IroncladError, lambda request, error: HttpResponse(error.code, status=418))
    own.get("/me")(me)

    answer = TestClient(own).get("/me", headers={"Authorization": f"Bearer {token}x"})

    assert (answer.status_code, answer.content) == (418, b"invalid_token")


def test_a_login_may_be_optional(ada: Person, token: str) -> None:
    assert get("/optional", token).json() == {"user": ada.name}
    assert get("/optional").json() == {"user": ""}
    for bad in (token + "x", "garbage"):
        assert refusal(get("/optional", bad)) == (401, "invalid_token", INVALID)


LOGIN_REQUIRED = {"append": "django.contrib.auth.middleware.LoginRequiredMiddleware"}


def test_login_required_middleware_leaves_operations_to_their_own_authentication(ada: Person, token: str) -> None:
    with modify_settings(MIDDLEWARE=LOGIN_REQUIRED):
        for path in ("/me", "/mixed"):
            assert get(path, token).json()["user"] == ada.name
            assert refusal(get(path))[:2] == (401, "invalid_token")
        assert async_to_sync(AsyncClient().get)("/async-user", headers={"authorization": f"Bearer {token}"}).json()
        assert get("/others").status_code == 401
        # Django's own rule for what has none.
        assert get("/open", token).status_code == 302
        assert get("/said-to-be-open").json() == {}


def test_ninjas_own_test_clients_work(ada: Person, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}

    assert TestClient(api).get("/me", headers=headers).json()["user"] == ada.name
    assert TestClient(api).get("/me").status_code == 401
    answer = async_to_sync(TestAsyncClient(api).post)("/mixed", headers=headers)
    assert answer.json() == {"user": ada.name}


@pytest.mark.usefixtures("middleware")
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_sync_and_an_async_operation_share_a_path(ada: Person, token: str, method: str) -> None:
    call = async_to_sync(getattr(AsyncClient(), method))

    assert call("/mixed", headers={"authorization": f"Bearer {token}"}).json() == {"user": ada.name}
    assert call("/mixed", headers={"authorization": f"Bearer {token}x"}).status_code == 401
    assert call("/mixed").status_code == 401


@pytest.mark.usefixtures("middleware")
def test_beside_a_session_of_djangos_only_the_cookie_needs_a_csrf_token(
    ada: Person, token: str, person: Callable[..., Person]
) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(person("rosa").user, "django.contrib.auth.backends.ModelBackend")

    by_token = client.post("/either", headers={"authorization": f"Bearer {token}"})
    assert by_token.json() == {"user": ada.name}
    assert client.post("/either").status_code == 403
    assert client.post("/either", headers={"authorization": f"Bearer {token}x"}).status_code == 401
    client.cookies["csrftoken"] = csrf = "a" * 32
    assert client.post("/either", headers={"x-csrftoken": csrf}).json()["user"].startswith("rosa")


@pytest.mark.usefixtures("middleware")
def test_a_token_of_somebody_else_is_for_the_next_of_a_list(token: str) -> None:
    assert get("/partners", "an-opaque-token").json() == {"auth": "partner"}
    assert Client().get("/partners", headers={"authorization": "Key 7"}).json() == {"auth": "partner"}
    assert refusal(get("/partners", "nobodys-token")) == (401, "invalid_token", INVALID)
    assert refusal(get("/partners")) == (401, "invalid_token", 'Bearer realm="api"')


def test_a_bad_token_of_ours_is_for_nobody_else(token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Partner, "authenticate", lambda *_: "whoever")

    assert get("/partners", token[:-4] + "AAAA").status_code == 401


def test_two_requirements_are_both_asked(ada: Person, token: str, has_groups: bool) -> None:
    assert get("/both", token).json()["error"] == "access_denied"
    if has_groups:
        from django.contrib.auth.models import Group

        ada.user.groups.add(Group.objects.create(name="registrar"))
        assert get("/both", auth.login(ada.user).access_token).status_code == 200


def test_a_list_that_looks_like_both_is_a_mistake_that_the_first_call_without_a_token_tells() -> None:
    with pytest.raises(ConfigError, match="&"):
        get("/list")


def test_its_openapi_names_one_scheme(client: Client) -> None:
    schema = client.get("/openapi.json").json()

    assert schema["components"]["securitySchemes"]["Bearer"] == {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
    }
    assert schema["paths"]["/me"]["get"]["security"] == schema["paths"]["/both"]["get"]["security"] == [{"Bearer": []}]


def test_the_log_hears_why(token: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", "django_ironclad"):
        get("/me", token + "x")
        get("/me")

    lines = [record.getMessage() for record in caplog.records if record.name == "django_ironclad"]
    assert [line.partition(":")[0] for line in lines] == ["refused invalid_token"] * 2
    assert token not in " ".join(lines)
