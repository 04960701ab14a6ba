"""The client on a network that fails, with clocks that lie, and with requests of every kind, in a real browser."""

from __future__ import annotations

import base64
import re
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page

from . import faulty
from .browsers import EVERYWHERE, Tab, Tabs
from .faulty import Faults, log_in, start, status
from .running import Demo

pytestmark = pytest.mark.browser
demo, faults = faulty.demo, faulty.faults

#: `shift` milliseconds, which the page's clock is wrong by.
WRONG_CLOCK = "{ const now = Date.now; window.shift = %d; Date.now = () => now() + shift }"
HOUR = 3_600_000
ECHO = "/faults/echo/"


@pytest.fixture
def page(context: Tabs[Tab], faults: Faults) -> Tab:
    """Ada is signed in, and what that took is not counted: the first page of a browser has asked for a session."""
    page = start(context.new_page())
    log_in(page)
    faults.set()
    return page


def names(page: Tab) -> list[str]:
    return [event["name"] for event in page.evaluate("heard")]


@EVERYWHERE
def test_20_calls_that_meet_401_at_once_are_20_times_200_and_one_refresh(page: Tab, faults: Faults) -> None:
    faults.set(spoil=True)

    assert page.evaluate("calls(20)") == [200] * 20
    assert faults.refreshes == 1
    assert [asked["status"] for asked in faults.calls].count(401) == 20


@EVERYWHERE
def test_a_view_that_is_always_401_called_10_times_costs_one_refresh(page: Tab, faults: Faults) -> None:
    for _ in range(5):
        assert page.evaluate("call('/faults/refused/')") == 401
    assert page.evaluate("calls(5, '/faults/refused/')") == [401] * 5

    assert faults.refreshes == 1
    assert status(page) == "signed-in"
    assert page.evaluate("call()") == 200


@EVERYWHERE
@pytest.mark.parametrize("fault", ["drop", "lost", "502", "503", "429", "html"])
def test_one_failure_of_a_refresh_is_made_good_and_every_call_answered(page: Tab, faults: Faults, fault: str) -> None:
    faults.set(spoil=True, refresh=[fault])

    assert page.evaluate("calls(5)") == [200] * 5
    assert faults.refreshes == 2
    assert "degraded" not in names(page)


@EVERYWHERE
@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("drop", "unreachable"),
        ("502", "unexpected_answer"),
        ("503", "temporarily_unavailable"),
        ("429 for long", "rate_limited"),
        ("html", "unexpected_answer"),
    ],
)
def test_lasting_failure_is_a_retryable_error_then_works_again(
    page: Tab, faults: Faults, fault: str, code: str
) -> None:
    faults.set(spoil=True, refresh=[fault] * 4)
    error = page.evaluate("auth.fetch('/profile/').catch(({ code, retryable }) => ({ code, retryable }))")

    assert error == {"code": code, "retryable": True}
    assert page.evaluate("[auth.state.status, auth.state.degraded]") == ["signed-in", True]
    if fault == "429 for long":
        asked = faults.refreshes
        assert page.evaluate("calls(3)") == [code] * 3
        assert faults.refreshes == asked == 1
        faults.set(spoil=True)
        page.wait_for_timeout(7000)
    assert page.evaluate("calls(3)") == [200] * 3
    assert page.evaluate("[auth.state.status, auth.state.degraded]") == ["signed-in", False]


def test_offline_is_no_logout_and_back_online_it_recovers_by_itself(
    page: Page, faults: Faults, context: BrowserContext
) -> None:
    faults.set(spoil=True)
    context.set_offline(True)
    assert page.evaluate("auth.refresh().catch(({ code, retryable }) => [code, retryable])") == ["unreachable", True]
    assert page.evaluate("[auth.state.status, auth.state.degraded]") == ["signed-in", True]

    context.set_offline(False)
    page.wait_for_function("!auth.state.degraded")
    assert page.evaluate("calls(3)") == [200] * 3
    assert faults.refreshes == 1


@EVERYWHERE
def test_a_slow_refresh_lets_30_calls_wait_and_answers_them_all(page: Tab, faults: Faults) -> None:
    faults.set(spoil=True, delay={"/auth/refresh/": 2})

    assert page.evaluate("calls(30)") == [200] * 30
    assert faults.refreshes == 1


