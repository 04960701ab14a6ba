"""`/` shows where somebody is signed in, and a page whose session was ended elsewhere asks to log in again."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from . import browsers
from .running import PASSWORD, Demo

pytestmark = pytest.mark.browser
#: What a user agent says, in short.
SHOWN = {"chromium": "Chrome", "firefox": "Firefox"}.get(browsers.NAME, "")


def log_in(page: Page, name: str = "ada") -> None:
    page.goto("/")
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).click()
    expect(page.get_by_role("heading", name=f"Signed in as {name}")).to_be_visible()


def test_devices_are_listed_and_ended(page: Page, demo: Demo) -> None:
    for device in demo.login("ada"), demo.login("ada"):
        assert demo.call("GET", "/profile/", token=device["access_token"]).status == 200
    log_in(page)
    devices = page.locator("#devices li")
    mine = devices.filter(has_text="this device")
    expect(mine).to_have_count(1)
    expect(mine).to_contain_text(SHOWN)
    expect(mine).to_contain_text("127.0.0.1")
    before = devices.count()
    assert before >= 3

    devices.filter(has_not_text="this device").first.get_by_role("button").click()
    expect(devices).to_have_count(before - 1)
    expect(page.get_by_role("heading", name="My devices")).to_be_focused()  # the button is gone
    page.get_by_role("button", name="End all others").click()

    expect(devices).to_have_count(1)
    expect(devices).to_contain_text("this device")
    expect(page.get_by_role("button", name="End all others")).to_be_disabled()


def test_a_page_whose_session_was_ended_elsewhere_asks_to_log_in_again(
    page: Page, context: BrowserContext, demo: Demo
) -> None:
    log_in(page, "alan")
    elsewhere = demo.login("alan")
    listed = demo.call("GET", "/auth/sessions/", token=elsewhere["access_token"]).json["sessions"]
    other = next(each["id"] for each in listed if SHOWN in each["device"])  # the last used is the first

    assert demo.call("DELETE", f"/auth/sessions/{other}/", token=elsewhere["access_token"]).status == 204
    page.get_by_role("button", name="My profile").click()

    expect(page.locator("#message")).to_contain_text(re.compile("session is over.*invalid_grant.*log in again"))
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    expect(page.locator("#devices")).to_be_hidden()


def test_rosa_ends_a_session_in_the_admin(page: Page, demo: Demo) -> None:
    tokens = demo.login("alan")
    page.goto("/admin/")
    page.get_by_label("Username").fill("rosa")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.goto(f"/admin/ironclad/session/?q={tokens['refresh_token'].split('.')[0]}")
    page.locator("input.action-select").check()
    page.get_by_label("Action:").select_option("end")
    page.get_by_role("button", name="Run").or_(page.get_by_role("button", name="Go")).first.click()

    expect(page.get_by_text("1 ended.")).to_be_visible()
    assert demo.call("GET", "/profile/", token=tokens["access_token"]).status == 401
