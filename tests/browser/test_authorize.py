"""The docs pages of a project: "Authorize" takes an access token, and what is tried out then is answered."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from .running import ROOT, Demo, demo_environment, running

# In Firefox the form of Swagger UI took no token when Playwright filled it in; why is not known.
pytestmark = [pytest.mark.browser, pytest.mark.browsers("chromium")]


@pytest.fixture(scope="module")
def documented(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    data = tmp_path_factory.mktemp("documented") / "data"
    environment = demo_environment(data) | {
        "DJANGO_SETTINGS_MODULE": "tests.browser.settings_documented",
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
    }
    with running(data, env=environment) as demo:
        yield demo


@pytest.fixture
def page(browser: Browser, documented: Demo) -> Iterator[Page]:
    context = browser.new_context(base_url=documented.url)
    yield context.new_page()
    context.close()


@pytest.mark.parametrize(
    ("docs", "view"),
    [("/ninja/docs", "/ninja/profile/"), ("/ninja/docs?url=/schema/", "/profile/")],
    ids=["Django Ninja", "drf-spectacular"],
)
def test_authorize_takes_a_token_and_a_call_is_answered(page: Page, documented: Demo, docs: str, view: str) -> None:
    page.goto(docs)
    for path in (view, "/auth/me/"):
        try_out(page, path, 401)

    page.get_by_role("button", name="Authorize").first.click()
    form = page.locator(".auth-container").filter(has_text="Bearer")
    form.locator("input").fill(documented.login("ada")["access_token"])
    form.get_by_role("button", name="Apply credentials").click()
    form.get_by_role("button", name="Close").click()

    for path in (view, "/auth/me/"):
        try_out(page, path, 200)


def try_out(page: Page, path: str, status: int) -> None:
    """GET this path by the page's own buttons; it shows this status then."""
    block = page.locator(".opblock-get", has=page.locator(f'[data-path="{path}"]'))
    execute = block.get_by_role("button", name="Execute")
    if not execute.is_visible():
        block.locator(".opblock-summary-control").click()
        block.get_by_role("button", name="Try it out").click()
    execute.click()
    expect(block.locator(".live-responses-table .response-col_status").last).to_contain_text(str(status))
    if status == 200:
        expect(block.locator(".live-responses-table")).to_contain_text('"ada"')
