"""What axe-core, which we did not write, says of every page of the demo: nothing that is serious."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from .running import PASSWORD, ROOT, Demo

pytestmark = pytest.mark.browser

AXE = ROOT / "client" / "node_modules" / "axe-core" / "axe.min.js"
RUN = """async () => (await axe.run({ resultTypes: ["violations"] })).violations
    .filter(({ impact }) => ["serious", "critical"].includes(impact))
    .flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`))"""
LOOKS: list[dict[str, Any]] = [
    {"viewport": {"width": 1280, "height": 900}},
    {"viewport": {"width": 360, "height": 740}, "color_scheme": "dark", "reduced_motion": "reduce"},
]


@pytest.fixture(params=LOOKS, ids=["desktop", "dark phone"])
def page(request: pytest.FixtureRequest, browser: Browser, demo: Demo) -> Iterator[Page]:
    context = browser.new_context(base_url=demo.url, **request.param)
    yield context.new_page()
    context.close()


def complaints(page: Page) -> list[str]:
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(AXE.read_text())
    # A colour that is on its way to another is neither.
    page.evaluate("document.getAnimations().forEach(animation => animation.finish())")
    return list(page.evaluate(RUN))


def log_in(page: Page, password: str = PASSWORD) -> None:
    page.get_by_label("User name").fill("ada")
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Log in", exact=True).click()


def test_axe_finds_what_is_wrong(page: Page) -> None:
    page.goto("/")
    expect(page.get_by_label("User name")).to_be_visible()
    page.evaluate("document.querySelector('label[for=password]').remove()")

    assert any(complaint.startswith("label: ") and "password" in complaint for complaint in complaints(page))


def test_the_tour_is_accessible_signed_out_refused_and_signed_in(page: Page) -> None:
    page.goto("/")
    expect(page.get_by_label("User name")).to_be_visible()
    assert complaints(page) == []

    log_in(page, "open-sesame-43")
    expect(page.get_by_role("alert")).not_to_be_empty()
    assert complaints(page) == []

    log_in(page)
    expect(page.get_by_role("heading", name="Signed in as ada")).to_be_visible()
    page.evaluate("document.querySelectorAll('details').forEach(details => (details.open = true))")
    for name in ("All grades", "20 at once, expired"):
        page.get_by_role("button", name=name, exact=True).click()
    expect(page.locator(".status").last).to_have_text("20 × 200")
    page.get_by_role("button", name="All grades", exact=True).click()
    expect(page.locator("#why")).to_be_visible()
    expect(page.locator("#devices li")).not_to_have_count(0)
    assert complaints(page) == []


@pytest.mark.parametrize("path", ["/seed/angularjs/", "/seed/angularjs/ironclad/"])
def test_the_angularjs_pages_are_accessible_signed_out_and_in(page: Page, path: str) -> None:
    page.goto(path)
    expect(page.get_by_label("User name")).to_be_visible()
    page.evaluate("document.querySelectorAll('details').forEach(details => (details.open = true))")
    assert complaints(page) == []

    log_in(page)
    expect(page.get_by_role("heading", name="Signed in as ada")).to_be_visible()
    page.get_by_role("button", name="My grades").click()
    expect(page.locator("#answer")).to_contain_text('"student": "ada"')
    assert complaints(page) == []
