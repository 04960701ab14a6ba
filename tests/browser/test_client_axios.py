"""The client under axios, as it comes from npm, in a real browser."""

from __future__ import annotations

import base64
import re

import pytest
from playwright.sync_api import BrowserContext, Page, Route

from . import faulty
from .faulty import Faults, log_in, start, status
from .running import PASSWORD, ROOT, Demo

pytestmark = pytest.mark.browser
demo, faults = faulty.demo, faulty.faults

AXIOS = ROOT / "client" / "node_modules" / "axios" / "dist" / "esm" / "axios.min.js"
ECHO = "/faults/echo/"
#: Beside `auth` an axios instance of its own; whoever takes part in its calls is counted.
ATTACH = """async () => {
    const { default: axios } = await import("/faults/axios.js");
    const { attach } = await import("/static/django_ironclad/ironclad-axios.js");
    window.api = axios.create();
    attach(api, auth);
    window.intercepted = 0;
    api.interceptors.request.use((config) => { intercepted++; return config });
    // The answer's status, or that of the error, or its code.
    window.call = (config) => api.request({ url: "/profile/", ...config }).then(
        (response) => response.status,
        (error) => error.response?.status ?? error.code,
    );
}"""


@pytest.fixture
def axios(context: BrowserContext, faults: Faults) -> BrowserContext:
    context.route("**/faults/axios.js", lambda route: route.fulfill(path=AXIOS, content_type="text/javascript"))
    return context


def opened(context: BrowserContext) -> Page:
    page = start(context.new_page())
    page.evaluate(ATTACH)
    return page


@pytest.fixture
def page(axios: BrowserContext, faults: Faults) -> Page:
    """Ada is signed in, and what that took is not counted: the first page of a browser has asked for a session."""
    page = opened(axios)
    log_in(page)
    faults.set()
    return page


def test_20_calls_that_meet_401_at_once_are_20_times_200_and_one_refresh(page: Page, faults: Faults) -> None:
    faults.set(spoil=True)

    assert page.evaluate("Promise.all(Array.from({ length: 20 }, () => call()))") == [200] * 20
    assert page.evaluate("intercepted") == 20
    assert faults.refreshes == 1
    assert [asked["status"] for asked in faults.calls].count(401) == 20


DATA = {
    "an object": "{ grade: 'A', note: 'grüß Gott' }",
    "JSON with spaces": "' {\"a\" : 1} '",
    "a Blob": "new Blob(['\\0\\xff'])",
    "URLSearchParams": "new URLSearchParams({ a: '1 & 2' })",
    "a form with a file": "(() => { const form = new FormData(); form.set('f', new File(['x'], 'f')); return form })()",
}


@pytest.mark.parametrize("kind", DATA)
@pytest.mark.parametrize("adapter", ["xhr", "fetch"])
def test_a_body_is_repeated_byte_for_byte(page: Page, faults: Faults, kind: str, adapter: str) -> None:
    faults.set(spoil=True)
    headers = "{ 'Content-Type': 'application/json' }" if kind.startswith("JSON") else "{}"
    sent = f"{{ method: 'post', url: '{ECHO}', data: {DATA[kind]}, headers: {headers}, adapter: '{adapter}' }}"

    assert page.evaluate(f"call({sent})") == 200
    bodies = [base64.b64decode(asked["body"]) for asked in faults.calls if asked["call"] == f"POST {ECHO}"]
    first, second = [re.sub(rb"----(WebKitFormBoundary|geckoformboundary)\w+", b"boundary", body) for body in bodies]
    assert first
    assert first == second


def test_a_logout_in_another_tab_is_one_here(page: Page, axios: BrowserContext, faults: Faults) -> None:
    other = opened(axios)
    assert other.evaluate("auth.logout()") is True
    page.wait_for_function("auth.state.status === 'signed-out'")

    assert page.evaluate("call()") == 401
    assert faults.refreshes == 0
    assert [asked["call"] for asked in faults.calls if asked["authorized"]] == []


def test_a_wrong_password_is_the_servers_own_error_and_no_reason_to_refresh(
    page: Page, faults: Faults, demo: Demo
) -> None:
    wrong = {"username": "ada", "password": "wrong"}
    said = demo.call("POST", "/auth/login/", wrong).json
    faults.set()
    login = "wrong => auth.login(wrong).catch(({ code, status, message }) => [code, status, message])"
    assert page.evaluate(login, wrong) == ["invalid_credentials", 401, said["error_description"]]

    # By axios itself, too, for whoever has a login form that does so.
    posted = "wrong => api.post('/auth/login/', wrong).catch(({ response }) => [response.status, response.data])"
    assert page.evaluate(posted, wrong) == [401, said]
    posted = posted.replace("login", "password")
    answered, refusal = page.evaluate(posted, {"old_password": "wrong", "new_password": PASSWORD})
    assert (answered, refusal["error"]) == (400, "invalid_credentials")
    assert faults.refreshes == 0
    assert status(page) == "signed-in"


def test_after_a_reload_ada_is_signed_in_by_one_refresh(page: Page, faults: Faults) -> None:
    start(page)
    page.evaluate(ATTACH)

    assert page.evaluate("call()") == 200
    assert faults.refreshes == 1


def test_a_call_of_the_user_before_ends_in_the_clients_own_error(
    page: Page, axios: BrowserContext, faults: Faults
) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/profile/", hold)
    page.evaluate("() => { window.answer = call() }")
    log_in(opened(axios), "alan")
    page.wait_for_function("auth.state.user.username === 'alan'")
    held[0].continue_()

    assert page.evaluate("answer") == "session_changed"
