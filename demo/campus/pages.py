"""The pages: templates, beside the sources that they are about."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from django.views.generic import TemplateView

SOURCES = Path(__file__).parent / "static" / "campus"


class Tour(TemplateView):
    """The client from all sides, and the file that it is made by."""

    template_name = "campus/index.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(ten_lines=(SOURCES / "ten-lines.js").read_text(), **kwargs)


class IroncladAngularJS(TemplateView):
    """AngularJS with our adapter, and what of its script differs from the one without."""

    template_name = "campus/angularjs_ironclad.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        names = ("angularjs.js", "angularjs-ironclad.js")
        texts = [(SOURCES / name).read_text() for name in names]
        theirs, ours = map(code, texts)
        sources = [
            {"name": name, "text": text, "lines": lines.total(), "own": (lines - other).total()}
            for name, text, lines, other in zip(names, texts, (theirs, ours), (ours, theirs), strict=True)
        ]
        return super().get_context_data(sources=sources, fewer=theirs.total() - ours.total(), **kwargs)


def code(script: str) -> Counter[str]:
    """The lines of a script that are neither blank nor a comment, and how often each is there."""
    lines = (line.strip() for line in script.splitlines())
    return Counter(line for line in lines if line and not line.startswith(("//", "/*")))