@pytest.mark.parametrize("shift", [HOUR, -HOUR])
def test_a_clock_that_is_wrong_by_an_hour_and_then_jumps_causes_no_401(
    context: BrowserContext, faults: Faults, shift: int
) -> None:
    context.add_init_script(WRONG_CLOCK % shift)
    page = start(context.new_page(), refreshBefore=5)
    faults.set()
    log_in(page)
    assert page.evaluate("calls(3)") == [200] * 3
    assert faults.refreshes == 0
    for jump in (0, -shift, shift):
        page.evaluate("jump => { shift = jump }", jump)
        for _ in range(4):
            assert page.evaluate("call()") == 200
        page.wait_for_timeout(1500)

    assert faults.refreshes <= 3
    assert [asked for asked in faults.calls if asked["status"] == 401] == []


@pytest.mark.parametrize("shift", [3600, -3600])
def test_a_servers_clock_that_is_wrong_by_an_hour_causes_no_401(
    context: BrowserContext, faults: Faults, shift: int
) -> None:
    page = start(context.new_page(), refreshBefore=5)
    faults.set(clock=shift)
    log_in(page)

    assert page.evaluate("calls(3)") == [200] * 3
    page.wait_for_timeout(1500)
    assert [asked["status"] for asked in faults.calls if asked["call"] != "POST /auth/login/"] == [200] * 3


def test_a_refresh_timer_with_a_token_of_30_days_does_not_fire_at_once(context: BrowserContext, faults: Faults) -> None:
    page = start(context.new_page(), refreshBefore=30)
    faults.set(lifetimes={"ACCESS_TOKEN_LIFETIME": 30 * 24 * 3600, "REFRESH_TOKEN_LIFETIME": 90 * 24 * 3600})
    log_in(page)
    page.wait_for_timeout(2500)

    assert faults.refreshes == 0


@EVERYWHERE
def test_a_refresh_timer_keeps_an_idle_page_signed_in(context: Tabs[Tab], faults: Faults) -> None:
    page = start(context.new_page(), refreshBefore=2)
    faults.set(lifetimes={"ACCESS_TOKEN_LIFETIME": 4})
    log_in(page)
    page.wait_for_timeout(7000)

    assert 2 <= faults.refreshes <= 4
    assert page.evaluate("auth.expiresIn() > 0")


BODIES = {
    "a string": "{ body: 'grüß Gott' }",
    "JSON": "{ body: JSON.stringify({ grade: 'A' }), headers: { 'Content-Type': 'application/json' } }",
    "a form with a file": "{ body: form }",
    "a Blob": "{ body: new Blob([bytes], { type: 'image/x' }) }",
    "bytes": "{ body: bytes }",
    "URLSearchParams": "{ body: new URLSearchParams({ a: '1 & 2', b: 'ü' }) }",
}
PREPARE = """
    const bytes = Uint8Array.from({ length: 100_000 }, (_, index) => index * 7);
    const form = new FormData();
    form.set("name", "ada");
    form.set("file", new File([bytes], "grades.bin", { type: "image/x" }));
"""


def bodies(faults: Faults) -> list[bytes]:
    """What the echo was sent, in order; the boundary of a form, which each sending draws anew, left out."""
    sent = [base64.b64decode(asked["body"]) for asked in faults.calls if asked["call"].endswith(ECHO)]
    return [re.sub(rb"----(WebKitFormBoundary|geckoformboundary)\w+", b"boundary", body) for body in sent]


@EVERYWHERE
@pytest.mark.parametrize("kind", BODIES)
def test_a_body_is_repeated_byte_for_byte(page: Tab, faults: Faults, kind: str) -> None:
    faults.set(spoil=True)
    answer = page.evaluate(
        f"""async () => {{
            {PREPARE}
            const response = await auth.fetch("{ECHO}", {{ method: "POST", ...{BODIES[kind]} }});
            return [response.status, (await response.json()).type];
        }}"""
    )
    first, second = bodies(faults)

    assert answer[0] == 200
    assert first
    assert first == second


