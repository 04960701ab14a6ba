"""A websocket in a browser: who gets one, when it is closed, and that it outlives the tokens it is renewed by."""

from __future__ import annotations

import http.client
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page

from .conftest import TOKEN
from .faulty import log_in
from .running import ROOT, Demo, demo_environment, running

pytestmark = pytest.mark.browser

#: The browser's part of docs/channels.md, between the import and its end.
SNIPPET = re.search(r"```js\nimport .*?\n(.*?)```", (ROOT / "docs/channels.md").read_text(), re.DOTALL)[1]  # type: ignore[index]
#: Puts `auth` and the page's own WebSockets, with notes of what happens to them, into the page.
START = f"""async () => {{
    const {{ createAuth }} = await import("/static/django_ironclad/ironclad.js");
    window.sockets = [];
    window.heard = [];
    const Plain = WebSocket;
    window.WebSocket = class extends Plain {{
        constructor(...asked) {{
            super(...asked);
            sockets.push(this);
            this.addEventListener("close", ({{ code, reason }}) => Object.assign(this, {{ code, reason }}));
        }}
    }};
    {SNIPPET.replace("refreshBefore: 30", "refreshBefore: 3")}
    const address = `ws://${{location.host}}/ws/echo/`;
    Object.assign(window, {{ auth, connect: () => connect(address, (data) => heard.push(JSON.parse(data))) }});
    await auth.ready;
}}"""
#: What comes of a websocket that is asked for with these subprotocols: "open", or the code by which it was closed.
TRY = """([url, protocols]) => new Promise((done) => {
    const socket = new WebSocket(url, protocols);
    socket.onopen = () => { done("open"); socket.close(); };
    socket.onclose = ({ code }) => done(code);
})"""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """uvicorn with the websocket; what it wrote has no token in it."""
    data = tmp_path_factory.mktemp("websocket") / "data"
    environment = demo_environment(data) | {"DJANGO_SETTINGS_MODULE": "tests.browser.websocket_settings"}
    environment["PYTHONPATH"] = ":".join([str(ROOT / "demo"), *filter(None, [environment.get("PYTHONPATH")])])
    command = (sys.executable, "-m", "tests.browser.websocket_server")
    with running(data, command, env=environment, cwd=ROOT) as demo:
        yield demo
    for written in demo.output, data / "demo.log":
        assert not TOKEN.search(written.read_bytes()), written


