"""What asks for a recent login, in the demo: the dialog, the wrong password, the call that goes out again, and not."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, Response, expect

from .running import PASSWORD, Demo

pytestmark = pytest.mark.browser


@pytest.fixture
def office(page: Page) -> list[tuple[str, str, int]]:
    """Each answer of a call that matters here: method, path, status."""
    seen: list[tuple[str, str, int]] = []

    def note(response: Response) -> None:
        path = "/" + response.url.split("/", 3)[3]
        if path in ("/office/1/", "/auth/reauthenticate/"):
            seen.append((response.request.method, path, response.status))

    page.on("response", note)
    return seen


def log_in(page: Page, name: str) -> None:
    page.goto("/")
    page.get_by_label("User name").fill(name)
    page.locator("#password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name=f"Signed in as {name}")).to_be_visible()


def test_a_change_an_hour_after_the_login_asks_for_the_password_and_is_sent_again(
    page: Page, demo: Demo, office: list[Any]
) -> None:
    log_in(page, "rosa")
    page.get_by_role("button", name="Change a grade, an hour later").click()
    dialog = page.get_by_role("dialog", name="Is it still you?")
    expect(dialog).to_be_visible()
    expect(page.locator("#step-up-password")).to_be_focused()
    assert office == [("PATCH", "/office/1/", 401)]

    page.locator("#step-up-password").fill("wrong")
    dialog.get_by_role("button", name="Confirm").click()
    expect(dialog.get_by_role("alert")).to_have_text("400 invalid_credentials: The password is wrong.")
    page.locator("#step-up-password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    expect(page.locator("#message")).to_have_text("Confirmed, and the change was sent again.")

    assert office == [
        ("PATCH", "/office/1/", 401),
        ("POST", "/auth/reauthenticate/", 400),
        ("POST", "/auth/reauthenticate/", 200),
        ("PATCH", "/office/1/", 200),
    ]
    page.get_by_role("button", name="Change a grade", exact=True).click()
    expect(page.locator("#answer")).to_contain_text("PATCH /office/1/ → 200")
    assert len(office) == 5


def test_the_old_token_stays_refused_for_the_sensitive_act_and_good_for_the_rest(page: Page, demo: Demo) -> None:
    tokens: list[str] = []
    page.on("request", lambda request: tokens.append(request.headers.get("authorization", "")))
    log_in(page, "rosa")
    page.get_by_role("button", name="Change a grade, an hour later").click()
    page.locator("#step-up-password").fill(PASSWORD)
    with page.expect_response("**/auth/reauthenticate/") as confirmed:
        page.get_by_role("button", name="Confirm").click()
    old = confirmed.value.request.headers["authorization"].removeprefix("Bearer ")
    new = confirmed.value.json()["access_token"]
    expect(page.locator("#message")).to_have_text("Confirmed, and the change was sent again.")

    refused = demo.call("PATCH", "/office/1/", {"grade": "B"}, token=old)
    assert (refused.status, refused.json["error"], refused.json["max_age"]) == (
        401,
        "insufficient_user_authentication",
        300,
    )
    assert 'max_age="300"' in refused.headers["WWW-Authenticate"]
    assert demo.call("GET", "/office/", token=old).status == 200
    assert demo.call("PATCH", "/office/1/", {"grade": "B"}, token=new).status == 200


def test_whoever_would_rather_not_gets_the_401_and_stays_signed_in(page: Page, office: list[Any]) -> None:
    log_in(page, "rosa")
    page.get_by_role("button", name="Change a grade, an hour later").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")

    expect(page.locator("#message")).to_have_text("Not confirmed, so the 401 is what the page got.")
    assert office == [("PATCH", "/office/1/", 401)]
    expect(page.get_by_role("heading", name="Signed in as rosa")).to_be_visible()


def test_who_may_not_do_it_at_all_is_not_asked(page: Page, office: list[Any]) -> None:
    log_in(page, "ada")
    page.get_by_role("button", name="Change a grade, an hour later").click()

    expect(page.locator("#message")).to_contain_text("You are no registrar")
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert office == [("PATCH", "/office/1/", 403)]
