"""The browser client among the static files, and the import map by which a page without a bundler finds it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.http import HttpRequest, HttpResponse
from django.template import Context, RequestContext, Template, TemplateSyntaxError
from django.test import RequestFactory, override_settings
from django.utils.functional import SimpleLazyObject

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "src/django_ironclad/static"


class Scripts(HTMLParser):
    """What a browser takes for the scripts of a page: the attributes and the text of each."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[dict[str, str | None], str]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag == "script"
        self.found.append((dict(attrs), ""))

    def handle_data(self, data: str) -> None:
        attributes, text = self.found.pop()
        self.found.append((attributes, text + data))


def render(
    arguments: str = "", request: HttpRequest | None = None, **variables: Any
) -> tuple[str | None, dict[str, str]]:
    """The nonce and the entries of the map that the tag prints."""
    template = Template("{% load ironclad %}{% ironclad_importmap " + arguments + " %}")
    context = RequestContext(request, variables) if request else Context(variables)
    ((attributes, text),) = Scripts(template.render(context)).found
    assert attributes.pop("type") == "importmap"
    nonce = attributes.pop("nonce", None)
    assert attributes == {}
    return nonce, json.loads(text)["imports"]


def test_the_map_has_each_module_by_its_name_on_npm_and_each_is_there() -> None:
    nonce, imports = render()

    exports = json.loads((ROOT / "client/package.json").read_text())["exports"]
    without = {"./angular", "./angularjs"}  # the one is compiled by the project, the other is no module
    assert imports["django-ironclad"] == "/static/django_ironclad/ironclad.js"
    assert set(imports) == {f"django-ironclad{name[1:]}" for name in set(exports) - without}
    assert nonce is None
    for address in imports.values():
        assert (STATIC / address.removeprefix("/static/")).is_file()


def test_no_build_names_another_file() -> None:
    """`ManifestStaticFilesStorage` fails on the source map that is not there, and rewrites no import."""
    for file in STATIC.rglob("*.js"):
        text = file.read_text()
        assert "sourceMappingURL" not in text
        assert not re.search(r"""(from|import)\s*\(?\s*["'][./]""", text)


class _Lazy(SimpleLazyObject):
    """A nonce as Django and django-csp have it: false until its text is asked for."""

    def __init__(self, text: str) -> None:
        super().__init__(lambda: text)

    def __bool__(self) -> bool:
        return False


def test_the_nonce_is_found_where_django_and_django_csp_put_it() -> None:
    request = RequestFactory().get("/")
    assert render(request=request)[0] is None
    assert render(request=request, csp_nonce=None)[0] is None

    assert render(request=request, csp_nonce=_Lazy("djangos"))[0] == "djangos"
    request.csp_nonce = _Lazy("django-csps")  # type: ignore[attr-defined]
    assert render(request=request)[0] == "django-csps"
    assert render("nonce=mine", request=request, mine=_Lazy("mine"))[0] == "mine"
    assert render("nonce=missing", request=request)[0] == "django-csps"


def test_a_page_adds_entries_of_its_own() -> None:
    own = '"vue" "vendor/vue.js" "@scope/x" address "mine/" "mine/" "django-ironclad/vue" "/elsewhere.js"'

    _, imports = render(own, address="https://cdn.example/x.js")

    assert (
        imports.items()
        >= {
            "django-ironclad": "/static/django_ironclad/ironclad.js",
            "vue": "/static/vendor/vue.js",
            "@scope/x": "https://cdn.example/x.js",
            "mine/": "/static/mine/",
            "django-ironclad/vue": "/elsewhere.js",
        }.items()
    )


def test_a_name_without_a_file_is_a_mistake() -> None:
    with pytest.raises(TemplateSyntaxError, match="a file after each name"):
        render('"vue"')


@pytest.mark.parametrize("text", ["</script><script>alert(1)//", "<!--<script>", "\"&quot;'", "\u2028é"])
def test_whatever_an_entry_or_a_nonce_says_it_stays_one_script(text: str) -> None:
    nonce, imports = render("text address nonce=text", text=text, address=f"/{text}")

    assert nonce == text
    assert imports[text] == f"/{text}"


@pytest.fixture
def collected(tmp_path: Path) -> Iterator[Path]:
    """`collectstatic` with hashed names, which fails on a file that names one that is not there."""
    hashed = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"}}
    with override_settings(
        INSTALLED_APPS=[*settings.INSTALLED_APPS, "django.contrib.staticfiles"],
        STATIC_ROOT=tmp_path,
        STORAGES={**settings.STORAGES, **hashed},
    ):
        call_command("collectstatic", interactive=False, verbosity=0)
        yield tmp_path


def test_collected_with_hashed_names_the_map_names_the_hashed_files(collected: Path) -> None:
    _, imports = render('"admin" "admin/js/core.js"')

    for name, address in imports.items():
        assert re.fullmatch(r"/static/[\w/-]+\.[0-9a-f]{12}\.js", address), name
        assert (collected / address.removeprefix("/static/")).is_file()


def test_the_nonce_is_that_of_djangos_own_policy() -> None:
    csp = pytest.importorskip("django.middleware.csp", reason="Django before 6.0 has none")
    from django.template.context_processors import csp as processor

    template = Template("{% load ironclad %}{% ironclad_importmap %}")

    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(template.render(RequestContext(request, processors=[processor])))

    with override_settings(SECURE_CSP={"script-src": ["'self'", "<CSP_NONCE_SENTINEL>"]}):
        answer = csp.ContentSecurityPolicyMiddleware(view)(RequestFactory().get("/"))

    ((attributes, _),) = Scripts(answer.content.decode()).found
    assert answer["Content-Security-Policy"] == f"script-src 'self' 'nonce-{attributes['nonce']}'"
