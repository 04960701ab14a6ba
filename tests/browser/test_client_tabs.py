"""The client in several tabs of one browser: one refresh for all, one logout for all, nobody signed out by accident."""

from __future__ import annotations

import os
import signal
import time

import pytest
from playwright.sync_api import BrowserContext, expect

from . import faulty
from .browsers import EVERYWHERE, Tab, Tabs, processes
from .faulty import Faults, log_in, start, start_tabs, status, together
from .running import PASSWORD, Demo

pytestmark = pytest.mark.browser
demo, faults = faulty.demo, faulty.faults

#: Nobody is signed in, whose session it was, and why; and the server has heard it.
ONLY_THE_LOGOUT_IS_KEPT = "/^[.][^.,]+[.]logout$/.test(Object.values(localStorage).join())"
NO_LOCKS = "Object.defineProperty(Navigator.prototype, 'locks', { value: undefined })"


def six_rounds(context: Tabs[Tab], faults: Faults) -> tuple[list[int], int]:
    """Five tabs, eight calls each, six rounds in which the tokens are refused: the statuses, how many refreshes."""
    tabs = start_tabs(context, 5)
    statuses: list[int] = []
    refreshes = 0
    for _ in range(6):
        faults.set(spoil=True, delay={"/auth/refresh/": 0.1})
        for answers in together(tabs, "calls(8)"):
            statuses += answers
        refreshes += faults.refreshes
    assert [status(tab) for tab in tabs] == ["signed-in"] * 5
    return statuses, refreshes


@EVERYWHERE
def test_five_tabs_with_eight_calls_in_six_rounds_refresh_six_times(context: Tabs[Tab], faults: Faults) -> None:
    statuses, refreshes = six_rounds(context, faults)

    assert statuses == [200] * 240
    assert refreshes == 6


@EVERYWHERE
def test_the_same_without_the_lock_signs_nobody_out(context: Tabs[Tab], faults: Faults) -> None:
    context.add_init_script(NO_LOCKS)
    statuses, refreshes = six_rounds(context, faults)

    assert statuses == [200] * 240
    assert refreshes >= 6


@EVERYWHERE
def test_without_the_servers_grace_the_lock_alone_keeps_everybody_signed_in(context: Tabs[Tab], faults: Faults) -> None:
    tabs = start_tabs(context, 3)
    for _ in range(3):
        faults.set(spoil=True, delay={"/auth/refresh/": 0.1}, lifetimes={"REUSE_GRACE": 1})
        assert together(tabs, "calls(4)", lead=2500) == [[200] * 4] * 3
        assert faults.refreshes == 1


@EVERYWHERE
def test_a_visitor_asks_once_a_reload_once_a_second_tab_beside_a_live_one_for_nothing(
    context: Tabs[Tab], faults: Faults
) -> None:
    page = start(context.new_page())
    assert status(start(page)) == "signed-out"
    assert faults.refreshes == 1

    faults.set()
    log_in(page)
    second = start(context.new_page())
    assert status(second) == "signed-in"
    assert second.evaluate("call()") == 200
    assert faults.refreshes == 0

    second.close()
    start(page)
    assert status(page) == "signed-in"
    assert faults.refreshes == 1


@EVERYWHERE
def test_a_logout_in_one_of_five_tabs_is_one_in_all_within_100_ms(context: Tabs[Tab], faults: Faults) -> None:
    tabs = start_tabs(context, 5)
    faults.set()
    pressed = tabs[2].evaluate("() => { const at = Date.now(); void auth.logout(); return at }")
    for tab in tabs:
        tab.wait_for_function("auth.state.status === 'signed-out'")
    heard = [event for tab in tabs for event in tab.evaluate("heard") if event["name"] == "signed-out"]

    assert [event["reason"] for event in heard] == ["logout"] * 5
    assert max(event["at"] - pressed for event in heard) <= 100
    tabs[0].wait_for_timeout(300)
    assert [tab.evaluate("call()") for tab in tabs] == [401] * 5
    assert faults.refreshes == 0
    assert not context.cookies()


