"""The cookie transport: what the cookie is, who may use it, and that it never leaves in a body."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from django.test import AsyncClient, Client, RequestFactory, override_settings

from django_ironclad.errors import InvalidGrant, InvalidRequest, IroncladError
from django_ironclad.http.cookie import no_refresh_token
from django_ironclad.models import Session

from ..conftest import PASSWORD, Person, time_passes

ORIGIN = "https://testserver"
NAME = "__Host-ironclad_refresh_token"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _secure() -> Any:
    with override_settings(SESSION_COOKIE_SECURE=True):
        yield


class Browser:
    """A browser's page on `origin`: it sends what browsers send."""

    def __init__(self, origin: str = ORIGIN) -> None:
        self.client = Client(headers={"origin": origin, "sec-fetch-site": "same-origin"})

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.client.post(f"/auth/{path}/", body or {}, "application/json", secure=True, headers=headers)

    def login(self, person: Person, **headers: str) -> Any:
        return self.post("login", {"username": person.name, "password": PASSWORD, "transport": "cookie"}, **headers)

    @property
    def cookie(self) -> str:
        return self.client.cookies[NAME].value


@pytest.fixture
def browser() -> Browser:
    return Browser()


def test_the_cookie_is_as_strict_as_a_cookie_can_be(browser: Browser, ada: Person) -> None:
    answer = browser.login(ada)

    cookie = answer.cookies[NAME]
    assert answer.status_code == 200
    assert (cookie["secure"], cookie["httponly"], cookie["samesite"]) == (True, True, "Strict")
    assert (cookie["path"], cookie["domain"], cookie["max-age"]) == ("/", "", 14 * 24 * 3600)
    assert set(answer.json()) == {"access_token", "token_type", "expires_in", "username"}
    assert cookie.value not in answer.content.decode()
    assert len(str(cookie)) < 4096
    assert {"Cookie", "Origin", "Sec-Fetch-Site"} <= set(answer["Vary"].split(", "))
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
    assert answer["Cache-Control"] == "no-store"


def test_the_cookie_rotates_and_no_body_ever_holds_it(browser: Browser, ada: Person) -> None:
    browser.login(ada)
    first = browser.cookie

    answer = browser.post("refresh")

    assert answer.status_code == 200
    assert browser.cookie != first
    assert "refresh_token" not in answer.json()


def test_the_same_token_again_sets_no_cookie(browser: Browser, ada: Person) -> None:
    browser.login(ada)
    browser.post("refresh")

    assert NAME not in browser.post("refresh").cookies


def test_the_parent_within_the_grace_is_set_the_same_cookie(browser: Browser, ada: Person) -> None:
    browser.login(ada)
    first = browser.cookie
    browser.post("refresh")
    successor = browser.cookie
    browser.client.cookies[NAME] = first

    assert browser.post("refresh").cookies[NAME].value == successor


def test_plain_http_in_development_drops_the_prefix(ada: Person) -> None:
    with override_settings(SESSION_COOKIE_SECURE=False):
        client = Client(headers={"origin": "http://testserver"})
        body = {"username": ada.name, "password": PASSWORD, "transport": "cookie"}
        cookie = client.post("/auth/login/", body, "application/json").cookies["ironclad_refresh_token"]
        assert cookie["secure"] == ""
        assert client.post("/auth/refresh/", {}, "application/json").status_code == 200


GATES: dict[str, dict[str, str]] = {
    "no origin": {"origin": ""},
    "origin null": {"origin": "null"},
    "another site": {"origin": "https://evil.example"},
    "a sibling": {"origin": "https://sibling.testserver"},
    "our name within": {"origin": "https://testserver.evil.example"},
    "our name, another port": {"origin": "https://testserver:8443"},
    "our name over http": {"origin": "http://testserver"},
    "cross-site": {"sec-fetch-site": "cross-site"},
    "cross-site and more": {"sec-fetch-site": "cross-site,same-origin"},
    "no site that a browser names": {"sec-fetch-site": "Cross-Site"},
    "two origins": {"origin": "https://testserver,https://testserver"},
    "a trailing dot": {"origin": "https://testserver."},
    "in capital letters": {"origin": "HTTPS://TESTSERVER"},
    "with the port that goes without saying": {"origin": "https://testserver:443"},
    "a wide space behind it": {"origin": "https://testserver\xa0"},
}


@pytest.mark.parametrize("headers", GATES.values(), ids=GATES)
@pytest.mark.parametrize("path", ["login", "refresh", "logout"])
def test_a_request_that_no_page_of_ours_sent_is_403_and_ends_nothing(
    browser: Browser, ada: Person, path: str, headers: dict[str, str]
) -> None:
    browser.login(ada)
    before = browser.cookie

    answer = browser.login(ada, **headers) if path == "login" else browser.post(path, **headers)

    assert answer.status_code == 403
    assert answer.json()["error"] == "origin_not_allowed"
    assert 'error="origin_not_allowed"' in answer["WWW-Authenticate"]
    assert "Set-Cookie" not in answer
    assert browser.cookie == before
    assert browser.post("refresh").status_code == 200
    assert Session.objects.count() == 1


