"""What a plain view says of itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

View = TypeVar("View", bound=Callable[..., Any])


def public(view: View) -> View:
    """Anybody may call this view: `BearerMiddleware` ignores its `Authorization` header, be it right, stale or garbage.

    As Django's `login_not_required`, it is an attribute, so it survives other decorators; on class-based views use
    `method_decorator(public, name="dispatch")`.
    """
    view.ironclad_public = True  # type: ignore[attr-defined]
    return view


def strict(view: View) -> View:
    """This view asks the database: one query, and whoever was ended a moment ago is refused. Used as `public` is."""
    view.ironclad_strict = True  # type: ignore[attr-defined]
    return view
