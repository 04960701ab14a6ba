"""A sibling host, in the same browser, by TLS: it sets what cookies it likes for the domain, and Ada stays Ada."""

from __future__ import annotations

import http.client
import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote_to_bytes, urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from .certificates import certificate
from .deployed import deployed
from .running import PASSWORD, Demo

pytestmark = pytest.mark.browser
NAME = "__Host-ironclad_refresh_token"
FOR_ALL = "Domain=example.test; Path=/; Secure; SameSite=Strict"
#: What Django's parser takes from before a name. A page writes characters, a server bytes.
CHARACTERS = ["\u0085", "\u00a0", "\u1680", "\u2000", "\u2028", "\u3000"]
BYTES = [b"\xa0", b"\x85"]
#: Who is signed in, as the client finds out when a page is loaded; and after that, by a refresh.
START = """async () => {
    const { createAuth } = await import("/static/django_ironclad/ironclad.js");
    window.auth = createAuth();
    await auth.ready;
    return auth.state.user?.username ?? auth.state.status;
}"""
REFRESH = "async () => (await auth.refresh().catch(e => e)).code ?? auth.state.user?.username ?? auth.state.status"
LOG_IN = "async password => { await auth.login({ username: 'ada', password }); return auth.state.user.username }"
#: What the server says of the cookies alone, whatever the client believes.
ASK = """async () => {
    const headers = { "Content-Type": "application/json" };
    const answer = await fetch("/auth/refresh/", { method: "POST", headers, body: "{}" });
    return [answer.status, (await answer.json()).error];
}"""
TOSS = "cookie => { document.cookie = cookie }"


class Evil(BaseHTTPRequestHandler):
    """`/?COOKIE` sets it, byte by byte; `/clear` has the browser forget all cookies of the domain."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        if self.path == "/clear":
            self.send_header("Clear-Site-Data", '"cookies"')
        elif cookie := urlsplit(self.path).query:
            self.send_header("Set-Cookie", unquote_to_bytes(cookie).decode("latin-1"))
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>A sibling's</title><body>")

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    return certificate(tmp_path_factory.mktemp("tls"), "app.example.test", "evil.example.test")


@pytest.fixture(scope="module")
def evil(files: tuple[str, str]) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Evil) as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*files)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"https://evil.example.test:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module", params=["wsgi", "asgi"])
def app(
    request: pytest.FixtureRequest, files: tuple[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Demo]:
    with deployed(tmp_path_factory.mktemp("app") / "data", request.param, *files) as app:
        yield replace(app, url=app.url.replace("127.0.0.1", "app.example.test"))


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(ignore_https_errors=True)
    context.set_default_timeout(20_000)
    yield context
    context.close()


@pytest.fixture
def mallorys(app: Demo) -> str:
    """The refresh token of a session of Mallory's own, from a browser of his."""
    said = json.dumps({"username": "alan", "password": PASSWORD, "transport": "cookie"})
    headers = {"Content-Type": "application/json", "Origin": app.url, "Host": urlsplit(app.url).netloc}
    trusting = ssl._create_unverified_context()
    with closing(
        http.client.HTTPSConnection("127.0.0.1", urlsplit(app.url).port, context=trusting, timeout=20)
    ) as asked:
        asked.request("POST", "/auth/login/", said, headers)
        answer = asked.getresponse()
        assert answer.status == 200
        return str(answer.headers["Set-Cookie"]).partition("=")[2].partition(";")[0]


def visit(context: BrowserContext, app: Demo) -> tuple[Page, str]:
    """A page of the app's, and who is signed in there."""
    page = context.new_page()
    page.goto(f"{app.url}/public-data/")
    return page, page.evaluate(START)


def toss(context: BrowserContext, evil: str, space: str | bytes, value: str) -> None:
    """The sibling sets a cookie for the domain: by its page, or by its server."""
    page = context.new_page()
    before = len(context.cookies())
    if isinstance(space, str):
        page.goto(evil)
        page.evaluate(TOSS, f"{space}{NAME}={value}; {FOR_ALL}")
    else:
        escaped = "".join(f"%{byte:02x}" for byte in space + f"{NAME}={value}; {FOR_ALL}".encode())
        page.goto(f"{evil}/?{escaped}")
    deadline = time.monotonic() + 20
    while len(context.cookies()) == before:
        assert time.monotonic() < deadline, "the browser does not take it"
        page.wait_for_timeout(20)
    page.close()


@pytest.mark.parametrize("space", [*CHARACTERS, *BYTES], ids=ascii)
def test_ada_stays_ada_whatever_a_sibling_host_sets(
    context: BrowserContext, app: Demo, evil: str, mallorys: str, space: str | bytes
) -> None:
    page, who = visit(context, app)
    assert who == "signed-out"
    assert page.evaluate(LOG_IN, PASSWORD) == "ada"

    toss(context, evil, space, mallorys)
    page, who = visit(context, app)
    assert who == "ada"
    assert page.evaluate(REFRESH) == "ada"
    assert page.evaluate(LOG_IN, PASSWORD) == "ada"
    assert page.evaluate(REFRESH) == "ada"
    page.evaluate("auth.logout()")
    assert page.evaluate(ASK) == [400, "invalid_grant"], "alone it is nobody's"


@pytest.mark.parametrize("space", ["\u2000", b"\xa0"], ids=ascii)
def test_a_visitor_is_signed_in_by_no_sibling_host(
    context: BrowserContext, app: Demo, evil: str, mallorys: str, space: str | bytes
) -> None:
    toss(context, evil, space, mallorys)

    page, who = visit(context, app)
    assert who == "signed-out"
    assert page.evaluate(LOG_IN, PASSWORD) == "ada"
    assert visit(context, app)[1] == "ada"


def test_a_browser_lets_no_sibling_set_the_name_itself(context: BrowserContext, app: Demo, evil: str) -> None:
    """The control: what the prefix promises, it keeps."""
    page = context.new_page()
    page.goto(evil)
    for name in (NAME, f" {NAME}", f"\t{NAME}", NAME.upper(), f"={NAME}"):
        page.evaluate(TOSS, f"{name}=x; {FOR_ALL}")

    assert context.cookies() == []


@pytest.mark.browsers("chromium")  # Firefox clears nothing but what is the host's own.
def test_what_a_sibling_host_can_do_is_to_take_the_cookie_away(context: BrowserContext, app: Demo, evil: str) -> None:
    """As docs/security.md says: its owner logs in again, and the session that is left is nobody else's."""
    page, _ = visit(context, app)
    assert page.evaluate(LOG_IN, PASSWORD) == "ada"
    context.new_page().goto(f"{evil}/clear")

    assert [cookie for cookie in context.cookies() if cookie.get("name") == NAME] == []
    assert page.evaluate(ASK) == [400, "invalid_grant"]
    assert page.evaluate("async () => (await (await auth.fetch('/auth/sessions/')).json()).sessions.length") >= 1