def test_a_foreign_form_cannot_use_the_cookie(browser: Browser, ada: Person) -> None:
    """Even one on a trusted origin: neither JSON nor a header of one's own can come from a form."""
    browser.login(ada)
    post = browser.client.post

    assert post("/auth/refresh/", {}, secure=True).status_code == 403
    assert post("/auth/logout/", b"", "application/x-www-form-urlencoded", secure=True).status_code == 403
    assert post("/auth/refresh/", secure=True, headers={"x-requested-with": "fetch"}).status_code == 200


def test_trusted_origins_are_djangos(ada: Person) -> None:
    trusted = ["https://app.example.org", "https://*.example.net"]
    with override_settings(CSRF_TRUSTED_ORIGINS=trusted):
        for origin, status in [
            ("https://app.example.org", 200),
            ("https://a.b.example.net", 200),
            ("http://a.example.net", 403),
            ("https://example.net.evil.example", 403),
            ("https://evilexample.net", 403),
        ]:
            page = Browser(origin)
            assert page.login(ada, **{"sec-fetch-site": "same-site"}).status_code == status, origin


def test_a_trusted_page_of_another_site_needs_samesite_none(ada: Person) -> None:
    cross_site = {"sec-fetch-site": "cross-site"}
    with override_settings(CSRF_TRUSTED_ORIGINS=["https://app.example.org"]):
        page = Browser("https://app.example.org")
        assert page.login(ada, **cross_site).status_code == 403
        with override_settings(IRONCLAD={"COOKIE_SAMESITE": "None"}):
            answer = page.login(ada, **cross_site)
            assert answer.status_code == 200
            assert answer.cookies[NAME]["samesite"] == "None"
            assert Browser().login(ada, **cross_site).status_code == 403


def test_a_login_ends_the_session_whose_cookie_came_along(browser: Browser, ada: Person) -> None:
    browser.login(ada)
    first = browser.cookie
    browser.login(ada)

    assert Session.objects.filter(revoked_at=None).count() == 1
    assert Session.objects.exclude(revoked_at=None).get().revoked_reason == "replaced"
    assert Client().post("/auth/refresh/", {"refresh_token": first}, "application/json").status_code == 400


def test_a_failed_login_ends_nothing(browser: Browser, ada: Person) -> None:
    browser.login(ada)
    browser.post("login", {"username": ada.name, "password": "wrong", "transport": "cookie"})

    assert browser.post("refresh").status_code == 200


def test_a_token_in_the_body_wins_and_the_cookie_is_not_read(browser: Browser, ada: Person) -> None:
    browser.login(ada)
    in_cookie = Session.objects.get()
    body = {"username": ada.name, "password": PASSWORD}
    in_body = browser.post("login", body).json()["refresh_token"]

    answer = browser.post("refresh", {"refresh_token": in_body}, origin="https://evil.example")

    assert answer.status_code == 200
    assert answer.json()["refresh_token"] != in_body
    assert "Set-Cookie" not in answer
    in_cookie.refresh_from_db()
    assert in_cookie.generation == 0


def test_a_page_whose_cookie_is_gone_hears_that_its_session_is_over(browser: Browser, ada: Person) -> None:
    """Else it would wait for ever for an answer that tells it more; whoever is no page of ours forgot a parameter."""
    browser.login(ada)
    browser.client.cookies.clear()

    assert browser.post("refresh").json()["error"] == "invalid_grant"
    assert browser.post("refresh", origin="https://evil.example").json()["error"] == "invalid_request"
    assert Client().post("/auth/refresh/", {}, "application/json").json()["error"] == "invalid_request"
    with override_settings(IRONCLAD={"TRANSPORTS": ["body"]}):
        assert browser.post("refresh").json()["error"] == "invalid_request"


def test_two_cookies_of_the_name_are_refused(browser: Browser, ada: Person) -> None:
    browser.login(ada)
    good = browser.cookie
    for cookies in (f"{NAME}={good}; {NAME}=x", f"{NAME}=x; {NAME}={good}", f"{NAME}={good};{NAME}={good}"):
        for path in ("refresh", "logout"):
            answer = browser.client.post(f"/auth/{path}/", {}, "application/json", secure=True, HTTP_COOKIE=cookies)
            assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert browser.post("refresh").status_code == 200


