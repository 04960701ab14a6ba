"""A demo that runs in a process of its own, as `scripts/demo` starts it, and a way to talk to it without a browser."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).parents[2]
MANAGE = (sys.executable, str(ROOT / "demo" / "manage.py"))
PASSWORD = "open-sesame-42"
#: Of the tests' own project, or of whoever runs them; the demo is to start as on a newcomer's machine.
FOREIGN = ("DATABASE_URL", "DEMO_DATA", "DJANGO_SETTINGS_MODULE", "SECRET_KEY", "SECRET_KEY_FALLBACKS", "ALLOWED_HOSTS")

#: The demo's words, those of Django's `runserver`, and those of Vite and Angular.
READY = re.compile(r"^(?:Ready at|Starting development server at|  ➜  Local: ) +(https?://[\w.:]+)/?\n", re.MULTILINE)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


@dataclass(frozen=True)
class Demo:
    url: str
    data: Path
    process: subprocess.Popen[bytes]
    #: What it wrote, on both streams.
    output: Path

    def call(self, method: str, path: str, body: Any = None, *, token: str = "", **headers: str) -> Answer:
        """One request on a connection of its own; `body` leaves as JSON."""
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if token:
            headers["Authorization"] = f"Bearer {token}"
        with closing(http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=20)) as connection:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read().decode())

    def post_with(self, cookie: Mapping[str, Any], path: str) -> Answer:
        """What the browser with this refresh cookie would send: its token counts in the cookie only."""
        return self.call("POST", path, {}, Cookie=f"{cookie['name']}={cookie['value']}", Origin=self.url)

    def login(self, username: str, password: str = PASSWORD) -> dict[str, Any]:
        answer = self.call("POST", "/auth/login/", {"username": username, "password": password})
        assert answer.status == 200, answer.text
        return dict(answer.json)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end; its exit status."""
        self.process.send_signal(number)
        return self.process.wait(timeout=20)


def environment(**more: str) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in FOREIGN} | more


def demo_environment(data: Path) -> dict[str, str]:
    return environment(DEMO_DATA=str(data), DJANGO_SETTINGS_MODULE="campus.settings_demo")


@contextmanager
def running(data: Path, command: Sequence[str] = (*MANAGE, "demo", "--port", "0"), **options: Any) -> Iterator[Demo]:
    """A demo on a free port, ready; it is stopped at the end, if it still runs."""
    output = data.with_suffix(".out")
    with output.open("wb") as file:
        options.setdefault("env", demo_environment(data))
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, **options)
    try:
        yield Demo(_wait_until_ready(process, output), data, process, output)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(timeout=20)


def _wait_until_ready(process: subprocess.Popen[bytes], output: Path) -> str:
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        ended = process.poll() is not None
        if ready := READY.search(output.read_text()):
            return ready[1]
        assert not ended, f"the demo ended: {output.read_text()}"
        time.sleep(0.05)
    raise AssertionError(f"not ready within three minutes: {output.read_text()}")
