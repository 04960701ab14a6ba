"""`{% ironclad_importmap %}`: a page without a bundler imports the browser client by its names on npm."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from django import template
from django.template import Context, TemplateSyntaxError
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

_FOLDER = Path(__file__).parents[1] / "static"
#: Each module by its name on npm, such as "django-ironclad/vue". AngularJS knows no modules: its build is a script.
MODULES: Final = {
    f"django-{file.stem}".replace("ironclad-", "ironclad/"): file.relative_to(_FOLDER).as_posix()
    for file in sorted(_FOLDER.glob("django_ironclad/ironclad*.js"))
    if file.stem != "ironclad-angularjs"
}


@register.simple_tag(takes_context=True)
def ironclad_importmap(context: Context, *own: str, nonce: object = "") -> SafeString:
    """The page's import map. `own` are more names, each followed by its file: a page has one map for everything.

    A file is a path below `STATIC_URL`, or an address if it begins with `/` or `https://`. The nonce of the page's
    content security policy is found where Django and django-csp put it; a project that has its own names it.
    """
    if len(own) % 2:
        raise TemplateSyntaxError('ironclad_importmap takes a file after each name: "vue" "vendor/vue.js"')
    files = {**MODULES, **dict(zip(own[::2], own[1::2], strict=True))}
    # A script ends at the first `</script`, in a JSON text too.
    text = json.dumps({"imports": {name: _address(file) for name, file in files.items()}}).replace("<", "\\u003C")
    return format_html('<script type="importmap"{}>{}</script>', _nonce(context, nonce), mark_safe(text))  # noqa: S308


def _address(file: str) -> str:
    return file if file.startswith(("/", "https://", "http://")) else static(file)


def _nonce(context: Context, given: object) -> str:
    request = getattr(context, "request", None)
    for nonce in (given, context.get("csp_nonce"), getattr(request, "csp_nonce", None)):
        # Not `if nonce`: until its text is asked for, a lazy one is false.
        if nonce is not None and str(nonce):
            return format_html(' nonce="{}"', str(nonce))
    return ""
