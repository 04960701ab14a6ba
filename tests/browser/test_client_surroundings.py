"""The client where its surroundings refuse: no storage, no messages, another origin; and a page that is left."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, Route

from . import faulty
from .browsers import EVERYWHERE, Tab, Tabs
from .faulty import Faults, log_in, start, start_tabs, status, together
from .running import PASSWORD, Demo

pytestmark = pytest.mark.browser
demo, faults = faulty.demo, faulty.faults

#: Each of them throws as soon as it is named, as in a frame with `sandbox` or where cookies are blocked.
FORBIDDEN = """for (const name of ["localStorage", "sessionStorage", "BroadcastChannel"])
    Object.defineProperty(window, name, { get() { throw new DOMException("denied", "SecurityError"); } });
Object.defineProperty(Navigator.prototype, "locks", { get() { throw new DOMException("denied", "SecurityError"); } });
"""
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


class Elsewhere:
    """The demo as another origin that exposes no header: what a page of 127.0.0.1 sees of localhost."""

    def __init__(self, page: Page, demo: Demo) -> None:
        self.url = demo.url.replace("127.0.0.1", "localhost")
        self.headers = {"Access-Control-Allow-Origin": demo.url, "Access-Control-Allow-Credentials": "true"}
        self.calls: list[tuple[str, int]] = []
        page.route(f"{self.url}/**", self.answer)

    def answer(self, route: Route) -> None:
        if route.request.method == "OPTIONS":
            allowed = {"Methods": "GET, POST, PATCH", "Headers": "authorization, content-type"}
            preflight = {f"Access-Control-Allow-{name}": value for name, value in allowed.items()}
            route.fulfill(status=204, headers=self.headers | preflight)
            return
        response = route.fetch()
        self.calls.append((response.url.removeprefix(self.url), response.status))
        route.fulfill(response=response, headers=response.headers | self.headers)


def test_on_another_origin_a_refusal_is_read_from_its_body(page: Page, faults: Faults, demo: Demo) -> None:
    elsewhere = Elsewhere(page, demo)
    start(page, store="localStore", baseURL=f"{elsewhere.url}/auth/")
    log_in(page, "rosa")
    assert page.evaluate("url => call(url, { method: 'POST' })", f"{elsewhere.url}/old-login/") == 204
    start(page, store="localStore", baseURL=f"{elsewhere.url}/auth/")  # With a token that says so, too.
    page.evaluate(
        """password => auth.on("step-up", ({ maxAge, waitUntil }) => {
        window.asked = maxAge;
        waitUntil(auth.reauthenticate({ password }));
    })""",
        PASSWORD,
    )
    elsewhere.calls.clear()
    change = """url => call(url, {
        method: "PATCH", body: '{"grade": "B"}', headers: { "Content-Type": "application/json" },
    })"""

    assert page.evaluate(change, f"{elsewhere.url}/office/1/") == 200
    assert page.evaluate("asked") == 300
    assert elsewhere.calls == [("/office/1/", 401), ("/auth/reauthenticate/", 200), ("/office/1/", 200)]

    hidden = "async url => [...(await fetch(url)).headers.keys()].filter((name) => /retry|authenticate/.test(name))"
    assert page.evaluate(hidden, f"{elsewhere.url}/profile/") == []
    faults.set(refresh=["429 for long"])
    error = page.evaluate("() => auth.refresh().catch(({ code, retryAfter }) => [code, retryAfter])")
    assert error == ["rate_limited", 7]
    assert page.evaluate("() => auth.refresh().catch(({ code }) => code)") == "rate_limited"
    assert faults.refreshes == 1
    assert status(page) == "signed-in"


@EVERYWHERE
@pytest.mark.parametrize("store", ["", "localStore"])
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