class Http2(AsyncClient):
    """A browser whose server hands on each cookie in a field of its own, as HTTP/2 has them (RFC 9113 §8.2.3)."""

    async def request(self, **request: Any) -> Any:
        fields = [(b"origin", ORIGIN.encode()), *((b"cookie", each.encode()) for each in self.fields)]
        return await super().request(**request | {"headers": [*request["headers"], *fields]})

    def send(self, path: str, *fields: str) -> Any:
        self.fields = fields

        async def answer() -> Any:
            try:
                return await self.post(f"/auth/{path}/", "{}", "application/json", secure=True)
            finally:
                await sync_to_async(connections.close_all)()

        return asyncio.run(answer())


@pytest.mark.django_db(transaction=True)
def test_each_cookie_may_come_in_a_field_of_its_own(browser: Browser, ada: Person) -> None:
    """Django joins them by commas, and would find none of ours: a refresh would sign out, a logout end nothing."""
    browser.login(ada)
    mine = f"{NAME}={browser.cookie}"

    for fields in (
        ("csrftoken=abc", mine),
        (mine, "sessionid=def"),
        ("a=b; c=d", mine, "e=f"),
        (f"a=1,{NAME}=x", mine),
    ):
        answer = Http2().send("refresh", *fields)
        assert (answer.status_code, answer.json().get("username")) == (200, ada.name), fields
        mine = f"{NAME}={answer.cookies[NAME].value}" if NAME in answer.cookies else mine
    assert Http2().send("refresh", f"a=1,{mine}").json()["error"] == "invalid_grant", "one that only holds our name"
    assert Http2().send("refresh", mine, mine).json()["error"] == "invalid_request", "two"
    assert Http2().send("logout", "csrftoken=abc", mine).status_code == 204
    assert Session.objects.get().revoked_reason == "logout"


#: Django's parser takes each of them away from before a name; to a browser they are a part of it.
SPACES = ["\u0085", "\u00a0", "\u1680", "\u2000", "\u2007", "\u2028", "\u2029", "\u202f", "\u205f", "\u3000"]
#: The name that a browser knows, as a server hands its bytes on: in UTF-8, or a byte that a server set itself.
LOOKALIKES = [
    *(f"{space.encode().decode('latin-1')}{NAME}" for space in SPACES),
    *(f"{NAME}{space.encode().decode('latin-1')}" for space in SPACES[:2]),
    *(f"{byte}{NAME}" for byte in ("\xa0", "\x85", "\x0b", "\x0c", "\x1c", "\x1f", '"', "=", "$", "x")),
    *(f'"{NAME}"', NAME.lower(), NAME.upper(), f"{NAME}[]", f"{NAME}x", NAME.replace("-", "_", 1), f"a,{NAME}"),
]


@pytest.mark.parametrize("name", LOOKALIKES, ids=ascii)
def test_a_cookie_of_a_name_like_ours_is_nobodys(
    browser: Browser, ada: Person, person: Callable[..., Person], name: str
) -> None:
    """Any host of the domain may set it, so that who comes with it would be signed in as somebody else."""
    mallory = Browser()
    mallory.login(person("mallory"))
    browser.login(ada)
    tossed = f"{name}={mallory.cookie}"

    alone = browser.post("refresh", cookie=tossed)
    assert (alone.status_code, alone.json()["error"]) == (400, "invalid_grant")
    for cookies in (f"{NAME}={browser.cookie}; {tossed}", f"{tossed};{NAME}={browser.cookie}"):
        beside = browser.post("refresh", cookie=cookies)
        assert (beside.status_code, beside.json().get("username")) == (200, ada.name), cookies
    again = browser.login(ada, cookie=f"{tossed}; {NAME}={browser.cookie}")
    assert again.status_code == 200
    after = browser.post("refresh", cookie=f"{NAME}={browser.cookie}; {tossed}")
    assert after.json()["username"] == ada.name
    assert browser.post("logout", cookie=tossed).status_code == 204
    assert mallory.post("refresh").status_code == 200


@pytest.mark.parametrize("blank", [" ", "\t", " \t "], ids=ascii)
def test_blanks_around_name_and_value_are_no_part_of_them(browser: Browser, ada: Person, blank: str) -> None:
    browser.login(ada)
    cookies = f"a=b;{blank}{NAME}{blank}={blank}{browser.cookie}{blank}; c"

    assert browser.post("refresh", cookie=cookies).status_code == 200


@pytest.mark.parametrize("around", ['"{}"', "'{}'", "{}\xa0", "\u2000{}", "{},", "%20{}"], ids=ascii)
def test_a_value_is_what_the_browser_sent_and_no_other_spelling_of_it(
    browser: Browser, ada: Person, around: str
) -> None:
    """Browsers send quotes and spaces back as they were set, and we set none."""
    browser.login(ada)
    cookies = f"{NAME}={around.encode().decode('latin-1').format(browser.cookie)}"

    answer = browser.post("refresh", cookie=cookies)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert browser.post("refresh").status_code == 200


