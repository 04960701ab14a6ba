"""Views of a project's own that begin sessions, change passwords and claims, and answer with tokens."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from asgiref.testing import ApplicationCommunicator
from django.contrib.auth import get_user_model
from django.core.asgi import get_asgi_application
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, connections, transaction
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.test import AsyncRequestFactory, Client, RequestFactory, override_settings
from django.test.client import encode_multipart
from django.test.utils import CaptureQueriesContext
from django.urls import include, path
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.views import APIView

from django_ironclad import auth
from django_ironclad.decorators import public, requires, token_endpoint, token_response
from django_ironclad.errors import InvalidToken
from django_ironclad.middleware import BearerMiddleware
from django_ironclad.models import Session

from ..conftest import BY_SNAPSHOT, PASSWORD, Api, Person, begun, race, time_passes
from ..http.test_cookies import NAME, ORIGIN, Browser

NEW = "another horse, another staple"
pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


def _make(request: HttpRequest) -> Any:
    name = json.loads(request.body)["name"]
    model = get_user_model()
    if model.USERNAME_FIELD == "email":
        return model._default_manager.create_user(f"{name}@example.org", PASSWORD)
    return model._default_manager.create_user(name, password=PASSWORD)


@public
@token_endpoint
def sign_up(request: HttpRequest) -> HttpResponse:
    return token_response(request, auth.login(_make(request), request=request, amr=["pwd"]))


@public
@token_endpoint
async def sign_up_async(request: HttpRequest) -> HttpResponse:
    def begin() -> HttpResponse:
        return token_response(request, auth.login(_make(request), request=request))

    return await sync_to_async(begin)()


@public
@token_endpoint
def sign_up_as_eve(request: HttpRequest) -> HttpResponse:
    """Whatever the body is: who it is, the view knows."""
    with transaction.atomic():
        user = get_user_model()._default_manager.create(**{get_user_model().USERNAME_FIELD: "eve"})
        return token_response(request, auth.login(user, request=request, transport=request.GET.get("by")))  # type: ignore[arg-type]


@public
def without_border(request: HttpRequest) -> HttpResponse:
    return token_response(request, auth.login(_make(request), request=request, transport="cookie"))


@token_endpoint
@requires()
def change(request: HttpRequest) -> HttpResponse:
    auth.check_page(request)
    user: Any = request.user
    with transaction.atomic():
        user.set_password(NEW)
        user.save()
    return token_response(request, auth.update_session_auth_hash(request, user))


#: What happens elsewhere between the new password and the new tokens.
meanwhile: list[Callable[[], object]] = []


@token_endpoint
@requires()
def change_in_one_transaction(request: HttpRequest) -> HttpResponse:
    auth.check_page(request)
    user: Any = request.user
    with transaction.atomic():
        user.set_password(NEW)
        user.save()
        for act in meanwhile:
            act()
        tokens = auth.update_session_auth_hash(request, user)
    return token_response(request, tokens)


@token_endpoint
@requires()
def confirm(request: Any) -> HttpResponse:
    auth.check_page(request)
    return token_response(request, auth.reauthenticate(request.auth, amr=["otp"]))


@requires()
def change_and_say_nothing(request: HttpRequest) -> HttpResponse:
    user: Any = get_user_model()._default_manager.get(pk=request.user.pk)
    user.set_password(NEW)
    user.save()
    living = Session.objects.live().count()
    return JsonResponse({"living": living})


@requires()
def change_and_fail(request: HttpRequest) -> HttpResponse:
    with transaction.atomic():
        change_and_say_nothing(request)
        transaction.set_rollback(True)
    return HttpResponse()


@requires()
async def change_in_a_task_of_its_own(request: HttpRequest) -> HttpResponse:
    return (await asyncio.gather(sync_to_async(change_and_say_nothing)(request)))[0]


class RestSilentChange(APIView):
    permission_classes = [IsAuthenticated]

    def post(self, request: Request) -> HttpResponse:
        request.user.set_password(NEW)
        request.user.save()
        return HttpResponse()


class RestChange(APIView):
    permission_classes = [IsAuthenticated]

    def post(self, request: Request) -> HttpResponse:
        auth.check_page(request)
        get_user_model()._default_manager.filter(pk=request.user.pk).update(password=request.user.password)
        request.user.set_password(NEW)
        request.user.save()
        return token_response(request, auth.update_session_auth_hash(request, request.user))


@requires()
def organisation(request: Any) -> HttpResponse:
    return JsonResponse({"org": request.auth.claims.get("org_id"), "by": request.auth.username})


@token_endpoint
@requires()
def switch(request: Any) -> HttpResponse:
    return token_response(request, auth.amend(request.auth, json.loads(request.body)))


@requires()
def current_user(request: Any) -> HttpResponse:
    return JsonResponse({"token": auth.issue(request.auth).access_token})


urlpatterns = [
    path("auth/", include("django_ironclad.urls")),
    path("sign-up/", sign_up),
    path("sign-up/async/", sign_up_async),
    path("sign-up/eve/", sign_up_as_eve),
    path("sign-up/without-border/", without_border),
    path("change/", change),
    path("confirm/", confirm),
    path("change/whole/", change_in_one_transaction),
    path("change/silent/", change_and_say_nothing),
    path("change/failed/", change_and_fail),
    path("change/gathered/", change_in_a_task_of_its_own),
    path("change/rest/silent/", RestSilentChange.as_view()),
    path("change/rest/", token_endpoint(RestChange.as_view())),
    path("organisation/", organisation),
    path("switch/", switch),
    path("user/", current_user),
]


@pytest.fixture(autouse=True)
def _secure() -> Iterator[None]:
    with override_settings(SESSION_COOKIE_SECURE=True):
        yield


def bearer(tokens: dict[str, Any]) -> dict[str, str]:
    return {"authorization": f"Bearer {tokens['access_token']}"}


def page(origin: str = ORIGIN) -> Client:
    return Client(headers={"origin": origin, "sec-fetch-site": "same-origin"})


def post(client: Client, to: str, body: Any = None, tokens: dict[str, Any] | None = None) -> Any:
    headers = bearer(tokens) if tokens else {}
    return client.post(to, body or {}, content_type="application/json", secure=True, headers=headers)


async def ask_by_asgi(to: str, token: str) -> Any:
    """POST, as a server sends it; what the answer says."""
    headers = [(b"host", b"testserver"), (b"authorization", f"Bearer {token}".encode())]
    scope = {"type": "http", "method": "POST", "path": to, "scheme": "https", "headers": headers, "query_string": b""}
    server = ApplicationCommunicator(get_asgi_application(), scope)
    await server.send_input({"type": "http.request", "body": b""})
    await server.receive_output(20)
    body = (await server.receive_output(20))["body"]
    await server.wait(20)
    return json.loads(body or "null")


def _multipart(boundary: str) -> str:
    return f"multipart/form-data; boundary={boundary}"


signing_up = pytest.mark.parametrize("to", ["/sign-up/", "/sign-up/async/"])


# A session begins.


@pytest.mark.django_db(transaction=True)
@signing_up
def test_a_client_without_a_browser_gets_both_tokens_in_the_body(api: Api, to: str) -> None:
    answer = post(Client(enforce_csrf_checks=True), to, {"name": "eve"})

    assert answer.status_code == 200
    assert (answer["Cache-Control"], NAME in answer.cookies) == ("no-store", False)
    assert api.refresh(answer.json()["refresh_token"]).status_code == 200


@pytest.mark.django_db(transaction=True)
@signing_up
def test_a_page_gets_the_cookie_that_it_asks_for(to: str) -> None:
    client = page()
    answer = post(client, to, {"name": "eve", "transport": "cookie"})

    assert answer.status_code == 200
    assert "refresh_token" not in answer.json()
    assert post(client, "/auth/refresh/").status_code == 200


@pytest.mark.django_db(transaction=True)
@signing_up
def test_a_page_of_another_site_is_refused_before_the_view_runs(to: str) -> None:
    answer = post(page("https://evil.example"), to, {"name": "eve", "transport": "cookie"})

    assert (answer.status_code, answer.json()["error"]) == (403, "origin_not_allowed")
    assert not get_user_model()._default_manager.exists()


def test_an_unknown_transport_is_400_before_the_view_runs() -> None:
    assert post(page(), "/sign-up/", {"name": "eve", "transport": "pigeon"}).status_code == 400
    assert not get_user_model()._default_manager.exists()


FORM = "application/x-www-form-urlencoded"
COOKIE = '"transport": "cookie"'
BODIES = {
    "9 KB of JSON": ("post", f'{{{COOKIE}, "about": "{"x" * 9000}"}}', "application/json", 200),
    "2 MB of JSON": ("post", f'{{{COOKIE}, "about": "{"x" * 2_000_000}"}}', "application/json", 200),
    "JSON by PUT": ("put", f"{{{COOKIE}}}", "application/json", 200),
    "a repeated field": ("post", "transport=cookie&likes=a&likes=b", FORM, 200),
    "a long form": ("post", f"transport=cookie&about={'x' * 9000}", FORM, 200),
    "a multipart form": ("post", encode_multipart("b", {"transport": "cookie", "x": "x" * 9000}), _multipart("b"), 200),
    "more than Django takes": ("post", f'{{{COOKIE}, "about": "{"x" * 3_000_000}"}}', "application/json", 400),
    "transport twice": ("post", "transport=cookie&transport=body", FORM, 400),
    "a member twice": ("post", f'{{{COOKIE}, "a": 1, "a": 2}}', "application/json", 400),
    "deep JSON": ("post", f'{{{COOKIE}, "a": {"[" * 20}{"]" * 20}}}', "application/json", 400),
    "JSON of another name": ("post", f"{{{COOKIE}}}", "application/vnd.api+json", 400),
    "a form by PUT": ("put", "transport=cookie", FORM, 400),
}


@pytest.mark.parametrize(("verb", "body", "content_type", "status"), BODIES.values(), ids=BODIES)
def test_who_asks_for_the_cookie_is_never_answered_a_refresh_token_in_the_body(
    verb: str, body: Any, content_type: str, status: int
) -> None:
    """Script of the page could read it there. Where nobody knows what the body asks for, no session begins."""
    headers = {"x-requested-with": "fetch"}
    client = page()

    answer = getattr(client, verb)("/sign-up/eve/", body, content_type=content_type, secure=True, headers=headers)

    assert answer.status_code == status
    assert "refresh_token" not in answer.json()
    assert (NAME in answer.cookies) is (status == 200)
    assert Session.objects.count() == get_user_model()._default_manager.count() == (status == 200)


@pytest.mark.parametrize("transport", ["body", "cookie"])
def test_a_view_that_names_the_transport_takes_any_body(transport: str) -> None:
    answer = page().post(
        f"/sign-up/eve/?by={transport}",
        "<name>eve</name>",
        content_type="text/xml",
        secure=True,
        headers={"x-requested-with": "fetch"},
    )

    assert answer.status_code == 200
    assert (NAME in answer.cookies, "refresh_token" in answer.json()) == (transport == "cookie", transport == "body")


def test_a_project_with_one_transport_takes_any_body() -> None:
    with override_settings(IRONCLAD={"TRANSPORTS": ["body"]}):
        answer = Client().post("/sign-up/eve/", "<name>eve</name>", content_type="text/xml", secure=True)

    assert "refresh_token" in answer.json()


def test_the_session_of_the_cookie_before_ends(ada: Person) -> None:
    browser = Browser()
    browser.login(ada)
    before = Session.objects.get()

    assert post(browser.client, "/sign-up/", {"name": "eve", "transport": "cookie"}).status_code == 200

    before.refresh_from_db()
    assert before.revoked_reason == "replaced"
    assert Session.objects.live().count() == 1


def test_a_session_that_travels_in_the_body_ends_no_session_of_the_cookie(ada: Person) -> None:
    browser = Browser()
    browser.login(ada)

    assert post(browser.client, "/sign-up/", {"name": "eve"}).status_code == 200

    assert Session.objects.live().count() == 2


def test_the_cookie_without_the_border_is_an_error_that_names_it() -> None:
    with pytest.raises(ImproperlyConfigured, match="token_endpoint"):
        post(page(), "/sign-up/without-border/", {"name": "eve"})
    assert not Session.objects.exists()


def test_errors_of_ours_are_answered(api: Api) -> None:
    @token_endpoint
    def inactive(request: HttpRequest) -> HttpResponse:
        return token_response(request, auth.login(get_user_model()(is_active=False), request=request))

    answer = inactive(RequestFactory().post("/"))

    assert (answer.status_code, json.loads(answer.content)["error"]) == (401, "invalid_credentials")


def test_no_transaction_of_the_projects_is_around_it() -> None:
    connections.settings["default"]["ATOMIC_REQUESTS"] = True
    try:
        assert sign_up._non_atomic_requests >= {"default"}  # type: ignore[attr-defined]
    finally:
        connections.settings["default"]["ATOMIC_REQUESTS"] = False


@pytest.mark.parametrize(("allowed", "transport"), [(["cookie"], "body"), (["body"], "cookie")])
def test_a_transport_that_is_off_is_an_error_that_names_the_setting(
    ada: Person, allowed: list[str], transport: Any
) -> None:
    with override_settings(IRONCLAD={"TRANSPORTS": allowed}), pytest.raises(ImproperlyConfigured, match="TRANSPORTS"):
        auth.login(ada.user, transport=transport)
    assert not Session.objects.exists()


# A password changes.


changing = pytest.mark.parametrize("to", ["/change/", "/change/rest/"])


@changing
def test_who_changes_the_password_goes_on_and_all_others_end(api: Api, ada: Person, to: str) -> None:
    mine, other = api.login(ada), api.login(ada)

    answer = post(Client(), to, tokens=mine)

    assert answer.status_code == 200
    assert api.get("/auth/me/", mine["access_token"]).status_code == 200
    assert api.get("/auth/me/", other["access_token"]).status_code == 401
    assert [api.refresh(each["refresh_token"]).status_code for each in (mine, other)] == [503, 400]
    time_passes(seconds=61)
    assert api.refresh(mine["refresh_token"]).status_code == 400
    assert api.refresh(answer.json()["refresh_token"]).status_code == 200


@changing
def test_by_cookie_it_gets_a_new_one(ada: Person, to: str) -> None:
    browser = Browser()
    tokens = browser.login(ada).json()
    before = browser.cookie

    answer = post(browser.client, to, tokens=tokens)

    assert answer.status_code == 200
    assert "refresh_token" not in answer.json()
    assert browser.cookie != before
    assert browser.post("refresh").status_code == 200


@pytest.mark.parametrize("to", ["/change/", "/change/rest/", "/confirm/"])
def test_a_page_that_may_not_have_the_cookie_changes_nothing(ada: Person, to: str) -> None:
    browser = Browser()
    tokens = browser.login(ada).json()
    before = Session.objects.values().get()

    answer = post(page("https://evil.example"), to, tokens=tokens)

    assert (answer.status_code, answer.json()["error"]) == (403, "origin_not_allowed")
    assert get_user_model()._default_manager.get(pk=ada.user.pk).check_password(PASSWORD)
    assert Session.objects.values().get() == before
    assert browser.post("refresh").status_code == 200
    assert post(browser.client, to, tokens=tokens).status_code == 200


@changing
def test_a_session_that_has_ended_elsewhere_changes_no_password(ada: Person, api: Api, to: str) -> None:
    """Which no process but one has heard of yet."""
    tokens = api.login(ada)
    Session.objects.update(revoked_at=Now(), revoked_reason="logout")

    assert post(Client(), to, tokens=tokens).status_code == 401
    assert get_user_model()._default_manager.get(pk=ada.user.pk).check_password(PASSWORD)


@pytest.mark.django_db(transaction=True)
def test_tabs_that_refresh_while_a_transaction_changes_the_password_stay_signed_in(
    api: Api, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Outside of one, they would find a session that began with another password."""
    if connection.vendor == "sqlite":
        pytest.skip("nobody else writes meanwhile")
    if connection.vendor == "postgresql" and BY_SNAPSHOT:
        pytest.skip("the transaction is refused, as it does not see the refreshes")
    mine, waiting = api.login(ada), []

    def refresh() -> None:
        waiting.append(begun(lambda: race(4, lambda _: Api().refresh(mine["refresh_token"]))))

    monkeypatch.setattr(f"{__name__}.meanwhile", [refresh])

    answer = post(Client(), "/change/whole/", tokens=mine)

    assert answer.status_code == 200
    others = waiting[0].result(60)
    assert {each.status_code for each in others} == {200}
    assert {api.refresh(each.json()["refresh_token"]).status_code for each in others} == {503}
    time_passes(seconds=61)
    assert api.refresh(answer.json()["refresh_token"]).status_code == 200


