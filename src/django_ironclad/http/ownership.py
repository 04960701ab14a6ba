"""Whose a view is: `BearerMiddleware`'s to judge, or DRF's, Ninja's, Django's admin's, or everybody's."""

from __future__ import annotations

from functools import lru_cache
from types import FunctionType
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest
from django.urls import ResolverMatch, URLResolver, get_resolver

from .parts import HOPS, parts_of

#: Of Django's admin and admindocs, `staff_member_required` included: they are made for Django's own login.
ADMIN: Final = "django.contrib.admin"
NINJA: Final = "ninja.operation"


def is_ours(request: HttpRequest, view: Any, match: ResolverMatch | None = None) -> bool:
    """Whether a Bearer token opens this view by the middleware's word.

    A `public` view wants nobody judged; DRF's views and Ninja's operations have authentication of their own, and
    Django's admin has Django's session only: under whatever name, and whoever wrapped or merely names their views. That
    is the safe mistake: a view of the project's own that names one of theirs is left to the session.
    """
    if getattr(view, "ironclad_public", False) or _is_elsewhere(view):
        return False
    match = match or request.resolver_match
    return match is None or not match.namespaces or not _is_within_an_admin(request, tuple(match.namespaces))


def is_for_sessions(request: HttpRequest, match: ResolverMatch) -> bool:
    """Whether nothing but Django's session opens what is here: an admin's, or a view of DRF's that never asks us."""
    view = match.func
    if getattr(view, "ironclad_public", False):
        return False
    return not (may_ask_us(view) or _is_ninjas(view) or is_ours(request, view, match))


@lru_cache(maxsize=4096)
def may_ask_us(view: Any) -> bool:
    """Whether DRF asks a class of ours here, at least where no other class of the view has found somebody before."""
    classes = (getattr(_class_of(part), "authentication_classes", ()) for part in parts_of(view, hops=HOPS))
    return any(getattr(each, "reads_bearer", False) for found in classes for each in found)


@lru_cache(maxsize=4096)
def _is_ninjas(view: Any) -> bool:
    return any(_is_of(part, NINJA) for part in parts_of(view))


@lru_cache(maxsize=4096)
def _is_elsewhere(view: Any) -> bool:
    return any(_is_of(part, ADMIN, NINJA) or _is_rest_framework(part) for part in parts_of(view, hops=HOPS))


def _is_of(part: Any, *modules: str) -> bool:
    if type(part) is FunctionType:
        # Not `__module__`, which `functools.wraps` replaces.
        return str(part.__globals__.get("__name__")).startswith(modules)
    kind = part if isinstance(part, type) else type(part)
    return any(each.__module__.startswith(modules) for each in kind.__mro__)


def _is_rest_framework(part: Any) -> bool:
    return hasattr(_class_of(part), "authentication_classes")


def _class_of(part: Any) -> Any:
    """The class of a view of DRF, as its `as_view()` tells, or itself."""
    return vars(part).get("cls") if type(part) is FunctionType else part if isinstance(part, type) else None


def _is_within_an_admin(request: HttpRequest, namespaces: tuple[str, ...]) -> bool:
    """Whether these are an admin site's URLs: its `get_urls` may hold views that nothing else tells from one's own."""
    return _has_an_admin(get_resolver(getattr(request, "urlconf", settings.ROOT_URLCONF)), namespaces)


@lru_cache(maxsize=1024)
def _has_an_admin(resolver: URLResolver, namespaces: tuple[str, ...]) -> bool:
    for name in namespaces:
        if name not in resolver.namespace_dict:
            return False
        resolver = resolver.namespace_dict[name][1]
        # What AdminSite.get_urls itself puts on its views, and nobody else.
        if any(hasattr(getattr(pattern, "callback", None), "admin_site") for pattern in resolver.url_patterns):
            return True
    return False
