"""What a plain view says of itself: who may call it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, TypeVar, cast

from asgiref.sync import iscoroutinefunction
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest

from . import auth
from .errors import IroncladError
from .http import answers, token_endpoint, token_response
from .requirements import Requirement

__all__ = ["public", "requires", "requires_recent_login", "strict", "token_endpoint", "token_response"]

View = TypeVar("View", bound=Callable[..., Any])


def public(view: View) -> View:
    """Anybody may call this view: `BearerMiddleware` ignores its `Authorization` header, be it right, stale or garbage.

    It says `login_not_required` as well and is an attribute as that is, so it survives other decorators; on class-based
    views use `method_decorator(public, name="dispatch")`.
    """
    view.ironclad_public = True  # type: ignore[attr-defined]
    view.login_required = False  # type: ignore[attr-defined]
    return view


def strict(view: View) -> View:
    """This view asks the database: one query, and whoever was ended a moment ago is refused. Used as `public` is."""
    view.ironclad_strict = True  # type: ignore[attr-defined]
    return view


def requires(
    *, scope: str | None = None, group: str | None = None, permission: str | None = None
) -> Callable[[View], View]:
    """Only who comes with an access token, and has all of this, may call the view. Needs `BearerMiddleware`.

    Scope and group are the token's, and cost no query; a permission is Django's own. Without a token it is 401, with
    one that is not enough 403 `insufficient_scope` or `access_denied`. On a class-based view, decorate `as_view()`.
    """
    return _requires(Requirement(scope=scope, group=group, permission=permission))


def requires_recent_login(*, max_age: timedelta) -> Callable[[View], View]:
    """Only who has logged in or proved who they are within `max_age`: else 401 `insufficient_user_authentication`.

    `POST reauthenticate/` renews that (RFC 9470). Used as `requires` is.
    """
    return _requires(Requirement(max_age=max_age))


def _requires(requirement: Requirement) -> Callable[[View], View]:
    def decorate(view: View) -> View:
        if iscoroutinefunction(view):

            @wraps(view)
            async def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
                try:
                    await auth.aauthorize(*_whose(request), requirement)
                except IroncladError as error:
                    return answers.refuse(error)
                return await view(request, *args, **kwargs)

        else:

            @wraps(view)
            def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
                try:
                    auth.authorize(*_whose(request), requirement)
                except IroncladError as error:
                    return answers.refuse(error)
                return view(request, *args, **kwargs)

        return cast("View", guarded)

    return decorate


def _whose(request: Any) -> tuple[Any, object]:
    if not hasattr(request, "META"):
        raise ImproperlyConfigured(
            f"requires() is for functions, and was called with a {type(request).__name__} for a request. For a view "
            "that is a class decorate as_view(); for one of its methods write @method_decorator(requires(…))."
        )
    try:
        return request.user, request.auth
    except AttributeError:
        raise ImproperlyConfigured(
            "requires() reads what BearerMiddleware finds: add django_ironclad.middleware.BearerMiddleware to "
            "MIDDLEWARE. In a view of Django REST framework use permission_classes = [django_ironclad.drf.requires(…)]."
        ) from None
