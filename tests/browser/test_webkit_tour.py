"""The tour and the step-up of the page `/` in WebKit, in few steps: its driver has the mouse, the keys and CSS."""

from __future__ import annotations

import json

import pytest

from . import webkit_pages
from .running import PASSWORD
from .test_client_tabs import ONLY_THE_LOGOUT_IS_KEPT

pytestmark = [pytest.mark.browser, pytest.mark.browsers("webkit")]


def sees(page: webkit_pages.Page, selector: str, text: str) -> None:
    """Where the selector leads, there is this text before long, for people to see."""
    where = f"[...document.querySelectorAll({json.dumps(selector)})]"
    page.wait_for_function(
        f"{where}.some((found) => found.checkVisibility() && found.innerText.includes({json.dumps(text)}))"
    )


def log_in(page: webkit_pages.Page, name: str, password: str = PASSWORD) -> None:
    sees(page, "#signed-out", "Log in")
    page.fill("#username", name)
    page.fill("#password", password)
    page.click("#login button")


def newest(page: webkit_pages.Page, title: str, *steps: str) -> None:
    for step in steps:
        sees(page, ".stories > li:first-child", step)
    sees(page, ".stories > li:first-child .head b", title)


def test_the_tour(page: webkit_pages.Page) -> None:
    page.goto("/")
    log_in(page, "ada", "open-sesame-43")
    sees(page, "#login-error", "401 invalid_credentials")
    page.fill("#password", PASSWORD + webkit_pages.ENTER)
    sees(page, "#account-title", "Signed in as ada")
    sees(page, "#me", "Ada Lovelace")

    page.reload()
    sees(page, "#me", "Ada Lovelace")
    page.click("[data-spoiled]")
    newest(
        page, "20 at once, expired", "20 × GET /protected-data/", "new access token", "20 × again GET /protected-data/"
    )
    again = ("new access token", "again GET /profile/")
    for button, title, step in (
        ("#expire", "Expire my token", "POST /auth/refresh/"),
        ("#drop", "Drop the next refresh", "its answer was dropped"),
        ("#slow", "Slow the next refresh", "held back for 3 s"),
    ):
        page.click(button)
        newest(page, title, "GET /profile/", step, *again)
    page.click("#behind")
    sees(page, "#message", "the server refused the refresh (400 invalid_grant). Please log in again.")

    log_in(page, "ada")
    sees(page, "#me", "Ada Lovelace")
    page.click("#logout")
    sees(page, "#message", "You are logged out.")
    page.wait_for_function(ONLY_THE_LOGOUT_IS_KEPT)
    assert page.context.cookies() == []
    page.reload()
    sees(page, "#signed-out", "Log in")


def test_a_change_an_hour_after_the_login_asks_for_the_password_and_is_sent_again(page: webkit_pages.Page) -> None:
    page.goto("/")
    log_in(page, "rosa")
    sees(page, "#account-title", "Signed in as rosa")
    page.click("#old-login")
    sees(page, "#step-up", "Is it still you?")
    page.fill("#step-up-password", "wrong")
    page.click("#step-up .primary")
    sees(page, "#step-up-error", "400 invalid_credentials")
    page.fill("#step-up-password", PASSWORD)
    page.click("#step-up .primary")
    sees(page, "#message", "Confirmed, and the change was sent again.")

    page.click("#old-login")
    sees(page, "#step-up", "Is it still you?")
    page.click("#step-up-cancel")
    sees(page, "#message", "Not confirmed, so the 401 is what the page got.")
    sees(page, "#account-title", "Signed in as rosa")
