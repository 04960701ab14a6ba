"""WebKit, by the protocol of the W3C that its own driver speaks: as much of it as the scenarios of all browsers need.

https://www.w3.org/TR/webdriver2/. Debian's `webkit2gtk-driver` brings the driver and a browser, `xvfb` the screen.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

LIBRARIES = Path("/usr/lib")
ENTER = "\ue007"
#: Seconds in which a page has come to what is waited for.
PATIENCE = 60
#: What an expression, or the function that it is, comes to; or what it threw. No `eval`: a page's policy may forbid it.
EVALUATE = """const [given, done] = arguments;
const told = async () => {
    const value = (%s);
    return JSON.stringify(await (typeof value === "function" ? value(given) : value));
};
told().then((value) => done({ value }), (error) => done({ error: String(error) }));"""


class PageError(Exception):
    """What a script of the page threw, or the driver's word that it could not be asked."""


def why_missing() -> str:
    """What of it is not installed; empty where all is."""
    missing = [name for name in ("WebKitWebDriver", "Xvfb") if not shutil.which(name)]
    return ", ".join(missing if browser() else [*missing, "MiniBrowser"])


def browser() -> str:
    """WebKit's own small browser, which its driver starts: the newest."""
    return max(map(str, LIBRARIES.glob("*/webkit2gtk-*/MiniBrowser")), default="")


@dataclass(frozen=True)
class Driver:
    port: int
    #: What the browsers are processes of.
    process: subprocess.Popen[bytes]

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
            connection.request(method, path, json.dumps(body or {}) if method == "POST" else None)
            value = json.loads(connection.getresponse().read())["value"]
        if isinstance(value, dict) and "error" in value:
            raise PageError(f"{value['error']}: {value.get('message')}")
        return value


@contextmanager
def driver() -> Iterator[Driver]:
    """On a screen of its own."""
    reads, writes = os.pipe()
    screen = subprocess.Popen(["Xvfb", "-displayfd", str(writes), "-nolisten", "tcp"], pass_fds=[writes], stderr=-3)
    os.close(writes)
    with open(reads) as told, socket.socket() as free:
        environment = os.environ | {"DISPLAY": f":{told.readline().strip()}"}
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(["WebKitWebDriver", f"--port={port}"], env=environment, stdout=-3, stderr=-3)
    try:
        _wait_for(port)
        yield Driver(port, process)
    finally:
        for each in (process, screen):
            each.terminate()
            each.wait(timeout=20)


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            assert time.monotonic() < deadline, "WebKitWebDriver does not listen"
            time.sleep(0.02)
        else:
            return


@dataclass
class Profile:
    """A browser with nothing in it, which keeps nothing: what a private window is."""

    driver: Driver
    base_url: str
    path: str = field(init=False)
    pages: list[Page] = field(init=False, default_factory=list)
    scripts: list[str] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        options = {"binary": browser(), "args": ["--automation"]}
        wanted = {"alwaysMatch": {"webkitgtk:browserOptions": options, "timeouts": {"script": 60_000}}}
        self.path = f"/session/{self.driver.ask('POST', '/session', {'capabilities': wanted})['sessionId']}"

    def new_page(self) -> Page:
        if self.pages:
            handle = self.driver.ask("POST", f"{self.path}/window/new", {"type": "window"})["handle"]
        else:
            handle = self.driver.ask("GET", f"{self.path}/window")
        self.pages.append(Page(self, handle))
        return self.pages[-1]

    def add_init_script(self, script: str) -> None:
        """For pages in which nothing runs by itself: it comes after what does."""
        self.scripts.append(script)

    def cookies(self) -> list[dict[str, Any]]:
        """Those of the first page's address, unseen by its scripts or not."""
        return list(self.pages[0].ask("GET", "cookie"))

    def close(self) -> None:
        self.driver.ask("DELETE", self.path)


@contextmanager
def profile(driver: Driver, base_url: str) -> Iterator[Profile]:
    made = Profile(driver, base_url)
    try:
        yield made
    finally:
        made.close()


@dataclass(frozen=True)
class Page:
    context: Profile
    handle: str

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        ask, session = self.context.driver.ask, self.context.path
        ask("POST", f"{session}/window", {"handle": self.handle})
        return ask(method, f"{session}/{path}", body)

    def goto(self, url: str) -> None:
        self.ask("POST", "url", {"url": urljoin(self.context.base_url, url)})
        for script in self.context.scripts:
            self.evaluate(f"() => {{ {script} }}")

    def reload(self) -> None:
        self.ask("POST", "refresh")

    def go_back(self) -> None:
        self.ask("POST", "back")

    def evaluate(self, expression: str, arg: Any = None) -> Any:
        told = self.ask("POST", "execute/async", {"script": EVALUATE.replace("%s", expression, 1), "args": [arg]})
        if "error" in told:
            raise PageError(told["error"])
        return json.loads(told.get("value") or "null")

    def wait_for_function(self, expression: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not self.evaluate(expression):
            assert time.monotonic() < deadline, expression
            time.sleep(0.02)

    def wait_for_timeout(self, timeout: float) -> None:
        time.sleep(timeout / 1000)

    def close(self) -> None:
        self.ask("DELETE", "window")
        self.context.pages.remove(self)

    def frame(self) -> Page:
        """The first one that is in it."""
        return Frame(self.context, self.handle)

    # As a person does: where it is seen, with the mouse and the keys.
    def find(self, selector: str) -> str:
        (element,) = self.ask("POST", "element", {"using": "css selector", "value": selector}).values()
        return str(element)

    def click(self, selector: str) -> None:
        self.ask("POST", f"element/{self.find(selector)}/click")

    def fill(self, selector: str, text: str) -> None:
        """In place of what stood there."""
        element = f"element/{self.find(selector)}"
        self.ask("POST", f"{element}/clear")
        self.ask("POST", f"{element}/value", {"text": text})


class Frame(Page):
    def ask(self, method: str, path: str, body: Any = None) -> Any:
        super().ask("POST", "frame", {"id": 0})
        return self.context.driver.ask(method, f"{self.context.path}/{path}", body)