@EVERYWHERE
@pytest.mark.parametrize("kind", ["a string", "a form with a file", "a Blob"])
def test_a_request_is_repeated_byte_for_byte_with_its_headers(page: Tab, faults: Faults, kind: str) -> None:
    faults.set(spoil=True)
    answer = page.evaluate(
        f"""async () => {{
            {PREPARE}
            const request = new Request("{ECHO}", {{ method: "PUT", ...{BODIES[kind]} }});
            const response = await auth.fetch(request);
            return [response.status, request.headers.get("Content-Type").startsWith((await response.json()).type)];
        }}"""
    )
    first, second = bodies(faults)

    assert answer == [200, True]
    assert first
    assert first == second
    assert faults.count(f"PUT {ECHO}") == 2


@EVERYWHERE
def test_a_stream_is_refused_before_anything_is_sent(page: Tab, faults: Faults) -> None:
    code = page.evaluate(
        """auth.fetch("/faults/echo/", { method: "POST", body: new Blob(["A"]).stream(), duplex: "half" })
            .catch((error) => error.code + ": " + error.message)"""
    )

    assert code.startswith("body_not_replayable: A stream cannot be sent twice")
    assert faults.calls == [] or faults.count(f"POST {ECHO}") == 0


@EVERYWHERE
def test_the_token_goes_to_no_origin_that_was_not_named_to_no_auth_endpoint_and_into_no_address(
    page: Tab, faults: Faults, demo: Demo
) -> None:
    token = page.evaluate("auth.token()")
    other = demo.url.replace("127.0.0.1", "localhost")
    ask = "path => call(path, { method: path.startsWith('/auth/') ? 'POST' : 'GET' })"
    for path in (
        "/profile/",
        f"{other}/profile/",
        f"{other}/auth/me/",
        "/auth/refresh/",
        "/auth/logout/?x=1",
        "/auth/login/",
    ):
        page.evaluate(ask, path)
    assert [asked for asked in faults.calls if asked["call"].startswith("OPTIONS")] == []
    # Firefox and WebKit ask the other origin first, though they drop the token anyway.
    page.evaluate(ask, f"/faults/redirect/?to={other}/profile/")
    authorized = [asked for asked in faults.calls if asked["authorized"]]

    assert [asked["call"] for asked in authorized][-2:] == ["GET /profile/", "GET /faults/redirect/"]
    assert [asked for asked in authorized if "localhost" in asked["host"] or "/auth/" in asked["call"]] == []
    addresses = page.evaluate("performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert not [address for address in addresses if token in address]
    assert any(address.endswith("/profile/") for address in addresses)


def test_everything_works_under_a_strict_policy_with_trusted_types(context: BrowserContext, faults: Faults) -> None:
    policy = (
        "default-src 'none'; script-src 'self'; connect-src 'self'; img-src data:; require-trusted-types-for 'script'"
    )

    def harden(route: Any) -> None:
        response = route.fetch()
        route.fulfill(response=response, headers={**response.headers, "content-security-policy": policy})

    context.route("**/faults/page/", harden)
    page = start(context.new_page())
    log_in(page)
    faults.set(spoil=True)

    assert page.evaluate("calls(3)") == [200] * 3
    assert page.evaluate("auth.logout()") is True


@EVERYWHERE
def test_my_devices_are_listed_the_others_ended_and_a_wrong_old_password_told(
    page: Tab, faults: Faults, demo: Demo
) -> None:
    demo.login("ada")
    devices = page.evaluate("auth.request('GET', 'sessions/')")["sessions"]
    assert len(devices) >= 2
    assert [device["current"] for device in devices].count(True) == 1

    assert page.evaluate("auth.logout({ scope: 'others' })") is True
    (device,) = page.evaluate("auth.request('GET', 'sessions/')")["sessions"]
    assert device["id"] == page.evaluate("auth.state.claims.sid")
    change = "auth.request('POST', 'password/', { old_password: 'wrong', new_password: 'x' })"
    assert page.evaluate(f"{change}.catch(({{ code, status }}) => [code, status])") == ["invalid_credentials", 400]
    assert status(page) == "signed-in"
    assert faults.refreshes == 0
