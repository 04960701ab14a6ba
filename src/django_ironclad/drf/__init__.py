"""Django REST framework: authentication classes, and permission classes for what a token must be good for."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from itertools import dropwhile, islice
from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied as DjangosPermissionDenied
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated, PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from .. import auth, http
from ..errors import AccessDenied, InvalidToken, IroncladError, MissingToken, UnknownKey
from ..http import answers, identity
from ..requirements import Requirement
from ..users import load, request_at_hand
from .refused import Refused

if TYPE_CHECKING:
    from rest_framework.response import Response


class BearerAuthentication(BaseAuthentication):
    """`request.user` and `request.auth`, an AccessToken, from `Authorization: Bearer`."""

    strict = False
    #: The middleware tells caches so, also where another class has found somebody and this one is not asked.
    reads_bearer = True

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        _note_dependence(request)
        _answer_ours(request)
        try:
            token = http.bearer_token(request._request)
            if not token:
                return None
            user, access = auth.authenticate(token, strict=self.strict, refusal=partial(_gone, request))
            # A page shows who this is, when it is too late to answer that they are gone.
            # Not `getattr`: where there is none yet, DRF's request would search itself and Django's for it.
            if getattr(vars(request).get("accepted_renderer"), "media_type", "") == "text/html":
                load(user)
            identity.settle(request._request, user)
            request_at_hand.set(request._request)
            return user, access
        except UnknownKey as error:
            return self._ask_others(request, error)
        except IroncladError as error:
            raise _refusal(request, error) from error

    def authenticate_header(self, request: Request) -> str:
        return answers.challenge(MissingToken())

    def _ask_others(self, request: Request, error: UnknownKey) -> tuple[Any, Any]:
        """A token that is none of ours is the next class's to judge; nobody's is 401, under AllowAny too."""
        others = dropwhile(lambda other: other is not self, request.authenticators or ())
        for other in islice(others, 1, None):
            if (found := other.authenticate(request)) is not None:
                return found
        raise _refusal(request, error) from error


class StrictBearerAuthentication(BearerAuthentication):
    """The same, asked of the database: one query, and nothing stale."""

    strict = True


def requires(
    *, scope: str | None = None, group: str | None = None, permission: str | None = None
) -> type[BasePermission]:
    """A class for `permission_classes`: only who has all of this; see `django_ironclad.decorators.requires`.

    It refuses by itself, so that the answer says why: in `A | B` it stands last.
    """
    return _permission(Requirement(scope=scope, group=group, permission=permission))


def requires_recent_login(*, max_age: timedelta) -> type[BasePermission]:
    """A class for `permission_classes`: only who has logged in or proved who they are within `max_age` (RFC 9470)."""
    return _permission(Requirement(max_age=max_age))


def _permission(requirement: Requirement) -> type[BasePermission]:
    class Requires(BasePermission):
        def has_permission(self, request: Request, view: object) -> bool:
            try:
                auth.authorize(request.user, request.auth, requirement)
            except IroncladError as error:
                raise _refusal(request, error) from error
            return True

    return Requires


def exception_handler(exc: Exception, context: dict[str, Any]) -> Response | None:
    """For `REST_FRAMEWORK["EXCEPTION_HANDLER"]`: DRF's own 401 and 403 read as ours, `error` and `error_description`.

    So do our errors where a view lets one out. Everything else, such as a validation error, is answered as DRF does.
    """
    # Not above: its views read the setting that names our class, while this module is not all there.
    from rest_framework.views import exception_handler as answer  # noqa: PLC0415

    if isinstance(exc, IroncladError):
        exc = _refusal(context["request"], exc)
    response = answer(exc, context)
    if response is None or not isinstance(exc, (*_UNAUTHENTICATED, PermissionDenied, DjangosPermissionDenied)):
        return response
    if response.status_code == 401:
        error: IroncladError = MissingToken() if isinstance(exc, NotAuthenticated) else InvalidToken()
    else:
        error = AccessDenied()
        response["WWW-Authenticate"] = answers.challenge(error)
    response["Cache-Control"] = "no-store"
    said = response.data.get("detail") if isinstance(response.data, dict) else None
    response.data = answers.error_body(error) | ({"error_description": said} if said else {})
    return response


#: 403 instead of 401 where the first authentication class of a view knows no challenge, as SessionAuthentication.
_UNAUTHENTICATED = (NotAuthenticated, AuthenticationFailed)


def _gone(request: Request, error: IroncladError) -> Refused:
    """Whoever looks at Django's request when the answer is on its way sees nobody, not the same refusal again."""
    identity.forget(request._request)
    return _refusal(request, error)


def _refusal(request: Request, error: IroncladError) -> Refused:
    answers.log(error)
    _headers(request)["Cache-Control"] = "no-store"
    return Refused(error)


def _note_dependence(request: Request) -> None:
    """Here, not in the middleware: a project of DRF's views has none."""
    headers = _headers(request)
    others = headers.get("Vary", "")
    if "Authorization" not in others:
        headers["Vary"] = f"{others}, Authorization" if others else "Authorization"


def _answer_ours(request: Request) -> None:
    """Errors of ours that the view lets out are answered, by whatever handler the project has: it gets a Refused."""
    view: Any = request.parser_context.get("view")
    if not hasattr(view, "get_exception_handler"):
        return
    of_view = view.get_exception_handler
    view.get_exception_handler = lambda: partial(_handle, of_view())


def _handle(handler: Any, exc: Exception, context: dict[str, Any]) -> Any:
    return handler(_refusal(context["request"], exc) if isinstance(exc, IroncladError) else exc, context)


def _headers(request: Request) -> dict[str, str]:
    """What DRF adds to the answer of this request, if it has come to a view."""
    headers: dict[str, str] = getattr(request.parser_context.get("view"), "headers", {})
    return headers