def test_a_view_that_says_nothing_ends_its_own_session_with_its_request(api: Api, ada: Person) -> None:
    mine, _ = api.login(ada), api.login(ada)

    answer = post(Client(), "/change/silent/", tokens=mine)

    assert answer.json() == {"living": 1}
    assert not Session.objects.live().exists()
    assert api.get("/auth/me/", mine["access_token"]).status_code == 401
    assert api.refresh(mine["refresh_token"]).status_code == 400


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("to", ["/change/silent/", "/change/gathered/"])
def test_under_asgi_too_where_the_view_runs_in_a_task_of_its_own(api: Api, ada: Person, to: str) -> None:
    mine = api.login(ada)

    async_to_sync(ask_by_asgi)(to, mine["access_token"])

    assert Session.objects.get().revoked_reason == "password_changed"
    assert api.get("/auth/me/", mine["access_token"]).status_code == 401


@pytest.mark.django_db(transaction=True)
def test_a_client_that_goes_away_once_the_password_is_new_leaves_no_session(api: Api, ada: Person) -> None:
    request: Any = AsyncRequestFactory().post("/", headers=bearer(api.login(ada)))

    async def view(request: HttpRequest) -> HttpResponse:
        await middleware.process_view(request, change_and_say_nothing, (), {})  # type: ignore[misc]
        await sync_to_async(change_and_say_nothing)(request)
        raise asyncio.CancelledError

    middleware = BearerMiddleware(view)
    with pytest.raises(asyncio.CancelledError):
        async_to_sync(middleware)(request)  # type: ignore[arg-type]

    assert Session.objects.get().revoked_reason == "password_changed"


