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


def status(page: Page, name: str) -> Locator:
    return page.get_by_role("listitem").filter(has=page.get_by_role("button", name=name, exact=True)).locator(".status")


@pytest.mark.parametrize("next_user", ["", "alan"], ids=["nobody", "somebody else"])
@pytest.mark.parametrize("url", ["/", "/seed/angularjs/", "/seed/angularjs/ironclad/"])
def test_an_answer_that_comes_after_the_logout_is_not_shown_to_whoever_is_there(
    page: Page, url: str, next_user: str
) -> None:
    held: list[tuple[Route, APIResponse]] = []
    page.route("**/protected-data/", lambda route: held.append((route, route.fetch())), times=1)
    page.goto(url)
    log_in(page, "ada")
    page.get_by_role("button", name="My grades", exact=True).click()
    late = time.monotonic() + 20
    while not held:
        assert time.monotonic() < late
        page.wait_for_timeout(20)
    page.get_by_role("button", name="Log out", exact=True).first.click()
    expect(page.locator("#message")).to_have_text("You are logged out.")
    if next_user:
        log_in(page, next_user)
    ((route, answer),) = held
    assert answer.status == 200
    with page.expect_response("**/protected-data/"):
        route.fulfill(response=answer)
    # A whole call: what came before it, the page has seen to.
    page.get_by_role("button", name="Notices", exact=True).click()
    expect(status(page, "Notices")).to_have_text("200")

    expect(status(page, "My grades")).to_have_text("–")
    expect(page.locator("#answer")).to_contain_text("GET /public-data/ → 200")
