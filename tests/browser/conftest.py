"""One running demo for all of these tests, and a browser in front of it; Django's ORM stays out of this process."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, expect, sync_playwright

from ..recording import Platform
from . import browsers, webkit, webkit_pages
from .browsers import Tab, Tabs
from .running import PASSWORD, Demo, running

expect.set_options(timeout=15_000)  # of a machine with other things to do
#: The beginning of an access token, or a refresh token.
TOKEN = re.compile(rb"eyJ[\w-]+\.eyJ|[0-9a-f]{12}\.\d+\.\d+\.[\w-]{20}")


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """Running from the first test to the last; what all of them did left no token, password or key behind."""
    with running(tmp_path_factory.mktemp("demo") / "data") as demo:
        yield demo
    secret_key = (demo.data / "secret_key").read_bytes()
    for file in demo.data.iterdir():
        if file.name != "secret_key":
            content = file.read_bytes()
            assert not TOKEN.search(content), file
            assert PASSWORD.encode() not in content, file
            assert secret_key not in content, file


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out what this run's browser, or its driver, has no way to do, and what is for a longer run."""
    left_out = [item for item in items if item.get_closest_marker("browser") and not _fits(item)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def _fits(item: pytest.Item) -> bool:
    if item.get_closest_marker("large") and not browsers.STRESS:
        return False
    markers = list(item.iter_markers("browsers"))
    return all(browsers.NAME in marker.args for marker in markers) if markers else browsers.NAME != "webkit"


# A module is as long as Playwright may live: its event loop makes the ORM of other tests in this thread refuse to work.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser | webkit.Driver]:
    if browsers.NAME == "webkit":
        with webkit.driver() as driver:
            yield driver
        return
    with sync_playwright() as playwright:
        browser = browsers.launch(getattr(playwright, browsers.NAME))
        yield browser
        browser.close()


@pytest.fixture(autouse=True)
def recorded(request: pytest.FixtureRequest, record_property: Callable[[str, object], None]) -> None:
    """What passes in which browser."""
    if "browser" in request.fixturenames:
        version = request.getfixturevalue("browser").version
        record_property("platform", Platform("Browsers", browsers.ALL[browsers.NAME], version))


@pytest.fixture
def context(browser: Browser | webkit.Driver, demo: Demo) -> Iterator[BrowserContext | webkit_pages.Profile]:
    """A browser of somebody's own."""
    webkits = isinstance(browser, webkit.Driver)
    with webkit_pages.profile(browser, demo.url) if webkits else attentive(browser, demo) as own:
        yield own


@contextmanager
def attentive(browser: Browser, demo: Demo) -> Iterator[BrowserContext]:
    """At the end, its pages must have met no error that they did not handle."""
    complaints: list[str] = []

    def hear(text: str) -> None:
        if not browsers.EXPECTED.match(text):
            complaints.append(text)

    def listen(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            hear(message.text)

    context = browser.new_context(base_url=demo.url, locale="en-GB")
    context.set_default_timeout(20_000)
    context.on("console", listen)
    context.on("weberror", lambda error: hear(str(error.error)))
    yield context
    context.close()
    assert not complaints


@pytest.fixture
def page(context: Tabs[Tab]) -> Tab:
    return context.new_page()
