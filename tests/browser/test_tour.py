"""The whole tour of the page `/` in one go: from a wrong password to the logout, by way of all that can be broken."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from .running import PASSWORD

pytestmark = pytest.mark.browser


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def expect_story(page: Page, title: str, *steps: str) -> Locator:
    """The newest story is this one, its steps are these, and each has its milliseconds."""
    story = page.locator(".stories > li").first
    expect(story.locator(".head b")).to_have_text(title)
    lines = story.locator(".steps > li")
    expect(lines).to_have_text([re.compile(rf"^{step}.*\d ms$", re.DOTALL) for step in steps])
    return story


def expect_answer(page: Page, name: str, status: str, why: str = "") -> None:
    press(page, name)
    line = page.get_by_role("listitem").filter(has=page.get_by_role("button", name=name, exact=True))
    expect(line.locator(".status")).to_have_text(status)
    if why:
        expect(page.locator("#why")).to_contain_text(why)
    else:
        expect(page.locator("#why")).to_be_hidden()


def expect_settled(page: Page) -> None:
    """Somebody is signed in, and all that the page asks of itself then is answered."""
    expect(page.locator("#me")).to_contain_text("Ada Lovelace")
    expect(page.locator("#devices li")).not_to_have_count(0)


def test_the_whole_tour(page: Page, context: BrowserContext) -> None:  # noqa: PLR0915 - it is one tour
    page.goto("/")
    message = page.locator("#message")

    # Somebody who is nobody: the notices, and a 401 that says so.
    expect_answer(page, "Notices", "200")
    expect_answer(page, "My grades", "401", "no token came")

    # A wrong password, in the server's own words; then the right one.
    page.get_by_label("User name").fill("ada")
    page.get_by_label("Password", exact=True).fill("open-sesame-43")
    press(page, "Log in")
    expect(page.get_by_role("alert")).to_have_text(
        "401 invalid_credentials: No active account was found with these credentials."
    )
    expect_story(page, "Log in", "POST /auth/login/ 401invalid_credentials")
    expect(page.get_by_label("Password", exact=True)).to_be_focused()
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Signed in as ada")).to_be_focused()
    expect(message).to_have_text("Welcome, ada.")
    expect_settled(page)

    # The token, decoded: its times are times, and it runs out.
    token = page.get_by_role("region", name="My access token")
    expect(token.get_by_role("row", name=re.compile("alg"))).to_contain_text("HS256")
    expect(token.get_by_role("row", name=re.compile("^exp"))).to_contain_text(re.compile(r"\d\d:\d\d:\d\d"))
    expect(token.get_by_role("timer")).to_have_text(
        [re.compile(r"^\d+ s until it is renewed"), re.compile(r"^\d+ s until")]
    )
    expect(token).to_contain_text("Decoded is not verified.")

    # 403 beside 401, each with its reason.
    expect_answer(page, "My grades", "200")
    expect_answer(page, "All grades", "403", "You are not allowed to do this")
    expect_answer(page, "All grades, no token", "401", 'Bearer realm="api"')
    expect_answer(page, "20 at once", "20 × 200")
    expect_answer(page, "20 at once, expired", "20 × 200")
    expect_story(
        page,
        "20 at once, expired",
        "20 × GET /protected-data/ 401invalid_token",
        "POST /auth/refresh/ 200",
        "new access tokenby network, ",
        "20 × again GET /protected-data/ 200",
    )
    expect(message).to_contain_text("20 × again GET /protected-data/ 200")

    # What can be broken, and what the client makes of it.
    refreshed = ("POST /auth/refresh/ 200", "new access tokenby network", "again GET /profile/ 200")
    press(page, "Expire my token")
    expect_story(page, "Expire my token", "GET /profile/ 401invalid_token", *refreshed)
    press(page, "Drop the next refresh")
    dropped = "POST /auth/refresh/ no answerits answer was dropped"
    expect_story(page, "Drop the next refresh", "GET /profile/ 401", dropped, *refreshed)
    press(page, "Slow the next refresh")
    slow = "POST /auth/refresh/ 200held back for 3 s"
    story = expect_story(page, "Slow the next refresh", "GET /profile/ 401", slow, *refreshed[1:])
    assert int(story.locator(".took").inner_text().removesuffix(" ms")) >= 3000

    page.get_by_label("1 h ahead").check()
    expect_story(page, "The clock is 1 h ahead", *refreshed[:2], "GET /profile/ 200")
    expect(message).to_contain_text("you are still signed in: /profile/ answered 200")
    page.get_by_label("1 h behind").check()
    expect_story(page, "The clock is 1 h behind", "GET /profile/ 200")
    page.get_by_label("right").check()
    expect_story(page, "The clock is right", "GET /profile/ 200")

    # A second tab is signed in by the first, and tells it what it gets.
    with context.expect_page() as opened:
        page.get_by_role("link", name="Open a second tab").click()
    second = opened.value
    expect_settled(second)
    press(second, "Expire my token")
    expect_story(second, "Expire my token", "GET /profile/ 401", *refreshed)
    expect_story(page, "By itself", "new access tokenby another tab")
    second.close()

    # A refresh token that is sent twice, and the end of its session; the page's own lives on.
    devices = page.locator("#devices li")
    before = devices.count()
    page.get_by_label("Your password, once more").fill(PASSWORD)
    press(page, "Replay")
    expect(devices.filter(has_text="to be replayed")).to_have_count(1)
    expect(page.locator("#replay-steps")).to_contain_text("Token 1 is sent once more: 400 invalid_grant.")
    expect(page.locator("#replay-steps")).to_contain_text("Token 3, the newest, is now refused too: 400 invalid_grant.")
    expect(message).to_have_text("The replayed token has ended the second session; yours lives on.")
    expect(devices).to_have_count(before)
    press(page, "Expire my token")
    expect_story(page, "Expire my token", "GET /profile/ 401", *refreshed)

    # The session ends behind the page's back.
    press(page, "End my session")
    expect(message).to_contain_text("the server refused the refresh (400 invalid_grant). Please log in again.")
    expect_story(
        page,
        "End my session",
        r"DELETE /auth/sessions/[\w-]+/ 204",
        "GET /profile/ 401invalid_token",
        "POST /auth/refresh/ 400invalid_grant",
        "signed outinvalid_grant",
    )
    expect(page.get_by_label("User name")).to_be_focused()

    # Once more in, and out by the button.
    page.keyboard.type("ada")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    press(page, "Log in")
    expect_settled(page)
    press(page, "Log out")
    expect(message).to_have_text("You are logged out.")
    expect_story(page, "Log out", "signed outlogout", "POST /auth/logout/ 204")
    assert page.locator(".stories > li").count() <= 30