@pytest.fixture(scope="module")
def elsewhere(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """Another process on the same database."""
    with running(tmp_path_factory.mktemp("elsewhere") / "data", env=demo_environment(demo.data)) as other:
        yield other


class EmptyPage(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def stranger() -> Iterator[str]:
    """The origin of somebody else's page."""
    with HTTPServer(("127.0.0.1", 0), EmptyPage) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def url(demo: Demo) -> str:
    return demo.url.replace("http", "ws") + "/ws/echo/"


def start(page: Page) -> Page:
    page.goto("/static/django_ironclad/ironclad.js")
    page.evaluate(START)
    log_in(page)
    return page


def wait(page: Page, condition: str) -> None:
    """Until it is so, for 20 s. (Playwright's own wait needs `eval`, which the demo's policy forbids.)"""
    look = f"Date.now() > late ? fail(new Error('never so')) : ({condition}) ? done() : setTimeout(look, 20)"
    page.evaluate(f"new Promise((done, fail) => {{ const late = Date.now() + 2e4, look = () => {look}; look(); }})")


def connect(page: Page) -> None:
    page.evaluate("connect()")
    wait(page, "sockets.at(-1)?.readyState === 1")


def ask(page: Page, text: str) -> dict[str, Any]:
    """What the websocket says to this; it also says who it believes to speak to."""
    count = page.evaluate("heard.length")
    page.evaluate("text => sockets.at(-1).send(JSON.stringify(text))", text)
    wait(page, f"heard.length > {count}")
    answer: dict[str, Any] = page.evaluate("heard.at(-1)")
    assert answer["said"] == text
    return answer


def handshake(url: str, **headers: str) -> tuple[int, str, http.client.HTTPMessage]:
    """As a browser asks for a websocket; the status and the body, which it shows to no page, and the headers."""
    address = urlsplit(url)
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    upgrade["Sec-WebSocket-Key"] = "dGhlIHNhbXBsZSBub25jZQ=="
    upgrade |= {name.replace("_", "-"): value for name, value in headers.items()}
    with closing(http.client.HTTPConnection(address.netloc, timeout=20)) as connection:
        connection.request("GET", address.path, headers=upgrade)
        answer = connection.getresponse()
        return answer.status, "" if answer.status == 101 else answer.read().decode(), answer.headers


def test_a_page_is_connected_as_who_it_is(page: Page) -> None:
    connect(start(page))

    assert ask(page, "hello")["user"] == "ada"
    assert page.evaluate("sockets[0].protocol") == "ironclad.bearer"


def test_a_websocket_is_refused_without_a_token_or_with_a_stale_one(page: Page, demo: Demo, url: str) -> None:
    page.goto("/static/django_ironclad/ironclad.js")
    token = demo.login("ada")["access_token"]
    assert page.evaluate(TRY, [url, ["ironclad.bearer", token]]) == "open"

    assert page.evaluate(TRY, [url, []]) == 1006
    assert page.evaluate(TRY, [url, ["ironclad.bearer", "garbage"]]) == 1006
    page.wait_for_timeout(6_500)  # Six seconds, and no leeway.
    assert page.evaluate(TRY, [url, ["ironclad.bearer", token]]) == 1006

    status, body, headers = handshake(url, Sec_WebSocket_Protocol=f"ironclad.bearer, {token}")
    assert (status, '"invalid_token"' in body) == (401, True)
    assert 'error="invalid_token"' in headers["WWW-Authenticate"]
    assert handshake(url)[2]["WWW-Authenticate"] == 'Bearer realm="api"'


def test_a_websocket_is_refused_to_a_page_of_another_origin(page: Page, demo: Demo, stranger: str, url: str) -> None:
    token = demo.login("ada")["access_token"]
    log = demo.data / "demo.log"
    page.goto(stranger)
    before = log.read_text().count("refused origin_not_allowed")

    assert page.evaluate(TRY, [url, ["ironclad.bearer", token]]) == 1006

    # By us, and not by a policy of the browser's.
    assert log.read_text().count("refused origin_not_allowed") == before + 1
    offered = f"ironclad.bearer, {token}"
    status, body, _ = handshake(url, Sec_WebSocket_Protocol=offered, Origin=stranger)
    assert (status, '"origin_not_allowed"' in body) == (403, True)
    status, _, headers = handshake(url, Sec_WebSocket_Protocol=offered, Origin=demo.url)
    assert (status, headers["Sec-WebSocket-Protocol"]) == (101, "ironclad.bearer")


@pytest.mark.parametrize("renewed", [False, True])
def test_a_websocket_is_closed_soon_after_its_device_was_ended_in_another_process(
    page: Page, elsewhere: Demo, measured: Callable[[object], None], *, renewed: bool
) -> None:
    connect(start(page))
    ask(page, "hello")
    if renewed:
        page.wait_for_timeout(4_000)
    token = elsewhere.login("ada")["access_token"]
    sid = page.evaluate("auth.state.claims.sid")

    assert elsewhere.call("DELETE", f"/auth/sessions/{sid}/", token=token).status == 204
    ended = time.monotonic()
    wait(page, "sockets[0].code")
    seconds = time.monotonic() - ended

    assert page.evaluate("[sockets[0].code, sockets[0].reason]") == [4401, "invalid_token"]
    measured(f"closed after {seconds:.2f} s")
    assert seconds < 3.5
    # The page has asked for another token, and learned from the answer.
    wait(page, "auth.state.status === 'signed-out'")
    assert page.evaluate("[auth.state.reason, sockets.length]") == ["invalid_grant", 1]


def test_a_websocket_outlives_its_tokens_and_knows_the_newest(page: Page, measured: Callable[[object], None]) -> None:
    connect(start(page))
    began = time.monotonic()
    first = ask(page, "first")

    page.wait_for_timeout(14_000)

    last = ask(page, "last")
    assert page.evaluate("sockets.length") == 1
    assert last["exp"] >= first["exp"] + 12
    measured(f"open for {time.monotonic() - began:.1f} s with tokens of 6 s")


def test_a_websocket_that_nobody_renews_is_closed_and_the_page_comes_back(
    page: Page, measured: Callable[[object], None]
) -> None:
    connect(start(page))
    first = ask(page, "first")
    page.evaluate("sockets[0].send = () => {}")

    wait(page, "sockets[0].code")
    closed = time.time()

    assert page.evaluate("sockets[0].code") == 4401
    measured(f"closed {closed - first['exp']:.2f} s after the token was over")
    assert 0 <= closed - first["exp"] < 2.5
    wait(page, "sockets.length === 2 && sockets[1].readyState === 1")
    assert ask(page, "again")["exp"] > first["exp"]