@pytest.mark.django_db(transaction=True)
def test_under_asgi_a_session_may_go_on_as_well(api: Api, ada: Person) -> None:
    mine = api.login(ada)

    answer = async_to_sync(ask_by_asgi)("/change/", mine["access_token"])

    assert api.refresh(answer["refresh_token"]).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_under_asgi_without_the_middleware_it_ends_at_once(api: Api, ada: Person) -> None:
    mine = api.login(ada)

    with override_settings(MIDDLEWARE=[]):
        async_to_sync(ask_by_asgi)("/change/rest/silent/", mine["access_token"])

    assert Session.objects.get().revoked_reason == "password_changed"


def test_a_change_that_is_rolled_back_ends_nothing(api: Api, ada: Person) -> None:
    mine = api.login(ada)

    assert post(Client(), "/change/failed/", tokens=mine).status_code == 200

    assert api.refresh(mine["refresh_token"]).status_code == 200


def test_somebody_elses_new_password_leaves_mine(api: Api, ada: Person, person: Any) -> None:
    rosa = person("rosa")
    mine, hers = api.login(ada), api.login(rosa)

    post(Client(), "/change/silent/", tokens=hers)

    assert api.get("/auth/me/", mine["access_token"]).status_code == 200


def test_without_an_access_token_there_is_no_session_to_go_on(ada: Person) -> None:
    assert post(Client(), "/change/").status_code == 401


