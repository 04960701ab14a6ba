"""An answer that was asked for by somebody who has left meanwhile: the pages show it to nobody."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import APIResponse, Locator, Page, Route, expect

from .running import PASSWORD

pytestmark = pytest.mark.browser


def log_in(page: Page, username: str) -> None:
    page.get_by_label("User name").fill(username)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password", exact=True).press("Enter")
    expect(page.get_by_role("heading", name=f"Signed in as {username}")).to_be_visible()


def log_out(page: Page) -> None:
    page.get_by_role("button", name="Log out", exact=True).first.click()
    expect(page.locator("#message")).to_have_text("You are logged out.")


class Held:
    """The first answer for a path, which the server has given and the page has not got."""

    def __init__(self, page: Page, path: str) -> None:
        self.page, self.path = page, path
        self.answers: list[tuple[Route, APIResponse]] = []
        page.route(f"**{path}", lambda route: self.answers.append((route, route.fetch())), times=1)

    def wait(self) -> None:
        late = time.monotonic() + 20
        while not self.answers:
            assert time.monotonic() < late
            self.page.wait_for_timeout(20)

    def let_go(self) -> None:
        ((route, answer),) = self.answers
        assert answer.status == 200
        with self.page.expect_response(f"**{self.path}"):
            route.fulfill(response=answer)


def status(page: Page, name: str) -> Locator:
    return page.get_by_role("listitem").filter(has=page.get_by_role("button", name=name, exact=True)).locator(".status")


def read_the_notices(page: Page) -> None:
    """A whole call: what came before it, the page has seen to."""
    page.get_by_role("button", name="Notices", exact=True).click()
    expect(status(page, "Notices")).to_have_text("200")


@pytest.mark.parametrize("next_user", ["", "alan"], ids=["nobody", "somebody else"])
@pytest.mark.parametrize("url", ["/", "/seed/angularjs/", "/seed/angularjs/ironclad/"])
def test_an_answer_that_comes_after_the_logout_is_not_shown_to_whoever_is_there(
    page: Page, url: str, next_user: str
) -> None:
    page.goto(url)
    log_in(page, "ada")
    held = Held(page, "/protected-data/")
    page.get_by_role("button", name="My grades", exact=True).click()
    held.wait()
    log_out(page)
    if next_user:
        log_in(page, next_user)
    held.let_go()
    read_the_notices(page)

    expect(status(page, "My grades")).to_have_text("–")
    expect(page.locator("#answer")).to_contain_text("GET /public-data/ → 200")
