"""Every page runs under a policy that lets in this origin's scripts, and inline what carries the nonce."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from .running import PASSWORD, Demo

pytestmark = pytest.mark.browser

PAGES = ["/", "/seed/angularjs/", "/seed/angularjs/ironclad/", "/admin/login/"]


def policy(demo: Demo, path: str) -> dict[str, list[str]]:
    header = demo.call("GET", path).headers["Content-Security-Policy"]
    return {name: sources for name, *sources in (directive.split() for directive in header.split(";"))}


@pytest.mark.parametrize("path", [*PAGES, "/public-data/"])
def test_scripts_are_this_origins_or_carry_a_nonce_that_no_other_answer_has(demo: Demo, path: str) -> None:
    first, second = policy(demo, path), policy(demo, path)

    assert first["script-src"][0] == "'self'"
    assert re.fullmatch(r"'nonce-[\w-]{22}'", first["script-src"][1])
    assert len(first["script-src"]) == 2
    assert first["script-src"] != second["script-src"]
    assert {**first, "script-src": []} == {
        "default-src": ["'self'"],
        "script-src": [],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
        "object-src": ["'none'"],
    }


@pytest.mark.parametrize("path", PAGES)
def test_a_page_has_no_script_style_or_handler_inside_it_but_the_import_map(demo: Demo, path: str) -> None:
    text = demo.call("GET", path).text

    inline = [tag for tag in re.findall(r"<script\b[^>]*>", text) if "src=" not in tag]
    assert all(re.fullmatch(r'<script type="importmap" nonce="[\w-]{22}">', tag) for tag in inline)
    assert len(inline) == (path == "/")
    assert not re.search(r'<style|\sstyle="|\son\w+="', text)


def test_a_script_that_somebody_smuggled_in_does_not_run(browser: Browser, demo: Demo) -> None:
    page = browser.new_page(base_url=demo.url)  # its console will complain
    page.add_init_script(
        "addEventListener('securitypolicyviolation', e => (window.refused ??= []).push(e.violatedDirective))"
    )
    page.goto("/")
    page.evaluate("document.body.append(Object.assign(document.createElement('script'), {text: 'window.stolen = 1'}))")
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"stolen = 2\">')")

    page.wait_for_function("window.refused?.length === 2")
    assert page.evaluate("window.stolen") is None
    page.context.close()


@pytest.mark.parametrize("path", ["/", "/seed/angularjs/", "/seed/angularjs/ironclad/"])
def test_nothing_that_a_page_does_meets_its_policy(page: Page, path: str) -> None:
    page.add_init_script("addEventListener('securitypolicyviolation', e => { throw new Error(e.violatedDirective) })")
    page.goto(path)
    page.get_by_label("User name").fill("ada")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).click()
    expect(page.get_by_role("heading", name="Signed in as ada")).to_be_visible()
    page.get_by_role("button", name="My grades", exact=True).click()

    expect(page.locator("#answer")).to_contain_text('"student": "ada"')
