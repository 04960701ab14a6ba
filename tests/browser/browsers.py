"""The browser of a run, `BROWSER=chromium`, `firefox` or `webkit`, and what a scenario for all of them may ask of it.

Chromium and Firefox are driven by Playwright, WebKit by `webkit.py`.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeVar

import psutil
import pytest
from playwright.sync_api import Browser, BrowserType

ALL = {"chromium": "Chromium", "firefox": "Firefox", "webkit": "WebKitGTK"}
NAME = os.environ.get("BROWSER", "chromium")
#: How the names of their first processes begin.
COMMANDS = ("chrom", "firefox", "MiniBrowser")
#: A test of this kind asks its browser for no more than `Tabs` and `Tab` have.
EVERYWHERE = pytest.mark.browsers(*ALL)
STRESS = bool(os.environ.get("STRESS"))
#: Hosts that are this machine: those of campus.example are no secure context, http, and not localhost.
HOSTS = ("campus.example", "*.campus.example", "*.example.test", "*.elsewhere.test")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=" + ", ".join(f"MAP {host} 127.0.0.1" for host in HOSTS),
]
#: In Firefox, every host is this machine.
PREFERENCES: dict[str, bool | float | str] = {"network.dns.native-is-localhost": True}
#: What a browser itself says about answers that a page expects; anything else in the console is a fault of the page.
EXPECTED = re.compile(
    r"Failed to load resource: (the server responded with a status of (400|401|403|429|502|503) "
    r"|net::ERR_(FAILED|EMPTY_RESPONSE|INTERNET_DISCONNECTED))"
    r"|Access to (fetch|XMLHttpRequest) at 'http://localhost:.* has been blocked by CORS policy"
    r"|The Same Origin Policy disallows reading the remote resource at\shttp://localhost:"
    r"|Firefox can’t establish a connection to the server at ws://"
    r"|Cookie “ironclad_refresh_token” has been rejected because it is in a cross-site context"
    r"|WebSocket connection to '.*' failed: (HTTP Authentication failed|Error during .*: Unexpected response code: 403)"
)


class Tab(Protocol):
    """A page, as Playwright's is one."""

    @property
    def context(self) -> Tabs[Tab]: ...
    def goto(self, url: str) -> object: ...
    def go_back(self) -> object: ...
    def evaluate(self, expression: str, arg: Any = None) -> Any: ...
    def wait_for_function(self, expression: str) -> object: ...
    def wait_for_timeout(self, timeout: float) -> None: ...
    def close(self) -> None: ...


P_co = TypeVar("P_co", covariant=True)


class Tabs(Protocol[P_co]):
    """The pages that share their cookies and their storage; Playwright's BrowserContext is one."""

    def new_page(self) -> P_co: ...
    def add_init_script(self, script: str) -> object: ...
    def cookies(self) -> Sequence[Mapping[str, Any]]: ...


def processes() -> list[int]:
    """Of the browsers that this very process has started, parents first."""
    named = [each for each in psutil.Process().children(recursive=True) if each.name().startswith(COMMANDS)]
    # Most of its helpers have names of their own.
    helpers = [helper for each in named for helper in each.children(recursive=True)]
    return list(dict.fromkeys(each.pid for each in (*named, *helpers)))


def chromium() -> str | None:
    """The one that is installed; else Playwright's own."""
    return _installed("CHROMIUM", "chromium", "chromium-browser", "google-chrome")


def firefox() -> str | None:
    return _installed("FIREFOX", "firefox-esr", "firefox")


def _installed(variable: str, *names: str) -> str | None:
    return os.environ.get(variable) or next(filter(None, map(shutil.which, names)), None)


def launch(kind: BrowserType, preferences: Mapping[str, Any] | None = None) -> Browser:
    return kind.launch(**options(preferences))


def options(preferences: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What it is launched with; the preferences are of Firefox."""
    if NAME == "firefox":
        # The one way to drive a Firefox as it ships, without Playwright's patches: WebDriver BiDi.
        settings = {**PREFERENCES, **(preferences or {})}
        return {"channel": "moz-firefox", "executable_path": firefox(), "firefox_user_prefs": settings}
    return {"executable_path": chromium(), "args": FLAGS}


def some(cases: Mapping[str, Any], *often: str) -> list[Any]:
    """The names of `cases` as parameters: but for those of `often`, for a longer run."""
    return [name if name in often else pytest.param(name, marks=pytest.mark.large) for name in cases]