@EVERYWHERE
def test_a_refused_refresh_signs_out_every_tab_once_with_its_reason(
    context: Tabs[Tab], faults: Faults, demo: Demo
) -> None:
    tabs = start_tabs(context, 3)
    (cookie,) = context.cookies()
    demo.post_with(cookie, "/auth/logout/")
    faults.set(spoil=True)

    assert together(tabs, "calls(3)") == [[401] * 3] * 3
    for tab in tabs:
        tab.wait_for_function("auth.state.status === 'signed-out'")
    heard = [event for tab in tabs for event in tab.evaluate("heard") if event["name"] == "signed-out"]
    assert [event["reason"] for event in heard] == ["invalid_grant"] * 3
    assert faults.refreshes == 1


@EVERYWHERE
def test_a_logout_that_the_server_did_not_hear_survives_a_reload_and_ends_the_session_later(
    context: Tabs[Tab], faults: Faults, demo: Demo
) -> None:
    page = start(context.new_page())
    log_in(page)
    (cookie,) = context.cookies()
    faults.set(cut="/auth/")
    assert page.evaluate("auth.logout()") is False
    start(page)
    assert page.evaluate("async () => [auth.state.status, auth.state.reason, await auth.token()]") == [
        "signed-out",
        "logout",
        "",
    ]
    assert context.cookies()

    faults.set()
    start(page)
    page.wait_for_function(ONLY_THE_LOGOUT_IS_KEPT)
    assert demo.post_with(cookie, "/auth/refresh/").json["error"] == "invalid_grant"
    assert not context.cookies()
    assert status(page) == "signed-out"


def test_an_offline_logout_survives_a_reload_and_ends_the_session_when_the_network_is_back(
    context: BrowserContext, faults: Faults, demo: Demo
) -> None:
    page = start(context.new_page())
    log_in(page)
    (cookie,) = context.cookies()
    context.set_offline(True)
    assert page.evaluate("auth.logout()") is False
    assert status(page) == "signed-out"

    # The page itself can be loaded, from a cache as it were; the server's endpoints are still out of reach.
    context.route("**/auth/**", lambda route: route.abort())
    context.set_offline(False)
    with page.expect_event("requestfailed", lambda request: request.url.endswith("/auth/logout/")):
        start(page)
    assert page.evaluate("async () => [auth.state.status, auth.state.reason, await auth.token()]") == [
        "signed-out",
        "logout",
        "",
    ]
    assert context.cookies()
    assert faults.count("POST /auth/logout/") == 0

    context.unroute("**/auth/**")
    context.set_offline(True)
    with page.expect_response("**/auth/logout/"):
        context.set_offline(False)
    refused = demo.post_with(cookie, "/auth/refresh/")
    assert refused.json["error"] == "invalid_grant"
    assert not context.cookies()
    assert page.evaluate(ONLY_THE_LOGOUT_IS_KEPT)


@EVERYWHERE
def test_a_logout_during_a_refresh_is_out_in_every_tab(context: Tabs[Tab], faults: Faults) -> None:
    first, second = start_tabs(context, 2)
    faults.set(delay={"/auth/refresh/": 1.5})
    first.evaluate("() => { window.asked = auth.refresh() }")
    second.evaluate("() => { window.asked = auth.refresh() }")
    first.wait_for_timeout(500)
    second.evaluate("() => { void auth.logout() }")
    assert [tab.evaluate("asked") for tab in (first, second)] == ["", ""]
    first.wait_for_timeout(2500)

    assert [tab.evaluate("async () => auth.state.status + await auth.token()") for tab in (first, second)] == [
        "signed-out"
    ] * 2
    assert first.evaluate("call('/public-data/')") == 200
    assert [asked["call"] for asked in faults.calls].count("POST /auth/logout/") == 1