def test_a_session_that_has_ended_does_not_go_on(api: Api, ada: Person) -> None:
    mine = api.login(ada)
    request: Any = RequestFactory().post("/")
    request.auth = auth.verify(mine["access_token"])
    api.logout(mine["refresh_token"])

    with pytest.raises(InvalidToken, match="revoked"):
        auth.update_session_auth_hash(request, ada.user)


# A session's own claims.


def test_a_session_claims_what_its_login_said_through_refreshes_and_in_the_strict_check(api: Api, ada: Person) -> None:
    given = auth.login(ada.user, claims={"org_id": 7})

    assert auth.verify(given.access_token).claims["org_id"] == 7
    again = auth.refresh(given.refresh_token)
    assert auth.verify(again.access_token).claims["org_id"] == 7
    _, strict = auth.authenticate(again.access_token, strict=True)
    assert (strict.claims["org_id"], strict.username) == (7, ada.name)


def test_claims_are_amended_and_the_token_that_comes_back_says_so(api: Api, ada: Person) -> None:
    given = auth.login(ada.user, claims={"org_id": 7, "role": "owner"})
    tokens = {"access_token": given.access_token}

    answer = post(Client(), "/switch/", {"org_id": 8}, tokens)

    assert answer.status_code == 200
    assert "refresh_token" not in answer.json()
    said = auth.verify(answer.json()["access_token"]).claims
    assert (said["org_id"], "role" in said) == (8, False)
    assert auth.verify(auth.refresh(given.refresh_token).access_token).claims["org_id"] == 8
    assert Session.objects.count() == 1