def test_a_cookie_without_a_name_is_not_of_ours(browser: Browser, ada: Person) -> None:
    """`Set-Cookie: =x` and `Set-Cookie: x` come back as `x`, which says nothing of a value."""
    browser.login(ada)
    good = f"{NAME}={browser.cookie}"

    for cookies in (f"{NAME}; {good}", f"{good}; {NAME}", f"={good}; {good}"):
        assert browser.post("refresh", cookie=cookies).status_code == 200, cookies


def test_two_cookies_say_in_the_log_what_keeps_the_second_out(
    browser: Browser, ada: Person, caplog: pytest.LogCaptureFixture
) -> None:
    browser.login(ada)
    browser.post("refresh", cookie=f"{NAME}={browser.cookie}; {NAME}=x")

    (line,) = [record for record in caplog.records if record.name == "django_ironclad"]
    assert (line.levelname, line.getMessage()) == (
        "WARNING",
        (
            "refused invalid_request: The refresh cookie is there twice. "
            "With SESSION_COOKIE_SECURE no other host can set one of its name."
        ),
    )


def test_logout_takes_the_cookie_away_as_it_was_set(browser: Browser, ada: Person) -> None:
    browser.login(ada)

    for _ in range(2):
        cookie = browser.client.cookies[NAME].value or "unknown"
        browser.client.cookies[NAME] = cookie
        answer = browser.post("logout")
        assert answer.status_code == 204
        gone = answer.cookies[NAME]
        assert (gone.value, gone["max-age"]) == ("", 0)
        assert (gone["secure"], gone["httponly"], gone["samesite"], gone["path"]) == (True, True, "Strict", "/")
    assert not Session.objects.filter(revoked_at=None).exists()


def test_the_cookie_authenticates_no_api_call(browser: Browser, ada: Person) -> None:
    browser.login(ada)

    for path in ("/auth/me/", "/drf/members/"):
        assert browser.client.get(path, secure=True).status_code == 401
    assert browser.client.get("/plain/", secure=True).json()["authenticated"] is False


def test_a_lost_cookie_answer_is_recovered_hours_later(browser: Browser, ada: Person) -> None:
    browser.login(ada)
    first = browser.cookie
    browser.post("refresh")
    browser.client.cookies[NAME] = first
    time_passes(hours=5)

    assert browser.post("refresh").status_code == 200


@pytest.mark.parametrize(
    ("transports", "body_login", "cookie_login"),
    [(["body"], 200, 400), (["cookie"], 400, 200), (["cookie", "body"], 200, 200)],
)
def test_a_transport_can_be_switched_off(
    browser: Browser, ada: Person, transports: list[str], body_login: int, cookie_login: int
) -> None:
    body = {"username": ada.name, "password": PASSWORD, "transport": "body"}
    with override_settings(IRONCLAD={"TRANSPORTS": transports}):
        assert browser.post("login", body).status_code == body_login
        assert browser.login(ada).status_code == cookie_login
        default = browser.post("login", {"username": ada.name, "password": PASSWORD})
        assert ("refresh_token" in default.json()) == (transports[0] == "body")


def test_a_transport_that_is_off_is_not_read(browser: Browser, ada: Person) -> None:
    browser.login(ada)
    with override_settings(IRONCLAD={"TRANSPORTS": ["body"]}):
        assert browser.post("refresh").status_code == 400
    token = browser.post("login", {"username": ada.name, "password": PASSWORD}).json()["refresh_token"]
    with override_settings(IRONCLAD={"TRANSPORTS": ["cookie"]}):
        browser.client.cookies.clear()
        assert browser.post("refresh", {"refresh_token": token}).status_code == 400


def test_where_the_cookie_is_the_default_the_gates_come_before_the_password_too(ada: Person) -> None:
    with override_settings(IRONCLAD={"TRANSPORTS": ["cookie"]}):
        for password in (PASSWORD, "wrong"):
            answer = Browser("https://evil.example").post("login", {"username": ada.name, "password": password})
            assert (answer.status_code, answer.json()["error"]) == (403, "origin_not_allowed")
        assert Browser().post("login", {"username": ada.name, "password": PASSWORD}).status_code == 200


@pytest.mark.parametrize(
    ("origin", "error", "why"),
    [(ORIGIN, InvalidGrant, "no refresh cookie"), ("https://evil.example", InvalidRequest, "no refresh token")],
)
def test_a_refresh_without_a_token_is_the_end_of_a_session_to_a_page_of_ours_only(
    origin: str, error: type[IroncladError], why: str
) -> None:
    asked = RequestFactory(headers={"origin": origin}).post("/", {}, "application/json", secure=True)

    refused = no_refresh_token(asked)

    assert (type(refused), str(refused), refused.reason) == (error, why, "missing")
    if error is InvalidRequest:
        assert refused.description == '"refresh_token" is required, in the body or by cookie.'