@EVERYWHERE
def test_a_post_that_waits_is_not_repeated_as_somebody_who_signed_in_meanwhile(
    context: Tabs[Tab], faults: Faults
) -> None:
    first, second = start_tabs(context, 2)
    faults.set(spoil=True, delay={"/faults/echo/": 2})
    first.evaluate("() => { window.posted = call('/faults/echo/', { method: 'POST', body: 'A' }) }")
    log_in(second, "rosa")

    assert first.evaluate("posted") == "session_changed"
    assert first.evaluate("auth.state.user.username") == "rosa"
    assert faults.count("POST /faults/echo/") == 1


@EVERYWHERE
def test_a_browser_that_stood_still_for_longer_than_the_token_lives_recovers_with_one_refresh(
    context: Tabs[Tab], faults: Faults
) -> None:
    faults.set(lifetimes={"ACCESS_TOKEN_LIFETIME": 3})
    tabs = start_tabs(context, 2)
    before = faults.refreshes
    stopped = processes()
    assert stopped
    for process in stopped:
        os.kill(process, signal.SIGSTOP)
    time.sleep(4)
    for process in reversed(stopped):
        os.kill(process, signal.SIGCONT)

    assert together(tabs, "calls(3)") == [[200] * 3] * 2
    assert faults.refreshes == before + 1
    assert not [asked for asked in faults.calls if asked["status"] == 401]


def test_held_down_f5_ends_signed_in(context: BrowserContext, faults: Faults) -> None:
    page = context.new_page()
    page.goto("/")
    page.get_by_label("User name").fill("ada")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password", exact=True).press("Enter")
    expect(page.get_by_role("heading", name="Signed in as ada")).to_be_visible()
    faults.set(delay={"/auth/refresh/": 0.25})
    for _ in range(15):
        page.reload(wait_until="commit")
        page.wait_for_timeout(120)

    expect(page.get_by_role("heading", name="Signed in as ada")).to_be_visible()
    asked = faults.calls
    assert {call["status"] for call in asked if call["call"] == "POST /auth/refresh/"} <= {0, 200}
    page.get_by_role("button", name="My profile").click()
    expect(page.get_by_role("listitem").filter(has_text="My profile").locator(".status")).to_have_text("200")


@pytest.mark.parametrize("store", ["", "localStore"])
def test_a_plain_http_host_has_no_locks_and_works(context: BrowserContext, faults: Faults, store: str) -> None:
    host = faults.demo.url.replace("127.0.0.1", "campus.example")
    page = start(context.new_page(), path=f"{host}/faults/page/", store=store)
    assert page.evaluate("[isSecureContext, 'locks' in navigator]") == [False, False]
    log_in(page)
    other = start(context.new_page(), path=f"{host}/faults/page/", store=store)
    faults.set(spoil=True, delay={"/auth/refresh/": 0.1})

    assert together([page, other], "calls(5)") == [[200] * 5] * 2
    start(page, path=f"{host}/faults/page/", store=store)
    assert page.evaluate("call()") == 200
    assert [tab.evaluate("auth.state.status") for tab in (page, other)] == ["signed-in"] * 2
    assert page.evaluate("auth.logout()") is True
    other.wait_for_function("auth.state.status === 'signed-out'")


@EVERYWHERE
def test_session_store_keeps_a_user_for_each_tab(context: Tabs[Tab], faults: Faults) -> None:
    first, second = (start(context.new_page(), store="sessionStore") for _ in range(2))
    log_in(first, "ada")
    log_in(second, "rosa")
    faults.set(spoil=True)

    assert together([first, second], "calls(3)") == [[200] * 3] * 2
    users = [page.evaluate("auth.state.user.username") for page in (first, second)]
    assert users == ["ada", "rosa"]
    assert first.evaluate("auth.logout()") is True
    assert second.evaluate("call()") == 200
