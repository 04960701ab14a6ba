"""The client under AngularJS, minified and with strict injection, in a real browser."""

from __future__ import annotations

import base64
import re
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from . import faulty
from .faulty import Faults
from .running import PASSWORD, Demo

pytestmark = pytest.mark.browser
demo, faults = faulty.demo, faulty.faults

ECHO = "/faults/echo/"
PAGE = """<!doctype html>
<html lang="en" ng-app="page" ng-strict-di ng-csp>
  <link rel="icon" href="data:,"><title>AngularJS</title>
  <script src="/static/vendor/angular/angular.min.js"></script>
  <script src="/static/django_ironclad/ironclad-angularjs.js"></script>
  <script src="/faults/page.js"></script>
  <p id="status" ng-bind="auth.state.status"></p>
  <p id="who" ng-bind="auth.state.user.username"></p>
  <p id="outcome" ng-bind="outcome"></p>
  <div id="later" ng-if="later" ng-include="'/faults/template.html'"></div>
</html>"""
SCRIPT = """
angular.module("page", ["ironclad"])
  .config(["authProvider", (authProvider) => { authProvider.options = { baseURL: "/auth/" }; }])
  .config(["$httpProvider", ($httpProvider) => { $httpProvider.interceptors.push("counting"); }])
  .factory("counting", [() => ({ request: (config) => { window.intercepted++; return config; } })])
  .run(["$http", "$q", "$rootScope", "auth", ($http, $q, $rootScope, auth) => {
    $rootScope.auth = auth;
    Object.assign(window, { auth, $http, $q, $rootScope, intercepted: 0, heard: [] });
    $rootScope.$on("unauthenticated", (event, detail) => heard.push(detail.reason));
    // The answer's status, or the code of the AuthError.
    window.call = (config = {}) => $http({ method: "GET", url: "/profile/", ...config }).then(
      ({ status }) => status,
      ({ status, data }) => data?.code ?? status,
    );
    // Shown by a binding, so that nothing but a digest can show it.
    window.show = (promise) => void promise.then(
      () => { $rootScope.outcome = "done"; },
      ({ code, status, message }) => { $rootScope.outcome = `${status} ${code}: ${message}`; },
    );
  }]);
"""
POLICY = "default-src 'none'; script-src 'self'; connect-src 'self' http://localhost:*; img-src data:; style-src 'self'"


@pytest.fixture
def angularjs(context: BrowserContext, faults: Faults) -> BrowserContext:
    def page(route: Route) -> None:
        route.fulfill(body=PAGE, content_type="text/html", headers={"content-security-policy": POLICY})

    context.route("**/faults/page/", page)
    context.route("**/faults/template.html", lambda route: route.fulfill(body="A template.", content_type="text/html"))
    context.route("**/faults/page.js", lambda route: route.fulfill(body=SCRIPT, content_type="text/javascript"))
    return context


def opened(context: BrowserContext) -> Page:
    """A page that knows whether anybody is signed in."""
    page = context.new_page()
    page.goto("/faults/page/")
    expect(page.locator("#status")).to_have_text(re.compile("signed-(in|out)"))
    return page


@pytest.fixture
def page(angularjs: BrowserContext, faults: Faults) -> Page:
    """Ada is signed in, and what that took is not counted: the first page of a browser has asked for a session."""
    page = opened(angularjs)
    log_in(page)
    faults.set()
    return page


def log_in(page: Page, username: str = "ada", password: str = PASSWORD) -> None:
    page.evaluate("credentials => show(auth.login(credentials))", {"username": username, "password": password})
    expect(page.locator("#outcome")).not_to_be_empty()


def test_20_calls_that_meet_401_at_once_are_20_times_200_and_one_refresh(page: Page, faults: Faults) -> None:
    faults.set(spoil=True)

    assert page.evaluate("Promise.all(Array.from({ length: 20 }, () => call()))") == [200] * 20
    assert faults.refreshes == 1
    assert [asked["status"] for asked in faults.calls].count(401) == 20


@pytest.mark.parametrize("data", ["{ grade: 'A', note: 'grüß Gott' }", "' {\"a\" : 1} '", "new Blob(['\\0\\xff'])"])
def test_a_body_is_repeated_byte_for_byte_whatever_becomes_of_the_object_and_intercepted_once(
    page: Page, faults: Faults, data: str
) -> None:
    faults.set(spoil=True, delay={ECHO: 0.2})
    assert page.evaluate(
        f"""async () => {{
            intercepted = 0;
            const data = {data};
            const answer = call({{ method: "POST", url: "{ECHO}", data }});
            setTimeout(() => {{ data.grade = "B" }}, 100);
            return [await answer, intercepted];
        }}"""
    ) == [200, 1]
    first, second = [base64.b64decode(asked["body"]) for asked in faults.calls if asked["call"] == f"POST {ECHO}"]

    assert first
    assert first == second


