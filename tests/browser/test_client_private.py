"""The client where a browser keeps less: in private windows, in frames of other sites; and in one that was closed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext

from . import browsers, faulty, test_other_sites, webkit
from .browsers import EVERYWHERE, Tab, Tabs
from .faulty import Faults, log_in, start, status
from .running import Demo

pytestmark = pytest.mark.browser
demo, faults, port = faulty.demo, faulty.faults, test_other_sites.port


@pytest.fixture
def private(request: pytest.FixtureRequest, demo: Demo) -> Iterator[Tabs[Tab]]:
    """What the drivers open anyway, in Chromium and WebKit; in Firefox it is a setting."""
    if browsers.NAME != "firefox":
        yield request.getfixturevalue("context")
        return
    browser: Browser = request.getfixturevalue("browser")
    launched = browsers.launch(browser.browser_type, {"browser.privatebrowsing.autostart": True})
    yield launched.new_context(base_url=demo.url)
    launched.close()


@EVERYWHERE
def test_a_private_window_is_signed_in_over_a_reload_and_a_second_tab_until_the_logout(
    private: Tabs[Tab], faults: Faults
) -> None:
    page = start(private.new_page())
    log_in(page)
    faults.set()
    assert status(start(page)) == "signed-in"
    assert faults.refreshes == 1
    second = start(private.new_page())
    assert status(second) == "signed-in"
    assert faults.refreshes == 1

    assert second.evaluate("auth.logout()") is True
    page.wait_for_function("auth.state.status === 'signed-out'")
    assert status(start(page)) == "signed-out"


def kept_profile(browser: Browser, folder: Path, demo: Demo, **options: Any) -> BrowserContext:
    """Of an ordinary window, which keeps what it has in a folder."""
    return browser.browser_type.launch_persistent_context(folder, base_url=demo.url, **browsers.options(**options))


def test_a_browser_that_was_closed_and_opened_again_is_signed_in(
    browser: Browser, faults: Faults, demo: Demo, tmp_path: Path
) -> None:
    first = kept_profile(browser, tmp_path, demo)
    log_in(start(first.new_page()))
    first.close()
    faults.set()
    again = kept_profile(browser, tmp_path, demo)
    page = start(again.new_page())
    assert status(page) == "signed-in"
    assert page.evaluate("call()") == 200
    assert faults.refreshes == 1
    again.close()


def embedded(page: Any, demo: Demo, port: int, **options: Any) -> Any:
    """A client in a frame of another site's page, where a browser keeps a stranger's cookies from us, or ours apart."""
    page.goto(f"http://localhost:{port}/")
    page.evaluate(
        """url => new Promise((resolve) => {
            const frame = Object.assign(document.createElement("iframe"), { src: url, onload: resolve });
            document.body.replaceChildren(frame);
        }).then(() => true)""",
        f"{demo.url}/faults/page/",
    )
    frame = page.frame() if isinstance(page, webkit.Page) else page.frames[1]
    frame.evaluate(faulty.START, {"options": {}, **options})
    return frame


@EVERYWHERE
def test_in_a_frame_of_another_site_the_cookie_is_not_kept_and_the_token_lives_its_life(
    context: Tabs[Tab], faults: Faults, demo: Demo, port: int
) -> None:
    frame = embedded(context.new_page(), demo, port, store="")
    log_in(frame)
    assert frame.evaluate("calls(3)") == [200] * 3
    faults.set(spoil=True)
    assert frame.evaluate("calls(3)") == [401] * 3
    assert frame.evaluate("[auth.state.status, auth.state.reason]") == ["signed-out", "invalid_grant"]
    assert faults.refreshes == 1


@EVERYWHERE
def test_in_a_frame_of_another_site_a_store_without_cookies_stays_signed_in(
    context: Tabs[Tab], faults: Faults, demo: Demo, port: int
) -> None:
    page = context.new_page()
    frame = embedded(page, demo, port, store="localStore")
    log_in(frame)
    faults.set(spoil=True)
    assert frame.evaluate("calls(3)") == [200] * 3
    assert faults.refreshes == 1
    frame = embedded(page, demo, port, store="localStore")
    assert status(frame) == "signed-in"
    assert frame.evaluate("auth.logout()") is True
