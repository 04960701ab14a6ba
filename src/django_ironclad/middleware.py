"""`request.user` for plain Django views: whoever a Bearer token says; without one, whoever Django's session says."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponse

from . import answers, auth, http
from .errors import IroncladError
from .realms import enter
from .tokens import AccessToken
from .users import admit


class BearerMiddleware:
    """Stands before `CsrfViewMiddleware`: a request that a Bearer token authenticates needs no CSRF token.

    A bad token is 401 on every view but a `public` one; DRF's views and Ninja's operations are left to
    the authentication of their own.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse | Awaitable[HttpResponse]]) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)
            self.process_view = self._aprocess_view  # type: ignore[method-assign, assignment]

    def __call__(self, request: HttpRequest) -> HttpResponse | Awaitable[HttpResponse]:
        request.auth = None  # type: ignore[attr-defined]
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        enter(request)
        try:
            token = _token_for(request, view)
            if token:
                _admit(request, *auth.authenticate(token, strict=_is_strict(view)))
        except IroncladError as error:
            return self.process_exception(request, error)
        return None

    async def _aprocess_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        enter(request)
        try:
            token = _token_for(request, view)
            if token:
                _admit(request, *await auth.aauthenticate(token, strict=_is_strict(view)))
        except IroncladError as error:
            return self.process_exception(request, error)
        return None

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Ours becomes its answer, also when it was raised in the view: a lazy user whose row is gone."""
        return answers.refuse(error) if isinstance(error, IroncladError) else None


def _token_for(request: HttpRequest, view: Any) -> str:
    """The Bearer token that is ours to judge, "" when there is none."""
    return "" if _judges_for_itself(view) else http.bearer_token(request)


def _judges_for_itself(view: Any) -> bool:
    """A `public` view wants nobody judged; DRF's views and Ninja's operations have authentication of their own."""
    return (
        getattr(view, "ironclad_public", False)
        or hasattr(getattr(view, "cls", None), "authentication_classes")
        or getattr(view, "__module__", "") == "ninja.operation"
    )


def _is_strict(view: Any) -> bool:
    return getattr(view, "ironclad_strict", False)


def _admit(request: Any, user: Any, token: AccessToken) -> None:
    admit(request, user, token)
    # What CsrfViewMiddleware itself sets once it is content: nothing ambient authenticates this request.
    request.csrf_processing_done = True