def test_a_logout_in_another_tab_is_seen_here_without_a_touch(
    page: Page, angularjs: BrowserContext, faults: Faults
) -> None:
    other = opened(angularjs)
    expect(other.locator("#who")).to_have_text("ada")
    other.evaluate("show(auth.logout())")

    expect(page.locator("#status")).to_have_text("signed-out")
    expect(page.locator("#who")).to_be_empty()
    assert page.evaluate("call()") == 401
    assert page.evaluate("heard") == []
    assert faults.refreshes == 0


def test_a_wrong_password_is_the_servers_own_error_and_no_reason_to_refresh(
    angularjs: BrowserContext, faults: Faults, demo: Demo
) -> None:
    page = opened(angularjs)
    faults.set()
    log_in(page, password="wrong")

    said = demo.call("POST", "/auth/login/", {"username": "ada", "password": "wrong"}).json
    expect(page.locator("#outcome")).to_have_text(f"401 invalid_credentials: {said['error_description']}")
    assert faults.refreshes == 0


def test_after_a_reload_ada_is_signed_in_by_one_refresh(page: Page, faults: Faults) -> None:
    page.reload()

    expect(page.locator("#who")).to_have_text("ada")
    assert page.evaluate("call()") == 200
    assert faults.refreshes == 1


def test_the_token_goes_with_no_template_no_call_that_skips_it_and_nowhere_that_the_client_does_not_know(
    page: Page, faults: Faults, demo: Demo
) -> None:
    asked: list[tuple[str, bool]] = []
    page.on("request", lambda call: asked.append((urlsplit(call.url).path, "authorization" in call.headers)))
    page.evaluate("$rootScope.$apply('later = true')")
    expect(page.locator("#later")).to_have_text("A template.")
    calls: list[dict[str, Any]] = [
        {"skipAuthorization": True},
        {"url": demo.url.replace("127.0.0.1", "localhost") + "/profile/"},
        {"url": "/auth/login/", "method": "POST"},
        {"url": "/auth/refresh/", "method": "POST", "data": {"refresh_token": "none"}},
    ]
    for call in calls:
        page.evaluate("call => window.call(call)", call)

    paths = ["/faults/template.html", "/profile/", "/profile/", "/auth/login/", "/auth/refresh/"]
    assert asked == [(path, False) for path in paths]
    assert page.evaluate("call({ timeout: null })") == 200
    assert page.evaluate("call({ timeout: 20000 })") == 200
    assert page.evaluate("call({ headers: { authorization: 'Bearer of.his.own' } })") == 401


def test_a_refused_refresh_is_broadcast_once_as_unauthenticated(page: Page, faults: Faults, demo: Demo) -> None:
    (cookie,) = page.context.cookies()
    demo.post_with(cookie, "/auth/logout/")
    faults.set(spoil=True)

    assert page.evaluate("Promise.all([call(), call(), call()])") == [401] * 3
    expect(page.locator("#status")).to_have_text("signed-out")
    assert page.evaluate("heard") == ["invalid_grant"]


def test_a_call_of_the_user_before_ends_in_the_clients_own_error(
    page: Page, angularjs: BrowserContext, faults: Faults
) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/profile/", hold)
    page.evaluate("() => { window.answer = call() }")
    other = opened(angularjs)
    log_in(other, "alan")
    expect(page.locator("#who")).to_have_text("alan")
    held[0].continue_()

    assert page.evaluate("answer") == "session_changed"
    assert faults.count("GET /profile/") == 1


def test_a_call_that_is_cancelled_while_the_token_is_refreshed_is_not_sent_again(page: Page, faults: Faults) -> None:
    faults.set(spoil=True, delay={"/auth/refresh/": 0.5})
    answer = page.evaluate(
        """() => {
            const giveUp = $q.defer();
            setTimeout(() => $rootScope.$apply(() => giveUp.resolve()), 300);
            return call({ timeout: giveUp.promise });
        }"""
    )

    assert answer == -1
    page.wait_for_timeout(800)
    assert faults.refreshes == 1
    assert faults.count("GET /profile/") == 1
