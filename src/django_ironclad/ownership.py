"""Whose a view is: `BearerMiddleware`'s to judge, or DRF's, Ninja's, Django's admin's, or everybody's."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache, partial
from types import FunctionType, MethodType
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest
from django.urls import URLResolver, get_resolver
from django.utils.functional import LazyObject
from django.views import View

#: Of Django's admin and admindocs, `staff_member_required` included: they are made for Django's own login.
ADMIN: Final = "django.contrib.admin"
NINJA: Final = "ninja.operation"


def is_ours(request: HttpRequest, view: Any) -> bool:
    """Whether a Bearer token opens this view by the middleware's word.

    A `public` view wants nobody judged; DRF's views and Ninja's operations have authentication of their own, and
    Django's admin has Django's session only: under whatever name, and whoever wrapped their views.
    """
    if getattr(view, "ironclad_public", False) or _is_elsewhere(view):
        return False
    match = request.resolver_match
    return match is None or not match.namespaces or not _is_within_an_admin(request, tuple(match.namespaces))


@lru_cache(maxsize=4096)
def may_ask_us(view: Any) -> bool:
    """Whether DRF asks a class of ours here, at least where no other class of the view has found somebody before."""
    classes = (getattr(getattr(part, "cls", None), "authentication_classes", ()) for part in parts_of(view))
    return any(getattr(each, "reads_bearer", False) for found in classes for each in found)


@lru_cache(maxsize=4096)
def _is_elsewhere(view: Any) -> bool:
    return any(_is_of(part, ADMIN, NINJA) or _is_rest_framework(part) for part in parts_of(view))


def _is_of(part: Any, *modules: str) -> bool:
    if type(part) is FunctionType:
        # Not `__module__`, which `functools.wraps` replaces.
        return str(part.__globals__.get("__name__")).startswith(modules)
    kind = part if isinstance(part, type) else type(part)
    return any(each.__module__.startswith(modules) for each in kind.__mro__)


def _is_rest_framework(part: Any) -> bool:
    return type(part) is FunctionType and hasattr(vars(part).get("cls"), "authentication_classes")


def parts_of(view: Any) -> Iterator[Any]:
    """The view and what it is made of, however it was wrapped: by decorators with and without `wraps`, or a class."""
    todo, seen = [view], set()
    while todo:
        part = todo.pop()
        # Whoever asks a lazy object for anything sets it up.
        if id(part) not in seen and not issubclass(type(part), LazyObject):
            seen.add(id(part))
            yield part
            todo += _within(part)


def _within(part: Any) -> list[Any]:
    kind = type(part)
    if kind is FunctionType:
        return [*vars(part).values(), *_closure(part)]
    if kind is MethodType:
        return [part.__func__, part.__self__]
    if issubclass(kind, partial):
        return [part.func, *part.args, *part.keywords.values()]
    if kind in (tuple, list):
        return list(part)
    if issubclass(kind, type):
        names = ("dispatch", *part.http_method_names) if issubclass(part, View) else ()
        return [getattr(part, name) for name in names if hasattr(part, name)]
    # An object that is called as a view: what it calls in turn, it holds.
    return list(vars(part).values()) if callable(part) and hasattr(part, "__dict__") else []


def _closure(function: FunctionType) -> Iterator[Any]:
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # Not filled yet.
            continue


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
