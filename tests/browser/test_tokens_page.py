"""The page `/`: an access token in memory, a refresh token in a cookie, and what happens when one of them is over."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, Response, expect

from .running import PASSWORD, Demo

pytestmark = pytest.mark.browser

CALLS = {
    "Notices": "/public-data/",
    "My profile": "/profile/",
    "My grades": "/protected-data/",
    "All grades": "/office/",
    "Change a grade": "/office/1/",
}


@pytest.fixture
def page(page: Page) -> Page:
    """Nobody is signed in, and the page knows: the first page in a browser asks whether there is a cookie."""
    page.goto("/")
    expect(page.get_by_label("User name")).to_be_visible()
    return page


@pytest.fixture
def answers(context: BrowserContext) -> list[tuple[str, int]]:
    """Every answer of the API that any page of this browser gets from now on, in order: what was asked, the status.

    But for who this is and the list of devices, which each page asks for when somebody has signed in, at its own time.
    """
    seen: list[tuple[str, int]] = []

    def note(response: Response) -> None:
        path = urlsplit(response.url).path
        if response.request.resource_type == "fetch" and path not in ("/auth/me/", "/auth/sessions/"):
            seen.append((f"{response.request.method} {path}", response.status))

    context.on("response", note)
    return seen


def log_in(page: Page, username: str, password: str = PASSWORD) -> None:
    page.get_by_label("User name").fill(username)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_label("Password", exact=True).press("Enter")


def log_in_right(page: Page, username: str) -> None:
    log_in(page, username)
    expect(page.get_by_role("heading", name=f"Signed in as {username}")).to_be_visible()


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def status(page: Page, name: str) -> str:
    """What stands beside a call, once it is answered."""
    line = page.get_by_role("listitem").filter(has=page.get_by_role("button", name=name, exact=True))
    shown = line.locator(".status")
    expect(shown).not_to_have_text("…")
    return shown.inner_text()


def refresh_cookie(page: Page) -> Any:
    return next(cookie for cookie in page.context.cookies() if cookie["name"] == "ironclad_refresh_token")


def test_a_wrong_password_is_told_and_signs_nobody_in(page: Page) -> None:
    log_in(page, "ada", "open-sesame-43")

    told = "401 invalid_credentials: No active account was found with these credentials."
    expect(page.get_by_role("alert")).to_have_text(told)
    expect(page.get_by_label("Password", exact=True)).to_have_accessible_description(told)
    expect(page.get_by_label("Password", exact=True)).to_be_focused()
    assert not page.context.cookies()
    press(page, "My profile")
    assert status(page, "My profile") == "401"


def test_a_login_by_keyboard_shows_who_is_signed_in_and_what_the_token_says(page: Page) -> None:
    page.get_by_label("User name").focus()
    page.keyboard.type("rosa")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")

    heading = page.get_by_role("heading", name="Signed in as rosa")
    expect(heading).to_be_focused()
    expect(page.locator("#claims")).to_contain_text("rosa")
    expect(page.locator("#claims")).to_contain_text("registrar")
    expect(page.get_by_role("timer").first).to_have_text(re.compile(r"^\d+ s until it is renewed$"))
    expect(page.locator("#me")).to_contain_text("Rosa Marsh")
    expect(page.get_by_label("Password", exact=True)).to_be_hidden()


def test_the_profile_is_that_of_whoever_is_signed_in(page: Page) -> None:
    log_in_right(page, "alan")
    press(page, "My profile")

    assert status(page, "My profile") == "200"
    expect(page.locator("#answer")).to_contain_text('"name": "Alan Turing"')


@pytest.mark.parametrize(
    ("username", "statuses"),
    [
        ("", ["200", "401", "401", "401", "401"]),
        ("ada", ["200", "200", "200", "403", "403"]),
        ("rosa", ["200", "200", "200", "200", "200"]),
    ],
    ids=["nobody", "a student", "the registrar"],
)
def test_everybody_gets_what_is_theirs(page: Page, username: str, statuses: list[str]) -> None:
    if username:
        log_in_right(page, username)
    for name in CALLS:
        press(page, name)

    assert [status(page, name) for name in CALLS] == statuses


def test_a_student_sees_no_grades_but_her_own(page: Page) -> None:
    log_in_right(page, "ada")
    press(page, "My grades")

    assert status(page, "My grades") == "200"
    shown = page.locator("#answer").inner_text()
    grades = json.loads(shown.partition("\n")[2])
    assert {grade["student"] for grade in grades} == {"ada"}


def test_a_grade_that_the_registrar_changes_is_the_students_new_grade(page: Page, demo: Demo) -> None:
    rosa = demo.login("rosa")["access_token"]
    assert demo.call("PATCH", "/office/1/", {"grade": "C"}, token=rosa).json["grade"] == "C"
    log_in_right(page, "rosa")
    press(page, "Change a grade")

    assert status(page, "Change a grade") == "200"
    ada = demo.login("ada")["access_token"]
    assert demo.call("GET", "/protected-data/1/", token=ada).json["grade"] == "A"


def test_a_401_is_refreshed_and_the_call_repeated_with_the_new_token(
    page: Page, answers: list[tuple[str, int]]
) -> None:
    log_in_right(page, "ada")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.headers.get("authorization", "")))
    before = refresh_cookie(page)["value"]
    del answers[:], sent[:]
    press(page, "Expire my token")

    expect(page.locator("#message")).to_contain_text("again GET /profile/ 200")
    assert answers == [("GET /profile/", 401), ("POST /auth/refresh/", 200), ("GET /profile/", 200)]
    first, refreshing, second = sent
    assert first.startswith("Bearer ")
    assert second.startswith("Bearer ")
    assert first != second
    assert not refreshing
    assert refresh_cookie(page)["value"] != before


def test_many_calls_that_meet_a_401_share_one_refresh(page: Page, answers: list[tuple[str, int]]) -> None:
    log_in_right(page, "rosa")
    del answers[:]
    press(page, "20 at once, expired")

    assert status(page, "20 at once, expired") == "20 × 200"
    assert answers.count(("GET /protected-data/", 401)) == 20
    assert answers.count(("POST /auth/refresh/", 200)) == 1
    assert answers.count(("GET /protected-data/", 200)) == 20


def test_a_reload_keeps_the_user_signed_in_by_one_refresh(page: Page, answers: list[tuple[str, int]]) -> None:
    log_in_right(page, "ada")
    del answers[:]
    page.reload()

    expect(page.get_by_role("heading", name="Signed in as ada")).to_be_visible()
    press(page, "My grades")
    assert status(page, "My grades") == "200"
    assert answers == [("POST /auth/refresh/", 200), ("GET /protected-data/", 200)]


def test_a_visitor_who_has_asked_once_asks_no_more(page: Page, answers: list[tuple[str, int]]) -> None:
    del answers[:]
    page.reload()

    expect(page.get_by_label("User name")).to_be_visible()
    assert answers == []


def end_on_the_server(page: Page, demo: Demo) -> None:
    """The session ends, the browser keeps its cookie and does not know."""
    assert demo.post_with(refresh_cookie(page), "/auth/logout/").status == 204


def lose_the_cookie(page: Page, demo: Demo) -> None:
    page.context.clear_cookies()


@pytest.mark.parametrize(
    "end",
    [end_on_the_server, lose_the_cookie],
    ids=["session ended", "cookie gone"],
)
def test_a_refused_refresh_asks_to_log_in_again(
    page: Page, demo: Demo, answers: list[tuple[str, int]], end: Callable[[Page, Demo], None]
) -> None:
    log_in_right(page, "ada")
    end(page, demo)
    del answers[:]
    press(page, "Expire my token")

    expect(page.locator("#message")).to_have_text(
        "Your session is over: the server refused the refresh (400 invalid_grant). Please log in again."
    )
    expect(page.get_by_label("User name")).to_be_focused()
    assert answers == [("GET /profile/", 401), ("POST /auth/refresh/", 400)]

    page.reload()
    expect(page.get_by_label("User name")).to_be_visible()
    log_in_right(page, "ada")


def test_a_logout_ends_the_session_on_the_server_too(page: Page, demo: Demo, answers: list[tuple[str, int]]) -> None:
    log_in_right(page, "ada")
    with page.expect_request("**/profile/") as profile:
        press(page, "My profile")
    access = profile.value.headers["authorization"].removeprefix("Bearer ")
    cookie = refresh_cookie(page)
    with page.expect_response("**/auth/logout/"):
        press(page, "Log out")

    expect(page.locator("#message")).to_have_text("You are logged out.")
    expect(page.locator("#answer")).to_have_text("Nothing called yet.")
    assert answers[-1] == ("POST /auth/logout/", 204)
    assert not page.context.cookies()
    assert demo.call("GET", "/profile/", token=access).status == 401
    assert demo.post_with(cookie, "/auth/refresh/").json["error"] == "invalid_grant"


def test_no_script_can_read_a_token_from_any_storage(page: Page) -> None:
    log_in_right(page, "ada")

    (cookie,) = page.context.cookies()
    assert cookie["name"] == "ironclad_refresh_token"
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Strict"
    assert page.evaluate("document.cookie") == ""
    (hint,) = page.evaluate("Object.values({...localStorage, ...sessionStorage})")
    assert hint == cookie["value"].partition(".")[0]  # which session it is; nothing can be done with that
    assert page.evaluate("indexedDB.databases()") == []
    assert page.evaluate("caches.keys()") == []
    assert not [value for value in page.evaluate("Object.values(window)") if isinstance(value, str) and "eyJ" in value]


def test_a_server_out_of_reach_signs_nobody_out(page: Page) -> None:
    log_in_right(page, "ada")
    page.route("**/auth/refresh/", lambda route: route.abort())
    press(page, "Expire my token")

    expect(page.locator("#message")).to_contain_text("You are still signed in")

    page.unroute("**/auth/refresh/")
    press(page, "My profile")
    assert status(page, "My profile") == "200"


def test_a_page_loaded_while_the_server_is_out_of_reach_recovers_with_the_next_call(page: Page) -> None:
    log_in_right(page, "ada")
    page.route("**/auth/refresh/", lambda route: route.abort())
    page.reload()
    expect(page.locator("#message")).to_contain_text("You are still signed in")

    page.unroute("**/auth/refresh/")
    press(page, "My grades")
    assert status(page, "My grades") == "200"
    expect(page.get_by_role("heading", name="Signed in as ada")).to_be_visible()


def test_who_logs_in_in_another_tab_is_signed_in_here_without_a_request(
    page: Page, context: BrowserContext, answers: list[tuple[str, int]]
) -> None:
    del answers[:]
    log_in_right(page, "ada")
    other = context.new_page()
    other.goto("/")
    expect(other.get_by_role("heading", name="Signed in as ada")).to_be_visible()
    press(other, "Log out")
    expect(page.get_by_label("User name")).to_be_visible()
    log_in_right(other, "rosa")

    expect(page.get_by_role("heading", name="Signed in as rosa")).to_be_visible()
    assert answers == [("POST /auth/login/", 200), ("POST /auth/logout/", 204), ("POST /auth/login/", 200)]


def test_the_token_is_renewed_when_its_first_countdown_is_over_and_the_second_goes_on(page: Page) -> None:
    page.clock.install()
    log_in_right(page, "ada")
    renewal, end = page.get_by_role("timer").all()
    page.clock.run_for(15_000)
    expect(renewal).to_have_text(re.compile("^[1-5] s until it is renewed$"))
    expect(end).to_have_text(re.compile("^1[1-5] s until it is over$"))
    with page.expect_response("**/auth/refresh/"):
        page.clock.run_for(6_000)
    page.clock.run_for(500)
    expect(end).to_have_text(re.compile("^(30|29) s until it is over$"))


def test_the_lines_that_the_page_shows_are_the_ones_that_it_runs_and_they_are_ten(page: Page, demo: Demo) -> None:
    shown = page.locator("#ten-lines").inner_text()

    assert shown.strip() == demo.call("GET", "/static/campus/ten-lines.js").text.strip()
    assert (
        page.evaluate("performance.getEntriesByName(new URL('/static/campus/ten-lines.js', location.href)).length") == 1
    )
    assert len([line for line in shown.splitlines() if line]) == 10


@pytest.mark.parametrize("path", ["/", "/seed/angularjs/", "/seed/angularjs/ironclad/"])
def test_a_phone_shows_the_page_without_scrolling_sideways(page: Page, path: str) -> None:
    page.set_viewport_size({"width": 360, "height": 700})
    page.goto(path)
    log_in_right(page, "ada")
    press(page, "My grades")

    assert status(page, "My grades") == "200"
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_the_admin_works_beside_the_tokens_with_djangos_own_session(page: Page, demo: Demo) -> None:
    page.goto("/admin/")
    page.get_by_label("Username").fill("rosa")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.goto("/admin/campus/grade/6/change/")
    page.get_by_label("Grade").select_option("F")
    page.get_by_role("button", name="Save", exact=True).click()

    expect(page.locator(".success")).to_contain_text("was changed successfully")
    alan = demo.login("alan")["access_token"]
    assert demo.call("GET", "/protected-data/6/", token=alan).json["grade"] == "F"
    assert demo.call("GET", "/protected-data/1/", token=alan).status == 404
