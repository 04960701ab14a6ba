"""The border of our own views, and of a project's that answer with tokens: there errors become answers, once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, TypeVar, cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, transaction
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables

from .. import auth
from ..auth import Page, pages, require_page
from ..database import database_needed
from ..errors import InvalidRequest, IroncladError, OriginNotAllowed
from ..realms import enter
from ..sessions import TokenResponse
from ..tokens import AccessToken
from . import answers, cookie
from .answers import error_answer, log, protect
from .bearer import required_token
from .body import read_any_body
from .origin import check_form
from .transports import login_transport

View = TypeVar("View", bound=Callable[..., Any])


def token_endpoint(view: View) -> View:
    """For a view of yours that begins a session or answers with tokens: a sign-up, a code by mail, a single sign-on.

    A page of another site that asks for the cookie is refused before the view runs. Errors of ours become their
    answers. Neither Django's CSRF check nor a transaction of `ATOMIC_REQUESTS` is around it. A view that anybody may
    call is `public` as well.
    """
    if iscoroutinefunction(view):

        @wraps(view)
        async def border(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            try:
                look_at_page(request)
                with database_needed():
                    response = await view(request, *args, **kwargs)
            except IroncladError as error:
                response = answers.refuse(error)
            return answers.protect(response)

    else:

        @wraps(view)
        def border(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            try:
                look_at_page(request)
                with database_needed():
                    response = view(request, *args, **kwargs)
            except IroncladError as error:
                response = answers.refuse(error)
            return answers.protect(response)

    guarded: Any = csrf_exempt(_of_a_request(sensitive_post_parameters()(sensitive_variables()(border))))
    for alias in connections:
        guarded = transaction.non_atomic_requests(using=alias)(guarded)
    return cast("View", guarded)


def _of_a_request(view: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(view)
    def checked(request: Any, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(request, HttpRequest):
            raise ImproperlyConfigured(
                f"token_endpoint was called with a {type(request).__name__} for a request. Write it above @api_view, "
                "around as_view(), or as @method_decorator(token_endpoint, name='dispatch') on the class."
            )
        return view(request, *args, **kwargs)

    return markcoroutinefunction(checked) if iscoroutinefunction(view) else checked


def token_response(request: HttpRequest, tokens: TokenResponse) -> HttpResponse:
    """200 with these tokens, as `login/` answers: the refresh token by the way of its session, and by no other.

    Raises OriginNotAllowed; ImproperlyConfigured for the cookie outside of `token_endpoint`.
    """
    if tokens.refresh_token:
        require_page(request, tokens.transport)
    return answers.protect(answers.token_answer(tokens))


def look_at_page(request: HttpRequest) -> None:
    """Find out whether a page of ours sent this, and how its body wants refresh tokens to travel, if it says so.

    Raises OriginNotAllowed when it wants the cookie and may not have it; InvalidRequest.
    """
    enter(request)
    check_form(request)
    body: Mapping[str, Any] = {}
    refusal, unread, token = None, None, ""
    try:
        body = read_any_body(request)
    except InvalidRequest as error:
        # Something of the project's own: then its view says how.
        unread = error
    transport = login_transport(body) if "transport" in body else None
    try:
        token = cookie.refresh_cookie(request)
    except (OriginNotAllowed, InvalidRequest) as error:
        if transport == "cookie":
            raise
        refusal = error if isinstance(error, OriginNotAllowed) else None
    pages.note(request, Page(refusal, transport, token, unread))


OwnView = Callable[..., HttpResponse]


def endpoint(refuse: Callable[[IroncladError], HttpResponse] = error_answer) -> Callable[[OwnView], OwnView]:
    """The border of our own views: errors become answers here, once, and no transaction of the project's wraps them.

    They judge credentials themselves, so `BearerMiddleware` leaves them alone; no cookie of Django's authenticates
    them, so they need no CSRF token (`origin.check_cookie_gates` guards ours).
    """

    def decorate(view: OwnView) -> OwnView:
        @csrf_exempt
        @sensitive_post_parameters()
        @sensitive_variables()
        @wraps(view)
        def border(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            enter(request)
            try:
                check_form(request)
                # Whichever statement it is that the database cannot answer.
                with database_needed():
                    response = view(request, *args, **kwargs)
            except IroncladError as error:
                log(error)
                response = refuse(error)
            return protect(response)

        border.ironclad_public = True  # type: ignore[attr-defined]
        border.login_required = False  # type: ignore[attr-defined]
        for alias in connections:
            border = transaction.non_atomic_requests(using=alias)(border)
        return border

    return decorate


def whose(request: HttpRequest) -> tuple[Any, AccessToken]:
    """The user and the token of this request, strictly checked. Raises InvalidToken."""
    return auth.authenticate(required_token(request), strict=True)
