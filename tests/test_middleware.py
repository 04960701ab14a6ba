"""`BearerMiddleware`: plain views, sync and async, templates, `login_required`, and Django's CSRF check."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.auth.models import AnonymousUser
from django.db import connections
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client, RequestFactory, modify_settings

from django_ironclad.decorators import public
from django_ironclad.middleware import BearerMiddleware

from .conftest import Api, Person

pytestmark = pytest.mark.django_db


def test_plain_views_know_the_user(api: Api, ada: Person) -> None:
    token = api.login(ada)["access_token"]

    assert api.get("/plain/", token).json() == {"user": ada.name, "authenticated": True}
    assert api.get("/plain/login-required/", token).json()["user"] == ada.name
    assert api.get("/plain/template/", token).content.decode() == ada.name


def test_without_a_token_everything_is_as_before(api: Api, ada: Person) -> None:
    assert api.get("/plain/").json()["authenticated"] is False
    assert api.get("/plain/login-required/").status_code == 302
    api.http.force_login(ada.user)
    assert api.get("/plain/").json()["user"] == ada.name


def test_the_token_counts_for_more_than_djangos_session(api: Api, ada: Person, person: Any) -> None:
    rosa = person("rosa")
    api.http.force_login(ada.user)

    assert api.get("/plain/", api.login(rosa)["access_token"]).json()["user"] == rosa.name
    assert api.get("/plain/").json()["user"] == ada.name


@pytest.mark.parametrize("token", ["garbage", "a.b.c", "expired"])
def test_a_bad_token_is_401_whoever_else_is_logged_in(api: Api, ada: Person, token: str) -> None:
    real = api.login(ada)["access_token"]
    api.http.force_login(ada.user)
    with time_machine.travel(time.time() + 311):
        answer = api.get("/plain/", real if token == "expired" else token)

    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
    assert 'error="invalid_token"' in answer["WWW-Authenticate"]
    assert answer["Cache-Control"] == "no-store"


def test_a_public_view_ignores_the_header(api: Api, ada: Person) -> None:
    for token in ("garbage", api.login(ada)["access_token"]):
        assert api.get("/plain/public/", token).json()["authenticated"] is False


def test_public_survives_other_decorators() -> None:
    from django.views.decorators.cache import never_cache

    @never_cache
    @public
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse()

    middleware = BearerMiddleware(view)
    request = RequestFactory().get("/", headers={"authorization": "Bearer garbage"})
    assert middleware.process_view(request, view, (), {}) is None


def test_a_view_that_does_not_exist_is_404(api: Api) -> None:
    assert api.get("/no/such/view/", "garbage").status_code == 404


def test_a_bearer_request_needs_no_csrf_token_and_a_session_request_does(api: Api, ada: Person) -> None:
    token = api.login(ada)["access_token"]
    client = Client(enforce_csrf_checks=True)

    assert client.post("/plain/post/", headers={"authorization": f"Bearer {token}"}).status_code == 200
    client.force_login(ada.user)
    assert client.post("/plain/post/").status_code == 403
    assert client.post("/plain/post/", headers={"authorization": "Basic YTpi"}).status_code == 403
    assert client.post("/plain/public/", headers={"authorization": f"Bearer {token}"}).status_code == 403
    assert client.post("/plain/post/", headers={"authorization": "Bearer garbage"}).status_code == 401


@pytest.mark.django_db(transaction=True)
def test_async_views_know_the_user(api: Api, ada: Person) -> None:
    token = api.login(ada)["access_token"]

    async def calls() -> list[Any]:
        client = AsyncClient()
        tokens = [f"Bearer {token}", "Bearer garbage", ""]
        answers = [await client.get("/plain/async/", headers={"authorization": each}) for each in tokens]
        await sync_to_async(connections.close_all)()  # those of the thread in which the database was asked
        return answers

    good, bad, none = asyncio.run(calls())

    assert good.json() == {"user": ada.name, "authenticated": True}
    assert (bad.status_code, bad.json()["error"]) == (401, "invalid_token")
    assert none.json()["authenticated"] is False


def test_who_the_request_has_is_who_the_token_says(api: Api, ada: Person) -> None:
    request = RequestFactory().get("/", headers={"authorization": f"Bearer {api.login(ada)['access_token']}"})
    request.user = AnonymousUser()

    assert BearerMiddleware(lambda _: HttpResponse()).process_view(request, lambda _: None, (), {}) is None

    assert request.user == ada.user
    assert request.auth.username == ada.name  # type: ignore[attr-defined]


def test_under_login_required_middleware_a_token_is_a_login_and_what_is_public_stays_so(api: Api, ada: Person) -> None:
    with modify_settings(MIDDLEWARE={"append": "django.contrib.auth.middleware.LoginRequiredMiddleware"}):
        tokens = api.login(ada)
        assert api.refresh(tokens["refresh_token"]).status_code == 200
        assert api.get("/auth/jwks.json").status_code == 200
        assert api.get("/auth/me/", tokens["access_token"]).status_code == 200
        assert api.get("/auth/me/").status_code == 401
        given = api.post("/api-token-auth/", {ada.user.USERNAME_FIELD: ada.name, "password": ada.password}).json()[
            "token"
        ]
        assert api.post("/api-token-verify/", {"token": given}).status_code == 200
        assert api.post("/api-token-refresh/", {"token": given}).status_code == 200
        assert api.get("/plain/public/").status_code == 200
        assert api.get("/plain/", tokens["access_token"]).json()["user"] == ada.name
        assert acall("/plain/async/", tokens["access_token"]).json()["user"] == ada.name
        assert api.get("/plain/").status_code == 302
        assert api.get("/plain/", "garbage").status_code == 401
        assert api.logout(tokens["refresh_token"]).status_code == 204


# Who may do what: Django's own ways, and `requires` on classes.


def acall(path: str, token: str) -> Any:
    return async_to_sync(AsyncClient().get)(path, headers={"authorization": f"Bearer {token}"})


@pytest.mark.parametrize("path", ["/plain/permitted/", "/plain/async/permitted/"])
def test_permission_required_asks_the_user_of_the_token(api: Api, ada: Person, has_groups: bool, path: str) -> None:
    if not has_groups:
        pytest.skip("this user model has no permissions")
    token = api.login(ada)["access_token"]
    call = acall if "async" in path else api.get
    assert call(path, token).status_code == 403

    permit(ada, "add_note")

    assert call(path, token).json()["user"] == ada.name


def test_templates_know_what_the_user_may_do(api: Api, ada: Person, has_groups: bool) -> None:
    token = api.login(ada)["access_token"]
    assert api.get("/plain/perms/", token).content == b"False False"
    if has_groups:
        permit(ada, "add_note")

        assert api.get("/plain/perms/", token).content == b"True False"


@pytest.mark.parametrize("path", ["/plain/handler/", "/plain/dispatch/", "/plain/async/handler/"])
def test_a_method_may_require_what_a_function_may(
    api: Api, ada: Person, person: Callable[..., Person], has_groups: bool, path: str
) -> None:
    call = acall if "async" in path else api.get
    answer = call(path, api.login(ada)["access_token"])
    assert (answer.status_code, answer.json()["error"]) == (403, "access_denied")
    if has_groups:
        rosa = person("rosa", groups=("registrar",))

        assert call(path, api.login(rosa)["access_token"]).json()["user"] == rosa.name


def test_on_dispatch_of_an_async_view_nobody_is_let_in_who_should_not_be(api: Api, ada: Person) -> None:
    """Django's own `login_required` breaks there, too: `dispatch` is a plain function that returns a coroutine."""
    with pytest.raises(TypeError, match="await"):
        acall("/plain/async/dispatch/", api.login(ada)["access_token"])


def permit(person: Person, codename: str) -> None:
    from django.contrib.auth.models import Permission

    person.user.user_permissions.add(Permission.objects.get(codename=codename))
