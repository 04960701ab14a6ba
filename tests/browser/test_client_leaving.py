"""The client in a page that is left, kept by the browser, come back to, frozen, or that finds everything gone."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext

from . import browsers, faulty
from .browsers import EVERYWHERE, Tab, Tabs
from .faulty import Faults, log_in, start, start_here, start_tabs, status
from .running import PASSWORD, Demo

pytestmark = pytest.mark.browser
demo, faults = faulty.demo, faulty.faults

ROUNDS = 100 if browsers.STRESS else 4
LOGIN = "/auth/login/"
BEGIN = f"auth.login({{ username: 'ada', password: '{PASSWORD}' }})"


@pytest.fixture
def keeping(request: pytest.FixtureRequest, demo: Demo) -> Iterator[Tabs[Tab]]:
    """A browser that keeps the pages that were left, as all of them do."""
    if browsers.NAME != "chromium":
        yield request.getfixturevalue("context")
        return
    # Playwright switches that cache off.
    browser: Browser = request.getfixturevalue("browser")
    launched = browser.browser_type.launch(
        executable_path=browsers.chromium(),
        args=browsers.FLAGS,
        ignore_default_args=["--disable-back-forward-cache"],
    )
    yield launched.new_context(base_url=demo.url)
    launched.close()


@EVERYWHERE
def test_a_page_that_comes_back_from_the_browsers_cache_looks_who_is_signed_in(
    keeping: Tabs[Tab], faults: Faults
) -> None:
    # A message would have Chromium throw the kept page away; not every browser and page has that luck.
    keeping.add_init_script("if (location.search) delete window.BroadcastChannel")
    page = start(keeping.new_page())
    log_in(page)
    page.evaluate(
        "() => { window.kept = true; addEventListener('pageshow', (event) => { window.back = event.persisted; }); }"
    )
    # Nor does it keep a page that holds a lock, as ours does for a moment after a login.
    page.wait_for_function("async () => !(await navigator.locks.query()).held.length")
    start(page, path="/faults/page/?elsewhere")
    assert page.evaluate("auth.logout()") is True
    page.evaluate("() => { setTimeout(() => history.back()) }")
    page.wait_for_function("window.kept && auth.state.status === 'signed-out'")
    assert page.evaluate("[window.kept, window.back]") == [True, True]
    assert page.evaluate("[auth.state.reason, auth.state.user]") == ["logout", None]
    assert page.evaluate("call()") == 401


@EVERYWHERE
def test_a_page_that_is_reloaded_during_a_login_sends_it_once(context: Tabs[Tab], faults: Faults) -> None:
    page = context.new_page()
    for _ in range(ROUNDS):
        start(page)
        faults.set(delay={LOGIN: 0.3})
        page.evaluate(f"() => {{ {BEGIN}.catch(() => {{}}) }}")
        faults.wait_for(f"POST {LOGIN}")
        start(page)
        # By now a second one would have been sent, too: it queues for the same lock.
        assert page.evaluate("auth.refresh().then(() => 'done')") == "done"
        assert faults.count(f"POST {LOGIN}") == 1
        page.evaluate("auth.logout()")


@EVERYWHERE
def test_a_page_that_is_reloaded_right_after_a_login_is_signed_in_by_that_one(
    context: Tabs[Tab], faults: Faults
) -> None:
    page = context.new_page()
    for _ in range(ROUNDS):
        start(page)
        faults.set()
        # Within the moment for which the page still holds its lock.
        page.evaluate(f"() => {{ window.left = true; {BEGIN}.then(() => location.reload()) }}")
        page.wait_for_function("!window.left")
        assert status(start_here(page)) == "signed-in"
        assert page.evaluate("call()") == 200
        assert faults.count(f"POST {LOGIN}") == 1
        page.evaluate("auth.logout()")


@EVERYWHERE
@pytest.mark.parametrize("left", ["during", "after"])
def test_a_page_left_at_a_login_and_come_back_to_after_a_logout_is_signed_out(
    keeping: Tabs[Tab], faults: Faults, left: str
) -> None:
    page = keeping.new_page()
    for _ in range(ROUNDS):
        start(page)
        if left == "during":
            faults.set(delay={LOGIN: 0.3})
            page.evaluate(f"() => {{ {BEGIN}.catch(() => {{}}) }}")
            faults.wait_for(f"POST {LOGIN}")
            page.goto("/faults/page/?elsewhere")
        else:
            faults.set()
            page.evaluate(f"() => {{ {BEGIN}.then(() => location.assign('?elsewhere')) }}")
            page.wait_for_function("location.search")
        start_here(page)
        assert page.evaluate("auth.logout()") is True
        page.evaluate("() => { setTimeout(() => history.back()) }")
        page.wait_for_function("!location.search")
        # Kept by the browser, or loaded anew.
        if not page.evaluate("'auth' in window"):
            start(page)
        page.wait_for_function("auth.state.status === 'signed-out'")
        assert page.evaluate("call()") == 401
        assert status(page) == "signed-out"
        assert faults.count(f"POST {LOGIN}") == 1


@pytest.mark.browsers("chromium")
def test_a_frozen_tab_holds_nobody_up_and_is_told_when_it_wakes(context: BrowserContext, faults: Faults) -> None:
    frozen, other = start_tabs(context, 2)
    devtools = context.new_cdp_session(frozen)
    faults.set(delay={"/auth/refresh/": 1})
    frozen.evaluate("() => { void auth.refresh() }")
    other.wait_for_function("async () => (await navigator.locks.query()).held.length")
    devtools.send("Page.setWebLifecycleState", {"state": "frozen"})
    faults.set(spoil=True)
    assert other.evaluate("calls(3)") == [200] * 3
    assert other.evaluate("auth.logout()") is True
    devtools.send("Page.setWebLifecycleState", {"state": "active"})

    frozen.wait_for_function("auth.state.status === 'signed-out'")
    assert frozen.evaluate("call()") == 401


@pytest.mark.browsers("webkit")
def test_a_tab_whose_process_stands_still_holds_nobody_up_and_is_told_when_it_goes_on(
    context: Tabs[Tab], faults: Faults
) -> None:
    (other,) = start_tabs(context, 1)
    before = browsers.processes()
    frozen = context.new_page()
    (process,) = set(browsers.processes()) - set(before)
    start(frozen)
    faults.set(delay={"/auth/refresh/": 1})
    frozen.evaluate("() => { void auth.refresh() }")
    other.wait_for_function("async () => (await navigator.locks.query()).held.length")
    os.kill(process, signal.SIGSTOP)
    faults.set(spoil=True)
    assert other.evaluate("calls(3)") == [200] * 3
    assert other.evaluate("auth.logout()") is True
    os.kill(process, signal.SIGCONT)

    frozen.wait_for_function("auth.state.status === 'signed-out'")
    assert frozen.evaluate("call()") == 401
