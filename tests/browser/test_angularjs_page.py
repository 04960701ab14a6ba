"""The pages below `/seed/angularjs/`: with angular-jwt and angular-storage as published, and with our adapter."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page, expect

from .running import PASSWORD, Demo

pytestmark = pytest.mark.browser


@pytest.fixture
def page(page: Page) -> Page:
    page.goto("/seed/angularjs/")
    return page


def log_in(page: Page, username: str = "ada", password: str = PASSWORD) -> None:
    page.get_by_label("User name").fill(username)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()


def expect_signed_in(page: Page, username: str = "ada") -> None:
    expect(page.get_by_role("heading", name=f"Signed in as {username}")).to_be_visible()


def call(page: Page, name: str, path: str) -> tuple[str, str]:
    """Press a button: the status that the page shows, and the `Authorization` header that it sent."""
    with page.expect_response(f"**{path}") as answered:
        page.get_by_role("button", name=name).click()
    line = page.get_by_role("listitem").filter(has=page.get_by_role("button", name=name))
    expect(line.locator(".status")).to_have_text(str(answered.value.status))
    return line.locator(".status").inner_text(), answered.value.request.headers.get("authorization", "")


def notices(page: Page) -> tuple[str, str]:
    return call(page, "Notices", "/public-data/")


def grades(page: Page) -> tuple[str, str]:
    return call(page, "My grades", "/protected-data/")


def stored_token(page: Page) -> str | None:
    stored = page.evaluate("localStorage.getItem('jwt')")
    return None if stored is None else str(json.loads(stored))


def test_a_wrong_password_is_told_and_nothing_is_stored(page: Page) -> None:
    log_in(page, password="open-sesame-43")

    expect(page.locator("#message")).to_have_text("Unable to log in with provided credentials. (400)")
    expect(page.get_by_label("Password")).to_be_focused()
    assert stored_token(page) is None


def test_without_a_token_the_notices_are_read_and_the_grades_refused(page: Page) -> None:
    assert notices(page) == ("200", "")
    assert grades(page) == ("401", "")


def test_a_token_is_stored_sent_with_every_call_kept_over_a_reload_and_forgotten_by_a_logout(page: Page) -> None:
    log_in(page)
    expect_signed_in(page)
    token = stored_token(page)
    assert token is not None
    assert token.count(".") == 2
    assert grades(page) == ("200", f"Bearer {token}")
    expect(page.locator("#answer")).to_contain_text('"student": "ada"')
    assert notices(page) == ("200", f"Bearer {token}")

    page.reload()
    expect_signed_in(page)
    assert stored_token(page) == token
    assert grades(page) == ("200", f"Bearer {token}")

    page.get_by_role("button", name="Log out").click()
    expect(page.locator("#message")).to_have_text("You are logged out.")
    expect(page.get_by_label("User name")).to_be_focused()
    expect(page.locator("#answer")).to_have_text("Nothing called yet.")
    assert stored_token(page) is None
    assert grades(page) == ("401", "")


def test_a_stale_token_reads_the_notices_and_is_otherwise_told_to_log_in_again(page: Page) -> None:
    log_in(page)
    expect_signed_in(page)
    token = stored_token(page)
    assert token is not None
    header, payload, signature = token.split(".")
    stale = f"{header}.{payload}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}"
    page.evaluate("token => localStorage.setItem('jwt', JSON.stringify(token))", stale)
    page.reload()
    expect_signed_in(page)

    assert notices(page) == ("200", f"Bearer {stale}")
    assert grades(page) == ("401", f"Bearer {stale}")
    expect(page.locator("#message")).to_have_text("The token is no longer good (401). Please log in again.")
    assert stored_token(page) is None
    log_in(page)
    expect_signed_in(page)


def test_what_is_stored_but_is_no_token_is_nobody(page: Page) -> None:
    page.evaluate("localStorage.setItem('jwt', JSON.stringify('a.b'))")
    page.reload()

    expect(page.get_by_label("User name")).to_be_visible()
    assert notices(page)[0] == "200"


def test_the_page_runs_on_the_libraries_as_published(page: Page, demo: Demo) -> None:
    assert page.evaluate("angular.version.full") == "1.8.3"
    assert page.locator("html").get_attribute("ng-strict-di") is not None
    page.evaluate("['angular-jwt', 'angular-storage'].forEach(name => angular.module(name))")
    for name in ("angular/LICENSE.md", "angular-jwt/LICENSE.txt", "angular-storage/LICENSE.txt"):
        assert "MIT" in demo.call("GET", f"/static/vendor/{name}").text


def open_ironclad(page: Page) -> None:
    page.get_by_role("link", name="with our adapter instead").click()
    expect(page.get_by_role("heading", name="The same page, and it stays signed in")).to_be_visible()


def test_the_page_on_our_adapter_renews_what_is_over_and_stays_signed_in_over_a_reload(page: Page) -> None:
    page.clock.install()
    open_ironclad(page)
    log_in(page, password="open-sesame-43")
    expect(page.locator("#message")).to_have_text("No active account was found with these credentials. (401)")
    log_in(page)
    expect_signed_in(page)
    _, first = grades(page)
    page.clock.fast_forward(31_000)
    with page.expect_response("**/auth/refresh/"):
        status, second = grades(page)
    assert status == "200"
    assert second != first
    page.reload()
    expect_signed_in(page)
    assert grades(page)[0] == "200"
    assert stored_token(page) is None


def test_a_session_that_is_over_asks_the_page_on_our_adapter_to_log_in_again(page: Page, demo: Demo) -> None:
    open_ironclad(page)
    log_in(page)
    expect_signed_in(page)
    (cookie,) = page.context.cookies()
    assert demo.post_with(cookie, "/auth/logout/").status == 204
    assert grades(page)[0] == "401"
    expect(page.locator("#message")).to_have_text("Your session is over. Please log in again.")
    expect(page.get_by_label("User name")).to_be_focused()

    log_in(page)
    expect_signed_in(page)
    with page.expect_response("**/auth/logout/"):
        page.get_by_role("button", name="Log out").click()
    expect(page.locator("#message")).to_have_text("You are logged out.")
    assert grades(page) == ("401", "")


def test_the_difference_in_lines_is_counted_from_the_two_scripts(page: Page, demo: Demo) -> None:
    open_ironclad(page)
    counts = []
    for name in ("angularjs.js", "angularjs-ironclad.js"):
        page.get_by_text(name, exact=True).click()
        text = demo.call("GET", f"/static/campus/{name}").text
        expect(page.get_by_role("group", name=name)).to_have_text(text)
        lines = [line.strip() for line in text.splitlines()]
        counts.append(len([line for line in lines if line and not line.startswith(("//", "/*"))]))
    theirs, ours = counts

    assert ours < theirs
    expect(page.get_by_role("row", name="Lines of the page’s script").get_by_role("cell")).to_have_text(
        [str(theirs), str(ours)]
    )
    expect(page.locator("#fewer")).to_have_text(f"{theirs - ours} lines shorter")
    page.get_by_role("link", name="The page beside this one").click()
    expect(page.get_by_role("heading", name="One token in local storage")).to_be_visible()
