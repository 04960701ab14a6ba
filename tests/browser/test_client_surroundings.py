"""The client where its surroundings refuse: no storage, no messages, another origin; and a page that is left."""

from __future__ import annotations

from contextlib import closing
from functools import partial
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import urlsplit

import pytest

from . import faulty
from .browsers import EVERYWHERE, Tab, Tabs
from .faulty import Faults, log_in, start, start_tabs, status, together
from .running import PASSWORD, Demo
from .test_other_sites import serving

pytestmark = pytest.mark.browser
demo, faults = faulty.demo, faulty.faults

#: Each of them throws as soon as it is named, as in a frame with `sandbox` or where cookies are blocked.
FORBIDDEN = """for (const name of ["localStorage", "sessionStorage", "BroadcastChannel"])
    Object.defineProperty(window, name, { get() { throw new DOMException("denied", "SecurityError"); } });
Object.defineProperty(Navigator.prototype, "locks", { get() { throw new DOMException("denied", "SecurityError"); } });
"""
#: What a page says of itself.
PASSED = ("Authorization", "Content-Type", "Origin")
FULL = "Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); };"


@EVERYWHERE
@pytest.mark.parametrize("script", [FORBIDDEN, FULL], ids=["all forbidden", "storage full"])
def test_a_reload_and_a_second_tab_are_signed_in_and_a_logout_is_one(
    context: Tabs[Tab], faults: Faults, script: str
) -> None:
    context.add_init_script(script)
    page = start(context.new_page())
    assert status(page) == "signed-out"
    log_in(page)
    faults.set(spoil=True)

    assert page.evaluate("calls(5)") == [200] * 5
    second = start(context.new_page())
    start(page)
    assert together([page, second], "calls(3)") == [[200] * 3] * 2
    assert [status(tab) for tab in (page, second)] == ["signed-in"] * 2
    assert page.evaluate("auth.logout()") is True
    assert page.evaluate("call()") == 401
    assert second.evaluate("call()") in (200, 401)  # Until its access token is refused, nothing tells it.
    assert status(start(second)) == "signed-out"


@EVERYWHERE
def test_storage_that_was_emptied_costs_one_refresh(context: Tabs[Tab], faults: Faults) -> None:
    page = start(context.new_page())
    log_in(page)
    page.evaluate("() => { auth.dispose(); localStorage.clear(); sessionStorage.clear(); }")
    faults.set()

    assert status(start(page)) == "signed-in"
    assert page.evaluate("call()") == 200
    assert faults.refreshes == 1


