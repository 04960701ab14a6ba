"""Whatever a request holds: what is read of it is what was sent, or one of our refusals; no other exception leaves."""

from __future__ import annotations

import ipaddress
import json
import re
from io import BytesIO
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth import get_user_model
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest
from django.test import RequestFactory, override_settings
from hypothesis import assume, example
from hypothesis import strategies as st

from django_ironclad import http
from django_ironclad.devices import client_address
from django_ironclad.errors import InvalidRequest, InvalidScope, InvalidToken, MissingToken, OriginNotAllowed
from django_ironclad.http import credentials
from django_ironclad.http.cookie import refresh_cookie
from django_ironclad.http.origin import check_cookie_gates
from django_ironclad.http.transports import login_transport, refresh_token
from django_ironclad.sockets import handshake

from . import for_all

requests = RequestFactory()
#: As servers hand them on: Latin-1, without line breaks.
headers = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\0"), max_size=40)
texts = st.text(max_size=20)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda members: st.lists(members, max_size=3) | st.dictionaries(texts, members, max_size=3),
    max_leaves=5,
)
names = st.sampled_from(["username", "email", "password", "transport", "scope", "refresh_token", "x"])
bodies = st.dictionaries(names | texts, json_values, max_size=5)


@for_all(300, header=headers | st.tuples(st.sampled_from(["Bearer", "bEARER", "Basic"]), headers).map(" ".join))
@example(header="Bearer a b")
@example(header=" bearer  a ")
@example(header="Bearer\ta")
@example(header="x Bearer a")
@example(header="Bearer xax")
def test_an_authorization_header_holds_one_token_or_none_or_is_refused(header: str) -> None:
    try:
        token = http.parse_bearer(header)
    except InvalidToken:
        assert re.match(r" *bearer( |$)", header, re.IGNORECASE)
        return

    if token:
        assert re.fullmatch(rf" *bearer +{re.escape(token)} *", header, re.IGNORECASE)
        assert token.isascii()
        assert " " not in token
    else:
        assert not re.match(r" *bearer( |$)", header, re.IGNORECASE)


@for_all(200, body=bodies)
def test_a_json_body_means_what_it_says_or_is_refused(body: dict[str, Any]) -> None:
    sent = json.dumps(body).encode()
    try:
        read = http.read_body(requests.generic("POST", "/", sent, content_type="application/json"))
    except InvalidRequest:
        return
    assert read == json.loads(sent)
    assert len(sent) <= http.MAX_BODY


@for_all(
    200, fields=st.lists(st.tuples(names, st.text(st.characters(exclude_categories=["Cs"]), max_size=20)), max_size=4)
)
def test_a_form_means_what_it_says_and_no_field_is_there_twice(fields: list[tuple[str, str]]) -> None:
    request = requests.generic("POST", "/", urlencode(fields), content_type="application/x-www-form-urlencoded")
    if len({name for name, _ in fields}) < len(fields):
        with pytest.raises(InvalidRequest):
            http.read_body(request)
    else:
        assert http.read_body(request) == dict(fields)


PART = '--x\r\nContent-Disposition: form-data; name="username"\r\n\r\nada\r\n--x--\r\n'
content_types = st.sampled_from(
    ["application/json", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "text/plain", ""]
)
charsets = st.sampled_from(["utf-8", "latin-1", "utf-16", "utf-7", "hex", "rot13", "idna", "undefined", "nobodys", "ÿ"])
lengths = (
    st.none() | st.integers(-10, 10_000).map(str) | st.sampled_from(["", "1e3", "0x10", " 5", "9" * 5000, "٣", "+7"])
)


@for_all(
    400,
    kind=content_types | headers,
    charset=st.none() | charsets | headers,
    body=st.binary(max_size=60)
    | st.sampled_from(
        [PART, PART.replace("name=", "filename=f; name="), PART.replace("name=", "name*="), PART * 2]
    ).map(str.encode),
    length=lengths,
)
@example(kind="multipart/form-data; boundary=x", charset="hex", body=PART.encode(), length=None)
@example(kind="multipart/form-data; boundary=x", charset="undefined", body=PART.encode(), length=None)
@example(kind="application/json", charset=None, body=b" " * 8193 + b"{}", length="1")
def test_any_body_of_any_type_is_read_or_refused(
    kind: str, charset: str | None, body: bytes, length: str | None
) -> None:
    content_type = kind if charset is None else f"{kind}; charset={charset}"
    # A codec's name that Django itself does not survive, before anybody asks us.
    assume("*" not in content_type)
    request = requests.generic("POST", "/", body, content_type=content_type)
    if length is not None:
        request.META["CONTENT_LENGTH"] = length
    try:
        read = http.read_body(request)
    except InvalidRequest:
        return
    assert all(type(name) is str for name in read)


