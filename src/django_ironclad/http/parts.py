"""What a view is made of, by looking alone: nothing is called, imported or set up."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any, Final

from django.utils.functional import LazyObject
from django.views import View

#: How often names are followed, to find out whose a view is: a view that names a function that names another view.
HOPS: Final = 2
#: Whoever names more than this has tables in the place of views.
LIMIT: Final = 5000
#: What these name they do not call as a view of the project's.
_FRAMEWORKS: Final = {"django", "rest_framework", "ninja", "django_ironclad"}
#: Of the admin, but no views.
_HELPERS: Final = ("django.contrib.admin.utils", "django.contrib.admin.models")


def parts_of(view: Any, *, hops: int = 0) -> Iterator[Any]:
    """The view and what it is made of, however it was wrapped: by decorators with and without `wraps`, or a class.

    With `hops`, what a function names of its module counts as well, whether it calls it or only mentions it, and what
    that names in turn, so many times.
    """
    todo, seen = [(view, hops)], set[int]()
    while todo and len(seen) < LIMIT:
        part, left = todo.pop()
        # Whoever asks a lazy object for anything sets it up.
        if id(part) not in seen and not issubclass(type(part), LazyObject):
            seen.add(id(part))
            yield part
            todo += [(each, left) for each in _within(part)]
            if left and type(part) is FunctionType and not _is_a_frameworks(part.__globals__.get("__name__")):
                todo += [(each, left - 1) for each in _named(part)]


def _within(part: Any) -> list[Any]:
    kind = type(part)
    if kind is FunctionType:
        defaults = [*(part.__defaults__ or ()), *(part.__kwdefaults__ or {}).values()]
        return [*vars(part).values(), *_closure(part), *defaults]
    if kind is MethodType:
        return [part.__func__, part.__self__]
    if kind in (staticmethod, classmethod):
        return [part.__func__]
    if issubclass(kind, partial):
        return [part.func, *part.args, *part.keywords.values()]
    if kind in (tuple, list):
        return list(part)
    if kind is dict:
        return list(part.values())
    if issubclass(kind, type):
        return _of_class(part) if issubclass(part, View) else []
    if not callable(part):
        return []
    # An object that is called as a view: what it calls in turn, it holds or names.
    called = [vars(each)["__call__"] for each in kind.__mro__ if "__call__" in vars(each)][:1]
    return [*(vars(part).values() if hasattr(part, "__dict__") else ()), *called]


def _of_class(view: type[View]) -> list[Any]:
    names = ("dispatch", *view.http_method_names)
    of_the_project = [each for each in view.__mro__ if not _is_a_frameworks(each.__module__)]
    own = [value for each in of_the_project for value in vars(each).values() if _may_be_a_view(value)]
    return [*(getattr(view, name) for name in names if hasattr(view, name)), *own]


def _closure(function: FunctionType) -> Iterator[Any]:
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # Not filled yet.
            continue


def _named(function: FunctionType) -> Iterator[Any]:
    """What may be views, or hold some, of that which this function names of its module, or of modules named there."""
    names = set(_names(function.__code__))
    spaces = {id(function.__globals__): function.__globals__}
    todo = list(spaces.values())
    while todo:
        space = todo.pop()
        for value in [space[name] for name in names & space.keys()]:
            if issubclass(type(value), ModuleType):
                if id(vars(value)) not in spaces:
                    spaces[id(vars(value))] = vars(value)
                    todo.append(vars(value))
            elif _is_an_admin(type(value)):
                # Not the object itself: Django's own site is a lazy one.
                yield type(value)
            elif _may_be_a_view(value):
                yield value


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if type(constant) is CodeType:
            yield from _names(constant)


def _may_be_a_view(value: Any) -> bool:
    kind = type(value)
    if kind is FunctionType:
        return not str(value.__globals__.get("__name__")).startswith(_HELPERS)
    if issubclass(kind, type):
        return issubclass(value, View) or _is_an_admin(value)
    return kind in (dict, list, tuple, staticmethod, classmethod) or (
        not issubclass(kind, LazyObject) and callable(value)
    )


def _is_an_admin(kind: type) -> bool:
    """Whether it is an `AdminSite` or a `ModelAdmin`, or Django's own site, which becomes one when it is asked."""
    return any(
        each.__module__.startswith(("django.contrib.admin.sites", "django.contrib.admin.options"))
        for each in kind.__mro__
    )


def _is_a_frameworks(module: object) -> bool:
    return str(module).partition(".")[0] in _FRAMEWORKS