def test_no_claims_are_none(ada: Person) -> None:
    given = auth.login(ada.user, claims={})
    assert Session.objects.get().claims is None
    auth.amend(auth.verify(given.access_token), {"a": 1})
    auth.amend(auth.verify(given.access_token), {})
    assert Session.objects.get().claims is None


def test_claims_of_the_project_take_the_place_of_the_sessions(ada: Person) -> None:
    given = auth.login(ada.user, claims={"org_id": 7, "role": "owner"})
    with override_settings(IRONCLAD={"CLAIMS": lambda user, groups: {"role": "guest"}}):
        said = auth.verify(auth.refresh(given.refresh_token).access_token).claims
    assert (said["org_id"], said["role"]) == (7, "guest")


@pytest.mark.parametrize(
    ("claims", "word"),
    [
        ({"sub": "1"}, "sub"),
        ({"realm": "x"}, "realm"),
        ({"username": "root"}, "username"),
        ({"groups": ["registrar"]}, "groups"),
        ({"groups_left_out": True}, "groups_left_out"),
        ({"cutoff": 1}, "cutoff"),
        ({"a": {1}}, "JSON"),
        ({"a": "x" * 2048}, "2048"),
    ],
    ids=str,
)
def test_what_no_session_can_claim_is_an_error_and_no_session_begins(ada: Person, claims: Any, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        auth.login(ada.user, claims=claims)
    assert not Session.objects.exists()
    given = auth.login(ada.user)
    with pytest.raises(ValueError, match=word):
        auth.amend(auth.verify(given.access_token), claims)
    assert Session.objects.get().claims is None


def test_claims_cost_a_login_no_statement(ada: Person) -> None:
    def statements(**claims: Any) -> int:
        with CaptureQueriesContext(connection) as queries:
            auth.login(ada.user, claims=claims)
        return len(queries)

    statements()
    assert statements() == statements(org_id=7)


# An access token for the session at hand.


def test_an_access_token_for_the_session_at_hand_begins_no_other(api: Api, ada: Person) -> None:
    mine = api.login(ada)
    with override_settings(IRONCLAD={"SESSIONS_PER_USER": 1}):
        for _ in range(3):
            token = Client().get("/user/", headers=bearer(mine)).json()["token"]
            assert api.get("/auth/me/", token).status_code == 200
    assert Session.objects.count() == 1
    assert Session.objects.get().generation == 0


def test_it_is_over_when_the_one_before_is(ada: Person) -> None:
    access = auth.verify(auth.login(ada.user).access_token)

    again = auth.issue(access)

    assert auth.verify(again.access_token).exp <= access.exp
    assert again.expires_in <= 300
    assert again.refresh_token == ""


def test_it_is_none_once_the_session_has_ended(api: Api, ada: Person) -> None:
    given = auth.login(ada.user)
    auth.logout(given.refresh_token)

    with pytest.raises(InvalidToken):
        auth.issue(auth.verify(given.access_token))