class Elsewhere(BaseHTTPRequestHandler):
    """The demo as another origin that exposes no header: what a page of 127.0.0.1 sees of localhost."""

    def __init__(self, demo: Demo, calls: list[tuple[str, int]], *connection: Any) -> None:
        self.demo, self.calls = demo, calls
        super().__init__(*connection)

    def answer(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        if self.command == "OPTIONS":
            self.send_response(204)
            self.send_header("Access-Control-Allow-Methods", "GET, POST, PATCH")
            self.send_header("Access-Control-Allow-Headers", "authorization, content-type")
            content = b""
        else:
            passed = {name: self.headers[name] for name in PASSED if name in self.headers}
            with closing(HTTPConnection(urlsplit(self.demo.url).netloc, timeout=20)) as connection:
                connection.request(self.command, self.path, self.rfile.read(length), passed)
                response = connection.getresponse()
                content = response.read()
            self.calls.append((self.path, response.status))
            self.send_response(response.status)
            for name, value in response.getheaders():
                if name not in ("Content-Length", "Connection"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
        self.send_header("Access-Control-Allow-Origin", self.demo.url)
        self.send_header("Access-Control-Allow-Credentials", "true")
        self.end_headers()
        self.wfile.write(content)

    do_OPTIONS = do_GET = do_POST = do_PATCH = answer  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Nothing."""


@EVERYWHERE
def test_on_another_origin_a_refusal_is_read_from_its_body(page: Tab, faults: Faults, demo: Demo) -> None:
    calls: list[tuple[str, int]] = []
    with serving(partial(Elsewhere, demo, calls)) as port:
        ask_elsewhere(page, faults, f"http://localhost:{port}", calls)


def ask_elsewhere(page: Tab, faults: Faults, url: str, calls: list[tuple[str, int]]) -> None:
    start(page, store="localStore", baseURL=f"{url}/auth/")
    log_in(page, "rosa")
    assert page.evaluate("url => call(url, { method: 'POST' })", f"{url}/old-login/") == 204
    start(page, store="localStore", baseURL=f"{url}/auth/")  # With a token that says so, too.
    page.evaluate(
        """password => auth.on("step-up", ({ maxAge, waitUntil }) => {
        window.asked = maxAge;
        waitUntil(auth.reauthenticate({ password }));
    })""",
        PASSWORD,
    )
    calls.clear()
    change = """url => call(url, {
        method: "PATCH", body: '{"grade": "B"}', headers: { "Content-Type": "application/json" },
    })"""

    assert page.evaluate(change, f"{url}/office/1/") == 200
    assert page.evaluate("asked") == 300
    assert calls == [("/office/1/", 401), ("/auth/reauthenticate/", 200), ("/office/1/", 200)]

    hidden = "async url => [...(await fetch(url)).headers.keys()].filter((name) => /retry|authenticate/.test(name))"
    assert page.evaluate(hidden, f"{url}/profile/") == []
    faults.set(refresh=["429 for long"])
    error = page.evaluate("() => auth.refresh().catch(({ code, retryAfter }) => [code, retryAfter])")
    assert error == ["rate_limited", 7]
    assert page.evaluate("() => auth.refresh().catch(({ code }) => code)") == "rate_limited"
    assert faults.refreshes == 1
    assert status(page) == "signed-in"


@EVERYWHERE
@pytest.mark.parametrize("store", ["", pytest.param("localStore", marks=pytest.mark.large)])
def test_a_password_changed_in_one_of_five_tabs_while_four_refresh_signs_nobody_out(
    context: Tabs[Tab], faults: Faults, demo: Demo, store: str
) -> None:
    # A `PAUSE` of 6 s, so that its end can be waited for.
    faults.set(lifetimes={"REUSE_GRACE": 1})
    tabs = start_tabs(context, 5, store=store)
    old = thieves_copy(tabs[0])
    try:
        changes = f"auth.changePassword({{ old_password: '{PASSWORD}', new_password: 'another-{PASSWORD}' }})"
        act = (
            f"(at) => {{ window.done = ((at) ? {changes} : auth.refresh()).then(() => 'done', (error) => error.code) }}"
        )
        for index, tab in enumerate(tabs):
            tab.evaluate(act, index == 2)
        assert [tab.evaluate("done") for tab in tabs] == ["done"] * 5
        stolen = refresh(demo, old, by_cookie=not store)
        assert (stolen.status, stolen.json["error"]) == (503, "temporarily_unavailable")
        tabs[0].wait_for_timeout(7_000)
        stolen = refresh(demo, old, by_cookie=not store)
        assert (stolen.status, stolen.json["error"]) == (400, "invalid_grant")

        faults.set(spoil=True, lifetimes={"REUSE_GRACE": 1})
        assert together(tabs, "calls(3)") == [[200] * 3] * 5
        assert [status(tab) for tab in tabs] == ["signed-in"] * 5
    finally:
        back = f"auth.changePassword({{ old_password: 'another-{PASSWORD}', new_password: '{PASSWORD}' }})"
        tabs[2].evaluate(back)


def thieves_copy(page: Tab) -> str:
    cookies = page.context.cookies()
    return str(cookies[0]["value"] if cookies else page.evaluate("Object.values(localStorage)[0]"))


def refresh(demo: Demo, token: str, *, by_cookie: bool) -> Any:
    if by_cookie:
        return demo.call("POST", "/auth/refresh/", {}, Cookie=f"ironclad_refresh_token={token}", Origin=demo.url)
    return demo.call("POST", "/auth/refresh/", {"refresh_token": token})
