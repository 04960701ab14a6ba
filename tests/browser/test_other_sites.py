"""A page of somebody else's, in the same browser: of another site, of another port, of a sibling host."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from .running import PASSWORD, Demo

pytestmark = pytest.mark.browser
COOKIE = "ironclad_refresh_token"

#: What such a page can send without asking first, and one that has to ask. Each gives the status, or why there is none.
FORM = """([url, type, fields]) => {
    const form = Object.assign(document.createElement("form"), {method: "POST", action: url, enctype: type});
    for (const [name, value] of Object.entries(fields))
        form.append(Object.assign(document.createElement("input"), {name, value}));
    document.body.append(form);
    form.submit();
}"""
FETCH = """async ([url, options]) => {
    try {
        const answer = await fetch(url, {method: "POST", credentials: "include", ...options});
        return `${answer.type} ${answer.status}`;
    } catch (error) {
        return error.name;
    }
}"""
JSON = {"headers": {"Content-Type": "application/json"}, "body": "{}"}
FETCHES: dict[str, dict[str, Any]] = {
    "what needs no preflight": {"mode": "no-cors", "body": "{}"},
    "a form": {"mode": "no-cors", "headers": {"Content-Type": "application/x-www-form-urlencoded"}, "body": "a=b"},
    "JSON": JSON,
    "JSON without saying so": {"mode": "no-cors", **JSON},
    "a header of one's own": {"headers": {"X-Requested-With": "fetch"}},
}


class Blank(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>An attacker's</title><body>")

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def serving(handler: Callable[..., BaseHTTPRequestHandler]) -> Iterator[int]:
    """The port of a server that has it answer."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Of the attacker's server."""
    with serving(Blank) as port:
        yield port


@pytest.fixture
def victim(browser: Browser, demo: Demo) -> Iterator[BrowserContext]:
    """A browser in which Ada is signed in."""
    context = browser.new_context()
    context.set_default_timeout(20_000)
    log_in(context.new_page(), demo.url)
    yield context
    context.close()


def log_in(page: Page, url: str) -> None:
    page.goto(f"{url}/public-data/")
    body = f'{{"username": "ada", "password": "{PASSWORD}", "transport": "cookie"}}'
    assert page.evaluate(FETCH, ["/auth/login/", {**JSON, "body": body}]) == "basic 200"


def cookies(context: BrowserContext) -> list[str]:
    return [cookie.get("value", "") for cookie in context.cookies() if cookie.get("name") == COOKIE]


def refresh(page: Page) -> str:
    return str(page.evaluate(FETCH, ["/auth/refresh/", JSON]))


def submit(page: Page, url: str, fields: dict[str, str], kind: str = "application/x-www-form-urlencoded") -> int:
    """The status that a form of a page meets. The page is on its way elsewhere then: a form needs one of its own."""
    with page.expect_response(url) as answer:
        page.evaluate(FORM, [url, kind, fields])
    return answer.value.status


# Ports are no part of a cookie's host: the second one is sent the cookie, SameSite=Strict as it is.
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"], ids=["another site", "another port"])
def test_a_page_of_another_origin_ends_no_session_and_reads_no_token(
    victim: BrowserContext, demo: Demo, port: int, host: str
) -> None:
    before = cookies(victim)
    page = victim.new_page()
    page.goto(f"http://{host}:{port}/")
    for path in ("/auth/refresh/", "/auth/logout/", "/auth/login/"):
        told = {name: page.evaluate(FETCH, [demo.url + path, options]) for name, options in FETCHES.items()}
        assert set(told.values()) <= {"opaque 0", "TypeError"}, told
    for kind in ("application/x-www-form-urlencoded", "multipart/form-data", "text/plain"):
        page = victim.new_page()
        page.goto(f"http://{host}:{port}/")
        assert submit(page, f"{demo.url}/auth/logout/", {"a": "b"}, kind) == 403

    assert cookies(victim) == before != []
    assert refresh(victim.pages[0]) == "basic 200"
    assert cookies(victim) != before


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"], ids=["another site", "another port"])
@pytest.mark.parametrize("path", ["/auth/login/", "/api-token-auth/"])
def test_a_page_of_another_origin_has_its_visitor_guess_no_password(
    victim: BrowserContext, demo: Demo, port: int, host: str, path: str
) -> None:
    """By whatever it can send without asking first: else its forms would lock Ada out, from her own address."""
    before = (demo.data / "demo.log").read_text()
    fields = {"username": "ada", "password": "wrong"}
    for kind in ("application/x-www-form-urlencoded", "multipart/form-data", "text/plain"):
        page = victim.new_page()
        page.goto(f"http://{host}:{port}/")
        assert submit(page, demo.url + path, fields, kind) == 403
    page = victim.new_page()
    page.goto(f"http://{host}:{port}/")
    sent = page.evaluate(
        "([url, said]) => navigator.sendBeacon(url, new URLSearchParams(said))", [demo.url + path, fields]
    )
    assert sent
    refused = f"refused origin_not_allowed: Origin http://{host}:{port}, and this is {demo.url}"
    deadline = time.monotonic() + 20
    while (said := (demo.data / "demo.log").read_text().removeprefix(before)).count(refused) < 4:
        assert time.monotonic() < deadline, said
        page.wait_for_timeout(20)
    assert "AXES" not in said


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"], ids=["another site", "another port"])
def test_a_page_of_another_origin_signs_nobody_in_as_somebody_else(
    victim: BrowserContext, demo: Demo, port: int, host: str
) -> None:
    before = cookies(victim)
    page = victim.new_page()
    page.goto(f"http://{host}:{port}/")
    fields = {"username": "alan", "password": PASSWORD, "transport": "cookie"}

    assert submit(page, f"{demo.url}/auth/login/", fields) == 403
    assert cookies(victim) == before
    assert refresh(victim.pages[0]) == "basic 200"


def test_a_sibling_host_tosses_a_cookie_and_nobody_is_signed_in_by_it(browser: Browser, demo: Demo, port: int) -> None:
    """The demo is on plain http, without `__Host-`, which no browser lets a sibling set: so a second cookie arrives."""
    context = browser.new_context()
    campus = demo.url.replace("127.0.0.1", "campus.example")
    log_in(context.new_page(), campus)
    alans = demo.login("alan")["refresh_token"]
    page = context.new_page()
    page.goto(f"http://sibling.campus.example:{port}/")
    toss = "cookie => { document.cookie = cookie; return document.cookie }"

    assert COOKIE not in page.evaluate(toss, f"__Host-{COOKIE}={alans}; Domain=campus.example; Path=/; Secure")
    assert alans in page.evaluate(toss, f"{COOKIE}={alans}; Domain=campus.example; Path=/")
    assert refresh(context.pages[0]) == "basic 400"
    page.evaluate(toss, f"{COOKIE}=; Domain=campus.example; Path=/; Max-Age=0")
    assert refresh(context.pages[0]) == "basic 200"
    context.close()
