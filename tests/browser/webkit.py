"""WebKit on a screen of its own, and its driver, which speaks the protocol of the W3C.

https://www.w3.org/TR/webdriver2/. Debian's `webkit2gtk-driver` brings the driver and a browser, `xvfb` the screen.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

LIBRARIES = Path("/usr/lib")
#: Seconds in which a page has come to what is waited for.
PATIENCE = 60


class PageError(Exception):
    """What a script of the page threw, or the driver's word that it could not be asked."""


def browser() -> str:
    """WebKit's own small browser, which its driver starts: the newest."""
    return max(map(str, LIBRARIES.glob("*/webkit2gtk-*/MiniBrowser")), default="")


@dataclass(frozen=True)
class Driver:
    port: int
    #: What the browsers are processes of.
    process: subprocess.Popen[bytes]

    @cached_property
    def version(self) -> str:
        path, told = self.open()
        self.ask("DELETE", path)
        return str(told["browserVersion"])

    def open(self) -> tuple[str, dict[str, Any]]:
        """A browser with nothing in it: where it is asked, and what it can."""
        options = {"binary": browser(), "args": ["--automation"]}
        wanted = {"alwaysMatch": {"webkitgtk:browserOptions": options, "timeouts": {"script": 60_000}}}
        told = self.ask("POST", "/session", {"capabilities": wanted})
        return f"/session/{told['sessionId']}", told["capabilities"]

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