@for_all(
    60,
    size=st.integers(8100, 8300) | st.integers(0, 200_000),
    kind=st.sampled_from(["application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]),
    said=st.booleans(),
)
def test_a_body_has_8_kib_at_most_whether_its_length_is_said_or_not(size: int, kind: str, said: bool) -> None:
    """It is not, where an ASGI server takes it in chunks."""
    body = {"application/json": b'{"x":"%b"}', "application/x-www-form-urlencoded": b"x=%b"}.get(
        kind, PART.replace("ada", "%b").encode()
    ) % (b"a" * size)
    sent = [(b"content-type", kind.encode()), *[(b"content-length", b"%d" % len(body))] * said]
    request = ASGIRequest({"type": "http", "method": "POST", "path": "/", "headers": sent}, BytesIO(body))
    try:
        read = http.read_body(request)
    except InvalidRequest:
        assert len(body) > http.MAX_BODY
        return
    assert len(body) <= http.MAX_BODY or not read


@for_all(300, body=bodies)
@example(body={"username": "a\0", "password": "b"})
@example(body={"username": "a", "password": "\ud800"})
@example(body={"username": "a", "password": "\udfff"})
@example(body={"username": "a" * 255, "password": "b"})
@example(body={"username": "a", "password": "b" * 1025})
def test_credentials_are_two_texts_as_they_were_sent_or_refused(body: dict[str, Any]) -> None:
    try:
        username, password = http.username_and_password(body)
    except InvalidRequest:
        return
    assert username in (body.get("username"), body.get(get_user_model().USERNAME_FIELD))
    assert password == body["password"]
    assert 0 < len(username) <= 254
    assert 0 < len(password) <= 1024
    for text in (username, password):
        assert "\0" not in text.encode().decode()


@for_all(300, scope=json_values | st.text(' abc"\\\tñ:/', max_size=8))
def test_a_requested_scope_is_a_list_of_names_or_refused(scope: Any) -> None:
    try:
        read = http.requested_scope({"scope": scope})
    except (InvalidScope, InvalidRequest):
        return
    assert sorted(set(scope.split(" "))) == read.split(" ")
    assert all(re.fullmatch(r"[!#-\[\]-~]+", name) for name in read.split(" ") if scope)


@for_all(200, body=bodies, allowed=st.sampled_from([["body"], ["cookie"], ["body", "cookie"], ["cookie", "body"]]))
def test_a_login_travels_as_it_asks_where_that_is_allowed(body: dict[str, Any], allowed: list[str]) -> None:
    with override_settings(IRONCLAD={"TRANSPORTS": allowed}):
        try:
            transport = login_transport(body)
        except InvalidRequest:
            assert body["transport"] not in allowed
            return
    assert transport == body.get("transport", allowed[0])
    assert transport in allowed


TRUSTED = ["https://app.example.org", "https://*.example.net"]
HOSTS = ["testserver", "testserver:8443", "testserver:443", "TestServer"]
origins = st.sampled_from(
    [
        *("https://testserver", "http://testserver", "https://testserver:443", "https://testserver.evil.example"),
        *("https://app.example.org", "https://example.net", "https://a.b.example.net", "http://a.example.net"),
        *("https://evilexample.net", "https://example.net.evil.example", "https://*.example.net", "null", ""),
        *("https://evil.example,https://a.example.net", "https://evil.example/.example.net", "HTTPS://A.EXAMPLE.NET"),
    ]
)
COOKIE = "__Host-ironclad_refresh_token"
#: To Django's parser the same, in UTF-8 as WSGI hands it on, or as a byte.
ALIKE = [f"{space}{COOKIE}" for space in ("\xc2\x85", "\xc2\xa0", "\xe2\x80\x80", "\xa0", "\x85", "\x1f")]


def exact(cookies: str) -> list[str]:
    """What browsers mean by it (RFC 6265bis §5.6): nothing but blanks and tabs is around a name."""
    pairs = re.findall(r"(?:^|;)[ \t]*([^;=]*?)[ \t]*=[ \t]*([^;]*?)[ \t]*(?=;|$)", cookies)
    return [value for name, value in pairs if name == COOKIE]


def asked(content_type: str, **sent: str | None) -> HttpRequest:
    given = {f"HTTP_{name.upper()}": value for name, value in sent.items() if value is not None}
    return requests.generic("POST", "/", b"{}", content_type=content_type, secure=True, **given)  # type: ignore[arg-type]


@for_all(
    400,
    origin=st.none() | origins | headers,
    site=st.none() | st.sampled_from(["cross-site", "same-site", "same-origin", "none", "CROSS-SITE"]),
    requested_with=st.none() | st.sampled_from(["fetch", ""]),
    content_type=content_types,
    same_site=st.sampled_from(["Strict", "Lax", "None"]),
    host=st.sampled_from([*HOSTS, "evil.example"]) | headers,
)
def test_the_cookies_gates_open_to_pages_of_ours_and_to_nobody_else(
    *, origin: str | None, site: str | None, requested_with: str | None, content_type: str, same_site: str, host: str
) -> None:
    request = asked(content_type, origin=origin, sec_fetch_site=site, x_requested_with=requested_with, host=host)
    # As browsers write it, however a proxy writes Host.
    own = origin == f"https://{host.lower().removesuffix(':443')}"
    trusted = bool(re.fullmatch(r"https://(app\.example\.org|([a-z0-9_-]+\.)*example\.net)", origin or ""))
    invited = trusted and same_site == "None"
    may = (own or trusted) and (site in (None, "same-site", "same-origin", "none") or invited)
    is_json = content_type.partition(";")[0].strip(" \t").lower() == "application/json"
    may = may and (is_json or requested_with is not None)

    with override_settings(CSRF_TRUSTED_ORIGINS=TRUSTED, IRONCLAD={"COOKIE_SAMESITE": same_site}):
        try:
            check_cookie_gates(request)
            opened = True
        except OriginNotAllowed:
            opened = False
        except InvalidRequest:
            assert host not in HOSTS
            return

    assert opened is may


@for_all(
    300,
    cookies=st.lists(st.tuples(st.sampled_from([COOKIE, f" {COOKIE} ", *ALIKE, "other", ""]), headers), max_size=3).map(
        lambda drawn: ";".join(f"{name}={value}" for name, value in drawn)
    )
    | headers,
    body=bodies,
    origin=st.sampled_from(["https://testserver", "https://evil.example"]),
)
def test_the_refresh_token_comes_from_the_body_or_from_one_cookie_of_a_page_of_ours(
    cookies: str, body: dict[str, Any], origin: str
) -> None:
    request = asked("application/json", cookie=cookies, origin=origin)
    with override_settings(SESSION_COOKIE_SECURE=True):
        try:
            token, transport = refresh_token(request, body)
        except OriginNotAllowed:
            assert "refresh_token" not in body
            assert origin == "https://evil.example"
            return
        except InvalidRequest:
            assert "refresh_token" in body or len(exact(cookies)) > 1
            return
    if transport == "body":
        assert token == body.get("refresh_token", "")
    else:
        assert "refresh_token" not in body
        assert origin == "https://testserver"
        assert exact(cookies) == [token]


@for_all(
    300,
    peer=headers | st.ip_addresses().map(str),
    seen=st.lists(headers | st.ip_addresses().map(str) | st.ip_addresses().map("[{}]:80".format), max_size=4),
    proxies=st.integers(0, 4),
)
def test_a_clients_address_is_an_address_or_unknown(peer: str, seen: list[str], proxies: int) -> None:
    request = requests.get("/", REMOTE_ADDR=peer, HTTP_X_FORWARDED_FOR=",".join(seen))
    with override_settings(IRONCLAD={"TRUSTED_PROXIES": proxies}):
        address = client_address(request)
        unforwarded = client_address(requests.get("/", REMOTE_ADDR=peer))
    if address is not None:
        assert str(ipaddress.ip_address(address)) == address
    if not proxies:
        assert address == unforwarded


@for_all(200, message=texts | bodies.map(json.dumps), members=bodies, token=json_values)
def test_a_websockets_message_renews_or_is_the_applications_own(message: str, members: Any, token: Any) -> None:
    ours = json.dumps({**members, "type": handshake.RENEW, "access_token": token})
    assert handshake.renewal(message) == "" or handshake.RENEW in message
    try:
        renewed = handshake.renewal(ours)
    except InvalidRequest:
        return
    assert renewed in ("", token)


@for_all(
    200,
    protocols=st.lists(st.sampled_from([handshake.BEARER, "chat", "", "a.b.c"]), max_size=4),
    origin=st.none() | origins | headers,
    authorization=st.none() | headers,
)
def test_a_handshake_is_read_or_refused(protocols: list[str], origin: str | None, authorization: str | None) -> None:
    sent = {b"origin": origin, b"authorization": authorization, b"host": "testserver"}
    scope = {
        "type": "websocket",
        "path": "/",
        "scheme": "wss",
        "headers": [(name, value.encode("latin-1")) for name, value in sent.items() if value is not None],
        "subprotocols": protocols,
    }
    try:
        read = handshake.read(scope)
    except (InvalidToken, InvalidRequest, OriginNotAllowed):
        return
    assert origin in (None, "https://testserver")
    assert (read.accepted == handshake.BEARER) is (handshake.BEARER in protocols)
    assert read.accepted is None or read.token in protocols
    assert read.token not in read.subprotocols or protocols.count(read.token) > 1 or not read.accepted


# The same at its edges, and where nothing was sent.


class Unread(BytesIO):
    """A body that nobody may ask for."""

    def read(self, *_: object) -> bytes:
        raise AssertionError("the body was read")


def over_asgi(body: BytesIO, content_type: str, length: int | None = None) -> HttpRequest:
    said = [] if length is None else [(b"content-length", b"%d" % length)]
    headers = [(b"content-type", content_type.encode()), *said]
    return ASGIRequest({"type": "http", "method": "POST", "path": "/", "headers": headers}, body)


def test_a_body_of_8_kib_is_read_and_one_byte_more_is_too_much() -> None:
    body = b'{"x":"%b"}' % (b"a" * (8192 - 8))
    for said in (8192, None):
        assert http.read_body(over_asgi(BytesIO(body), "application/json", said)) == {"x": "a" * (8192 - 8)}
    # One that says too little is no smaller.
    for said in (8193, 8192, 1, None):
        with pytest.raises(InvalidRequest, match="too large"):
            http.read_body(over_asgi(BytesIO(body + b" "), "application/json", said))


def test_what_says_that_it_is_too_large_is_not_read_nor_a_multipart_form_that_says_nothing() -> None:
    for content_type in ("application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        with pytest.raises(InvalidRequest, match="too large"):
            http.read_body(over_asgi(Unread(), content_type, 8193))
    assert http.read_body(over_asgi(Unread(), "multipart/form-data; boundary=x")) == {}


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", ""])
def test_an_empty_body_has_no_members_whatever_its_type(content_type: str) -> None:
    assert http.read_body(over_asgi(BytesIO(), content_type)) == {}


class Users:
    """A user model whose names are e-mail addresses of any length."""

    USERNAME_FIELD = "email"
    longest: int | None = None

    @classmethod
    def get_field(cls, name: str) -> Any:
        return SimpleNamespace(max_length=cls.longest if name == "email" else None)


Users._meta = Users  # type: ignore[attr-defined]


@pytest.mark.parametrize(("longest", "allowed"), [(None, 254), (30, 254), (300, 300)])
def test_a_user_name_is_as_long_as_an_address_can_be_or_as_the_users_have_them(
    monkeypatch: pytest.MonkeyPatch, longest: int | None, allowed: int
) -> None:
    monkeypatch.setattr(credentials, "get_user_model", lambda: Users)
    monkeypatch.setattr(Users, "longest", longest)
    for name in ("email", "username"):
        assert http.username_and_password({name: "a" * allowed, "password": "b"}) == ("a" * allowed, "b")
        with pytest.raises(InvalidRequest, match="too long"):
            http.username_and_password({name: "a" * (allowed + 1), "password": "b"})
    assert http.username_and_password({"username": "b", "email": "a", "password": "c"}) == ("a", "c")


def test_a_password_has_1024_characters_at_most() -> None:
    assert http.username_and_password({"username": "a", "password": "b" * 1024}) == ("a", "b" * 1024)
    with pytest.raises(InvalidRequest, match="too long"):
        http.username_and_password({"username": "a", "password": "b" * 1025})


def test_where_no_refresh_token_was_sent_there_is_none_and_no_page_is_asked_for() -> None:
    assert refresh_token(asked("application/json"), {}) == ("", "body")
    assert refresh_cookie(asked("application/json", origin="https://testserver")) == ""


def test_a_token_is_read_from_the_header_and_asked_for_where_one_is_needed() -> None:
    request, without = asked("application/json", authorization="Bearer a"), asked("application/json")
    assert http.bearer_token(request) == http.required_token(request) == "a"
    assert http.bearer_token(without) == ""
    with pytest.raises(MissingToken):
        http.required_token(without)


def test_a_requested_scope_names_each_once_in_order() -> None:
    assert http.requested_scope({"scope": "write read write"}) == "read write"
