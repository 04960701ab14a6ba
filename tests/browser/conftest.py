"""One running demo for all of these tests, and Chromium in front of it; Django's ORM stays out of this process."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from .running import PASSWORD, Demo, running

#: Hosts that are this machine: those of campus.example are no secure context, http, and not localhost.
NAMES = ("campus.example", "*.campus.example", "*.example.test", "*.elsewhere.test")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=" + ", ".join(f"MAP {host} 127.0.0.1" for host in NAMES),
]
expect.set_options(timeout=15_000)  # of a machine with other things to do
#: What Chromium itself says about answers that a page expects; anything else in the console is a fault of the page.
EXPECTED = re.compile(
    r"Failed to load resource: (the server responded with a status of (400|401|403|429|502|503) "
    r"|net::ERR_(FAILED|EMPTY_RESPONSE|INTERNET_DISCONNECTED))"
    r"|Access to (fetch|XMLHttpRequest) at 'http://localhost:.* has been blocked by CORS policy"
    r"|WebSocket connection to '.*' failed: (HTTP Authentication failed|Error during .*: Unexpected response code: 403)"
)
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


def chromium() -> str | None:
    """The one that is installed; else Playwright's own."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)


# A module is as long as Playwright may live: its event loop makes the ORM of other tests in this thread refuse to work.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser, demo: Demo) -> Iterator[BrowserContext]:
    """A browser of somebody's own; at the end, its pages must have met no error that they did not handle."""
    complaints: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not EXPECTED.match(message.text):
            complaints.append(message.text)

    context = browser.new_context(base_url=demo.url, locale="en-GB")
    context.set_default_timeout(20_000)
    context.on("console", listen)
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    yield context
    context.close()
    assert not complaints


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()
