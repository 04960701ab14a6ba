"""The client where a browser keeps less: in private windows, in frames of other sites; and in one that was closed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext

from . import browsers, faulty, test_other_sites, webkit_pages
from .browsers import EVERYWHERE, Tab, Tabs
from .faulty import Faults, log_in, start, start_here, status
from .running import Demo

pytestmark = pytest.mark.browser
demo, faults, port = faulty.demo, faulty.faults, test_other_sites.port

PRIVATE = {"browser.privatebrowsing.autostart": True}


@pytest.fixture
def private(request: pytest.FixtureRequest, demo: Demo) -> Iterator[Tabs[Tab]]:
    """What the drivers open anyway, in Chromium and WebKit; in Firefox it is a setting."""
    if browsers.NAME != "firefox":
        yield request.getfixturevalue("context")
        return
    browser: Browser = request.getfixturevalue("browser")
    launched = browsers.launch(browser.browser_type, PRIVATE)
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


def kept_profile(
    browser: Browser, folder: Path, demo: Demo, preferences: Mapping[str, Any] | None = None
) -> BrowserContext:
    """Of an ordinary window, which keeps what it has in a folder."""
    options = browsers.options(preferences)
    return browser.browser_type.launch_persistent_context(folder, base_url=demo.url, **options)


@pytest.mark.parametrize("private", [False, pytest.param(True, marks=pytest.mark.browsers("firefox"))])
def test_a_browser_that_was_closed_and_opened_again_is_signed_in_unless_it_was_private(
    browser: Browser, faults: Faults, demo: Demo, tmp_path: Path, private: bool
) -> None:
    preferences = PRIVATE if private else {}
    first = kept_profile(browser, tmp_path, demo, preferences)
    log_in(start(first.new_page()))
    first.close()
    faults.set()
    again = kept_profile(browser, tmp_path, demo, preferences)
    page = start(again.new_page())
    assert [status(page), page.evaluate("call()")] == (["signed-out", 401] if private else ["signed-in", 200])
    assert faults.refreshes == 1
    again.close()


def embedded(page: Any, demo: Demo, port: int, store: str) -> Any:
    """A client in a frame of another site's page, where a browser keeps a stranger's cookies from us, or ours apart."""
    page.goto(f"http://localhost:{port}/")
    page.evaluate(
        """url => new Promise((resolve) => {
            const frame = Object.assign(document.createElement("iframe"), { src: url, onload: resolve });
            document.body.replaceChildren(frame);
        }).then(() => true)""",
        f"{demo.url}/faults/page/",
    )
    frame = page.frame() if isinstance(page, webkit_pages.Page) else page.frames[1]
    return start_here(frame, store=store)


@dataclass(frozen=True)
class Surroundings:
    tabs: Tabs[Tab]
    #: Whether a frame of another site may keep something, apart from what that site keeps itself.
    keeps: bool


@pytest.fixture(
    params=[
        "others keep theirs apart",
        pytest.param("others keep nothing", marks=pytest.mark.browsers("chromium", "firefox")),
    ]
)
def surroundings(request: pytest.FixtureRequest, demo: Demo, tmp_path: Path) -> Iterator[Surroundings]:
    """A browser that lets the sites in its frames keep something, or, third-party cookies blocked, nothing."""
    keeps = request.param == "others keep theirs apart"
    if browsers.NAME == "webkit":
        yield Surroundings(request.getfixturevalue("context"), keeps)
        return
    if browsers.NAME == "chromium":
        (tmp_path / "Default").mkdir()
        blocked = {"profile": {"cookie_controls_mode": int(not keeps)}}
        (tmp_path / "Default" / "Preferences").write_text(json.dumps(blocked))
    preferences = {"network.cookie.cookieBehavior": 5 if keeps else 1}
    context = kept_profile(request.getfixturevalue("browser"), tmp_path, demo, preferences)
    yield Surroundings(context, keeps)
    context.close()


@EVERYWHERE
def test_in_a_frame_of_another_site_the_cookie_is_not_kept_and_the_token_lives_its_life(
    surroundings: Surroundings, faults: Faults, demo: Demo, port: int
) -> None:
    frame = embedded(surroundings.tabs.new_page(), demo, port, store="")
    log_in(frame)
    assert frame.evaluate("calls(3)") == [200] * 3
    faults.set(spoil=True)
    assert frame.evaluate("calls(3)") == [401] * 3
    assert frame.evaluate("[auth.state.status, auth.state.reason]") == ["signed-out", "invalid_grant"]
    assert faults.refreshes == 1


@EVERYWHERE
def test_in_a_frame_of_another_site_a_store_without_cookies_lasts_as_the_browser_lets_it(
    surroundings: Surroundings, faults: Faults, demo: Demo, port: int
) -> None:
    page = surroundings.tabs.new_page()
    frame = embedded(page, demo, port, store="localStore")
    assert frame.evaluate("() => { try { return !!localStorage } catch { return false } }") == surroundings.keeps
    log_in(frame)
    faults.set(spoil=True)
    assert frame.evaluate("calls(3)") == [200] * 3
    assert faults.refreshes == 1
    frame = embedded(page, demo, port, store="localStore")
    assert status(frame) == ("signed-in" if surroundings.keeps else "signed-out")
    assert frame.evaluate("auth.logout()") is True
