"""The URLs of the project that views of theirs serve, its subclasses of them included."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

from ..http import parts_of
from .counterparts import counterpart
from .findings import Does, Finding
from .packages import Package


def find(package: Package) -> Iterator[Finding]:
    for route, name, view in _routes(get_resolver(), ""):
        theirs = next((each for each in map(_dotted, _kinds(view)) if package.within(each)), "")
        if theirs and not theirs.startswith(package.ours or "-"):
            ours = counterpart(package, theirs)
            does: Does = "to know" if package.beside else "changes" if ours else "by hand"
            known_as = f' (name "{name}")' if name else ""
            without = "stays" if package.beside else "no counterpart here"
            says = f"{theirs}{known_as} → {ours}" if ours else f"{theirs}{known_as}: {without}"
            yield Finding("M040", f"/{route}", 0, does, says)


def _routes(resolver: URLResolver, before: str) -> Iterator[tuple[str, str, Any]]:
    for pattern in resolver.url_patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _routes(pattern, route)
        elif isinstance(pattern, URLPattern):
            yield route, pattern.name or "", pattern.callback


def _kinds(view: Any) -> Iterator[Any]:
    """The classes and functions that a view is made of, and what they inherit from."""
    for part in parts_of(view):
        kind = getattr(part, "cls", None) or getattr(part, "view_class", None) or part
        yield from kind.__mro__ if isinstance(kind, type) else [kind]


def _dotted(each: Any) -> str:
    return f"{getattr(each, '__module__', '')}.{getattr(each, '__qualname__', '')}"
