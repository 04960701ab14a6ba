"""From which page a request comes: whose forms are refused, how a proxy may write our name, and what the log says."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import get_user_model
from django.test import AsyncClient, Client, override_settings

from django_ironclad.models import Session

from ..conftest import PASSWORD, Api, Person

pytestmark = pytest.mark.django_db
FOREIGN: dict[str, dict[str, str]] = {
    "of another site": {"origin": "https://evil.example", "sec-fetch-site": "cross-site"},
    "of an old browser": {"origin": "https://evil.example"},
    "of a sibling": {"origin": "http://sibling.testserver", "sec-fetch-site": "same-site"},
    "in a sandbox": {"origin": "null", "sec-fetch-site": "cross-site"},
    "without an origin": {"sec-fetch-site": "cross-site"},
    "of a trusted site elsewhere": {"origin": "https://friend.example", "sec-fetch-site": "cross-site"},
    "with two origins": {"origin": "http://testserver,https://evil.example"},
    "by another scheme": {"origin": "https://testserver", "sec-fetch-site": "cross-site"},
}
HARMLESS: dict[str, dict[str, str]] = {
    "curl": {},
    "a page of ours": {"origin": "http://testserver", "sec-fetch-site": "same-origin"},
    "a trusted sibling": {"origin": "https://friend.example", "sec-fetch-site": "same-site"},
    "typed into the address bar": {"sec-fetch-site": "none"},
}
#: What a page can send without asking first: three kinds of forms, and what `sendBeacon` and `fetch` make of a text.
KINDS = ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain;charset=UTF-8", ""]
#: Who takes a password, and how its field for the name is called there.
LOGINS = [("/auth/login/", "username"), ("/api-token-auth/", "")]


@pytest.fixture(autouse=True)
def _friend() -> Any:
    with override_settings(CSRF_TRUSTED_ORIGINS=["https://friend.example"]):
        yield


def encoded(fields: dict[str, str], kind: str) -> bytes:
    if kind.startswith("multipart"):
        part = '--x\r\nContent-Disposition: form-data; name="{}"\r\n\r\n{}\r\n'
        return ("".join(part.format(*field) for field in fields.items()) + "--x--\r\n").encode()
    return "&".join(f"{name}={value}" for name, value in fields.items()).encode()


@pytest.mark.parametrize("headers", FOREIGN.values(), ids=FOREIGN)
@pytest.mark.parametrize("kind", KINDS, ids=["form", "multipart", "text", "none"])
@pytest.mark.parametrize(("path", "field"), LOGINS, ids=["login", "drf-jwt"])
def test_a_foreign_form_spends_none_of_its_visitors_attempts(
    ada: Person, headers: dict[str, str], kind: str, path: str, field: str
) -> None:
    """Else any page that Ada looks at could lock her out, from her own address."""
    field = field or get_user_model().USERNAME_FIELD
    wrong, right = ({field: ada.name, "password": word} for word in ("wrong", PASSWORD))
    with override_settings(AXES_ENABLED=True, AXES_FAILURE_LIMIT=2):
        for _ in range(3):
            answer = Client().generic("POST", path, encoded(wrong, kind), content_type=kind, headers=headers)
            assert (answer.status_code, answer.json()["error"]) == (403, "origin_not_allowed")
        assert Client().post(path, right, "application/json").status_code == 200
    assert Session.objects.count() == 1


@pytest.mark.parametrize("headers", HARMLESS.values(), ids=HARMLESS)
@pytest.mark.parametrize(("path", "field"), LOGINS, ids=["login", "drf-jwt"])
@pytest.mark.parametrize("kind", KINDS[:2], ids=["form", "multipart"])
def test_a_form_of_ours_or_of_no_page_logs_in(
    ada: Person, headers: dict[str, str], kind: str, path: str, field: str
) -> None:
    body = encoded({field or get_user_model().USERNAME_FIELD: ada.name, "password": PASSWORD}, kind)

    assert Client().generic("POST", path, body, content_type=kind, headers=headers).status_code == 200


@pytest.mark.parametrize("path", ["refresh", "logout", "password", "reauthenticate", "login"])
def test_no_endpoint_of_ours_takes_a_foreign_form(api: Api, ada: Person, path: str) -> None:
    tokens = api.login(ada)
    form = {"refresh_token": tokens["refresh_token"], "password": PASSWORD, "old_password": PASSWORD}
    headers = {"authorization": f"Bearer {tokens['access_token']}", **FOREIGN["of another site"]}

    answer = Client().post(f"/auth/{path}/", form, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (403, "origin_not_allowed")
    assert api.refresh(tokens["refresh_token"]).status_code == 200


@pytest.mark.parametrize("headers", FOREIGN.values(), ids=FOREIGN)
def test_what_a_foreign_page_had_to_ask_for_is_answered(api: Api, ada: Person, headers: dict[str, str]) -> None:
    """By CORS, which is the project's: JSON, or a header of one's own. The body transport has nothing ambient."""
    body = {"username": ada.name, "password": PASSWORD}

    tokens = Client().post("/auth/login/", body, "application/json", headers=headers)
    assert tokens.status_code == 200
    assert Client().post("/auth/login/", body, headers={"x-requested-with": "fetch", **headers}).status_code == 200
    bearer = {"authorization": f"Bearer {tokens.json()['access_token']}", **headers}
    assert Client().get("/auth/me/", headers=bearer).status_code == 200
    assert Client().delete("/auth/sessions/", headers=bearer).status_code == 204


@pytest.mark.parametrize(
    "kind",
    ["application/json\xa0", "\xa0application/json", "application/json\x85;", "application/json,text/plain", "json"],
)
def test_json_is_what_a_browser_takes_for_json(ada: Person, kind: str) -> None:
    """Django strips more from the type than browsers do, which ask first only for what they read as JSON."""
    body = json.dumps({"username": ada.name, "password": PASSWORD})
    for headers, status in ((FOREIGN["of another site"], 403), ({}, 400)):
        answer = Client().generic("POST", "/auth/login/", body, content_type=kind, headers=headers)
        assert answer.status_code == status


HOSTS = {"app.example.test", "app.example.test:443", "App.Example.TEST", "APP.example.test:443"}


@pytest.mark.parametrize("host", sorted(HOSTS))
def test_a_proxy_may_write_our_name_otherwise_than_browsers_do(ada: Person, host: str) -> None:
    with override_settings(ALLOWED_HOSTS=["app.example.test"], SESSION_COOKIE_SECURE=True):
        client = Client(headers={"host": host, "origin": "https://app.example.test"})
        body = {"username": ada.name, "password": PASSWORD, "transport": "cookie"}
        assert client.post("/auth/login/", body, "application/json", secure=True).status_code == 200
        assert client.post("/auth/refresh/", {}, "application/json", secure=True).status_code == 200


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("app.example.test:8443", "https://app.example.test"),
        ("app.example.test:80", "https://app.example.test"),
        ("app.example.test", "https://app.example.test:8443"),
        ("app.example.test.", "https://app.example.test"),
        ("app.example.test", "https://app.example.test."),
        ("xn--bcher-kva.example.test", "https://b\xfccher.example.test"),
        ("[::1]:443", "https://[::1]:8443"),
    ],
)
def test_another_port_or_name_is_another_origin(ada: Person, host: str, origin: str) -> None:
    with override_settings(ALLOWED_HOSTS=["*"], SESSION_COOKIE_SECURE=True):
        body = {"username": ada.name, "password": PASSWORD, "transport": "cookie"}
        headers = {"host": host, "origin": origin}
        answer = Client().post("/auth/login/", body, "application/json", secure=True, headers=headers)
        assert answer.status_code == 403


@pytest.mark.parametrize(
    "origin",
    [
        *("null", "https://", "https://.example.net", "https://a..example.net", "https://a.example.net/"),
        *("https://evil.example,https://a.example.net", "https://evil.example, https://a.example.net"),
        *(
            "https://evil.example/.example.net",
            "https://evil.example#.example.net",
            "https://evil.example?.example.net",
        ),
        *(
            "https://evil.example\\.example.net",
            "https://x@a.example.net",
            "https://A.example.net",
            "https://a.example.net\t",
        ),
        *("https://a\xa0.example.net", "https://a.example.net:8443", "https://a.example.net:", "https://*.example.net"),
        "https://" + "a" * 64 + ".example.net",
        "https://" + "a." * 130 + "example.net",
    ],
    ids=ascii,
)
def test_a_wildcard_takes_origins_as_browsers_write_them_and_nothing_that_ends_so(ada: Person, origin: str) -> None:
    trusted = ["https://*.example.net", "null", "https://"]
    with override_settings(CSRF_TRUSTED_ORIGINS=trusted, SESSION_COOKIE_SECURE=True):
        body = {"username": ada.name, "password": PASSWORD, "transport": "cookie"}
        for headers, status in (({"origin": origin}, 403), ({"origin": "https://a-1.b.example.net"}, 200)):
            answer = Client().post("/auth/login/", body, "application/json", secure=True, headers=headers)
            assert answer.status_code == status


# What the log says, and with DEBUG the answer.

SECURE = {"SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https")}
PROXY = "If a proxy ends TLS, let it send X-Forwarded-Proto, and set SECURE_PROXY_SSL_HEADER."
TRUST = "If the page is yours, name its origin in CSRF_TRUSTED_ORIGINS, or let the proxy pass on Host as it came."
SITES = (
    "which are two sites. If the page is yours, name its origin in CSRF_TRUSTED_ORIGINS and set "
    "IRONCLAD['COOKIE_SAMESITE'] = 'None'."
)
OURS = {"origin": "http://testserver"}
REFUSALS: dict[str, tuple[dict[str, str], str]] = {
    "TLS": ({"origin": "https://testserver"}, f"Origin https://testserver, and this is http://testserver. {PROXY}"),
    "TLS, and Host with its port": (
        {"origin": "https://testserver", "host": "testserver:443"},
        f"Origin https://testserver, and this is http://testserver:443. {PROXY}",
    ),
    "another port": (
        {"origin": "http://localhost:5173"},
        f"Origin http://localhost:5173, and this is http://testserver. {TRUST}",
    ),
    "another host": (
        {"origin": "https://app.example.org"},
        f"Origin https://app.example.org, and this is http://testserver. {TRUST}",
    ),
    "a sandbox": ({"origin": "null"}, f"Origin null, and this is http://testserver. {TRUST}"),
    "none": (
        {},
        "Origin absent, and this is http://testserver. Browsers send it; other clients use the body transport.",
    ),
    "another site": (
        {"origin": "https://friend.example", "sec-fetch-site": "cross-site"},
        f"Origin https://friend.example, and this is http://testserver, {SITES}",
    ),
    "a line of one's own": (
        {"origin": 'https://x\x1b[2J"\\.example'},
        f"Origin that no browser wrote, and this is http://testserver. {TRUST}",
    ),
    "far too long": (
        {"origin": f"https://{'a.' * 300}example"},
        f"Origin that no browser wrote, and this is http://testserver. {TRUST}",
    ),
}


def said(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [(line.levelname, line.getMessage()) for line in caplog.records if line.name == "django_ironclad"]


@pytest.mark.parametrize(("headers", "hint"), REFUSALS.values(), ids=REFUSALS)
def test_a_refused_page_is_a_warning_that_names_both_origins_and_the_setting(
    ada: Person, caplog: pytest.LogCaptureFixture, headers: dict[str, str], hint: str
) -> None:
    body = {"username": ada.name, "password": PASSWORD, "transport": "cookie"}

    answer = Client().post("/auth/login/", body, "application/json", headers=headers)
    assert said(caplog) == [("WARNING", f"refused origin_not_allowed: {hint}")]
    assert answer.json()["error_description"] == "The request does not come from an allowed origin."
    with override_settings(DEBUG=True):
        told = Client().post("/auth/login/", body, "application/json", headers=headers)
    assert told.json()["error_description"] == f"The request does not come from an allowed origin. {hint}"
    assert told["WWW-Authenticate"] == answer["WWW-Authenticate"]


def test_a_token_sent_as_an_origin_is_in_no_log(api: Api, ada: Person, caplog: pytest.LogCaptureFixture) -> None:
    tokens = api.login(ada)
    for secret in (tokens["access_token"], tokens["refresh_token"]):
        for origin in (secret, f"https://{secret}", f"https://a.example:{secret}", f"Bearer {secret}"):
            answer = api.post("/auth/login/", {"username": ada.name, "transport": "cookie"}, origin=origin)
            assert answer.status_code == 403
    lines = [line for _, line in said(caplog)]
    assert len(lines) >= 8
    assert not [line for line in lines for part in tokens.values() if str(part)[-20:] in line and len(str(part)) > 20]
    assert max(map(len, lines)) < 400


def test_a_foreign_form_is_told_the_same_way(ada: Person, caplog: pytest.LogCaptureFixture) -> None:
    for headers in FOREIGN.values():
        Client().post("/auth/login/", {"username": ada.name, "password": "wrong"}, headers=headers)

    assert {level for level, _ in said(caplog)} == {"WARNING"}
    assert all("and this is http://testserver" in line for _, line in said(caplog))
    assert "A page of yours elsewhere sends JSON." in said(caplog)[4][1]


def test_a_transport_that_is_off_is_a_warning_that_names_the_setting(
    api: Api, ada: Person, caplog: pytest.LogCaptureFixture
) -> None:
    token = api.login(ada)["refresh_token"]
    body = {"username": ada.name, "password": PASSWORD}
    with override_settings(IRONCLAD={"TRANSPORTS": ["cookie"]}, DEBUG=True):
        caplog.clear()
        assert "IRONCLAD" in api.post("/auth/login/", body | {"transport": "body"}).json()["error_description"]
        assert api.refresh(token).status_code == 400
        assert api.logout(token).status_code == 400
        assert "TRANSPORTS" not in api.post("/auth/login/", body | {"transport": "x"}).json()["error_description"]
    assert said(caplog) == [
        ("WARNING", "refused invalid_request: IRONCLAD['TRANSPORTS'] has no 'body'."),
        *[
            (
                "WARNING",
                "refused invalid_request: A refresh token came in the body, and IRONCLAD['TRANSPORTS'] has no 'body'.",
            )
        ]
        * 2,
    ]


@pytest.mark.parametrize("host", ["evil.example", "app.example.org, inner.example.org", "a_b.example.org"])
def test_a_host_that_is_not_allowed_or_none_is_an_answer_of_ours(
    api: Api, caplog: pytest.LogCaptureFixture, host: str
) -> None:
    answer = api.post("/auth/login/", {"transport": "cookie"}, host=host, origin="http://evil.example")

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert said(caplog) == [
        (
            "WARNING",
            "refused invalid_request: Host, or X-Forwarded-Host, is not in ALLOWED_HOSTS, or is no host.",
        )
    ]


def test_a_refusal_that_hangs_on_no_setting_is_no_warning(
    api: Api, ada: Person, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "django_ironclad")
    with override_settings(DEBUG=True):
        description = api.post("/auth/login/", {"username": ada.name, "password": "wrong"}).json()["error_description"]
        api.refresh("x")
    assert {level for level, _ in said(caplog)} == {"INFO"}
    assert description == "No active account was found with these credentials."


@pytest.mark.parametrize("doubled", ["origin", "sec-fetch-site"])
def test_over_asgi_too_a_header_that_is_there_twice_is_of_no_browser(doubled: str) -> None:
    """Servers join the two by a comma."""
    sent = {"origin": "http://testserver", "sec-fetch-site": "same-origin"}
    sent[doubled] = ",".join([sent[doubled]] * 2)
    body = {"username": "nobody", "password": "x", "transport": "cookie"}

    answer = async_to_sync(AsyncClient().post)("/auth/login/", body, "application/json", headers=sent)
    assert answer.status_code == 403
