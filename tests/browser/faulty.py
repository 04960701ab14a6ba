"""The demo with its fault switches on, and pages in which nothing but the client runs."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest

from .browsers import Tab, Tabs
from .running import PASSWORD, Demo, demo_environment, running

P = TypeVar("P", bound=Tab)

#: Puts `auth`, a client, into the page, with notes of what it says.
START = """async ({ options, store, devices }) => {
    const client = await import("/static/django_ironclad/ironclad.js");
    window.auth = client.createAuth(store ? { ...options, store: client[store]() } : options);
    window.heard = [];
    for (const name of ["signed-in", "signed-out", "refreshed", "degraded", "replayed"]) {
        auth.on(name, (detail) => heard.push({ name, at: Date.now(), ...detail }));
    }
    // The answer's status, or the code of the AuthError.
    window.call = (path = "/profile/", init) => auth.fetch(path, init).then(
        (response) => response.text().then(() => response.status),
        (error) => error.code,
    );
    window.calls = (count, path) => Promise.all(Array.from({ length: count }, () => call(path)));
    await auth.ready;
}"""


@contextmanager
def faulty_demo(data: Path) -> Iterator[Demo]:
    with running(data, env=demo_environment(data) | {"DJANGO_SETTINGS_MODULE": "campus.settings_faults"}) as demo:
        yield demo


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """For `demo = faulty.demo` in a module: there it stands for the demo without faults."""
    with faulty_demo(tmp_path_factory.mktemp("faulty") / "data") as demo:
        yield demo


@dataclass(frozen=True)
class Faults:
    demo: Demo

    def set(self, **switches: Any) -> None:
        """These switches and no others; what was asked so far is forgotten."""
        assert self.demo.call("POST", "/faults/", switches).status == 200

    @property
    def calls(self) -> list[dict[str, Any]]:
        """What was asked since, in order."""
        return list(self.demo.call("GET", "/faults/").json["calls"])

    def count(self, call: str) -> int:
        return Counter(asked["call"] for asked in self.calls)[call]

    def wait_for(self, call: str) -> None:
        """Until it is asked."""
        deadline = time.monotonic() + 60
        while not self.count(call):
            assert time.monotonic() < deadline, self.calls
            time.sleep(0.01)

    @property
    def refreshes(self) -> int:
        return self.count("POST /auth/refresh/")


@pytest.fixture
def faults(demo: Demo) -> Iterator[Faults]:
    faults = Faults(demo)
    faults.set()
    yield faults
    faults.set()


def start(page: P, *, path: str = "/faults/page/", store: str = "", **options: Any) -> P:
    """A page with a client that is ready."""
    page.goto(path)
    return start_here(page, store=store, **options)


def start_here(page: P, *, store: str = "", **options: Any) -> P:
    page.evaluate(START, {"options": options, "store": store})
    return page


def start_tabs(context: Tabs[P], count: int, **options: Any) -> list[P]:
    """Pages in which ada is signed in: the first by her password, the others by what it tells them."""
    first = start(context.new_page(), **options)
    log_in(first)
    return [first, *(start(context.new_page(), **options) for _ in range(count - 1))]


def log_in(page: Tab, username: str = "ada") -> None:
    credentials = {"username": username, "password": PASSWORD}
    assert page.evaluate("credentials => auth.login(credentials)", credentials)["username"] == username


def status(page: Tab) -> str:
    return str(page.evaluate("auth.state.status"))


def together(pages: Sequence[Tab], expression: str, *, lead: int = 700) -> list[Any]:
    """What the expression comes to in each page, begun in all of them at the same moment."""
    moment = pages[0].evaluate("Date.now()") + lead
    wait = "new Promise((go) => setTimeout(go, moment - Date.now()))"
    begin = f"moment => {{ window.begun = {wait}.then(() => {expression}) }}"
    for page in pages:
        page.evaluate(begin, moment)
    return [page.evaluate("begun") for page in pages]
