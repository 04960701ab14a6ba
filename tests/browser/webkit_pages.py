"""The pages of a WebKit, as much like Playwright's as the scenarios of all browsers need."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin

from .webkit import PATIENCE, Driver, PageError

ENTER = "\ue007"
#: What an expression, or the function that it is, comes to; or what it threw. No `eval`: a page's policy may forbid it.
#: No names that a page could have, too.
EVALUATE = """const $arguments = arguments;
const $told = async () => {
    const $value = (%s);
    return JSON.stringify(await (typeof $value === "function" ? $value($arguments[0]) : $value));
};
$told().then((value) => $arguments[1]({ value }), (error) => $arguments[1]({ error: String(error) }));"""


@dataclass
class Profile:
    """A browser with nothing in it, which keeps nothing: what a private window is."""

    driver: Driver
    base_url: str
    path: str = field(init=False)
    pages: list[Page] = field(init=False, default_factory=list)
    scripts: list[str] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self.path, _ = self.driver.open()

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
