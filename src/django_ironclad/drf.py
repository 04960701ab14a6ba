"""Django REST framework: authentication classes, and permission classes for what a token must be good for."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from itertools import dropwhile, islice
from typing import Any

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import APIException
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from . import answers, auth, http
from .errors import IroncladError, MissingToken, UnknownKey
from .requirements import Requirement
from .users import load


class Refused(APIException):
    """Our error as DRF answers it. No `AuthenticationFailed`, which is 403 where another class stands first."""

    def __init__(self, error: IroncladError) -> None:
        super().__init__(detail=answers.error_body(error), code=error.code)  # type: ignore[arg-type]
        # As it is: DRF would make a text of a number.
        vars(self)["detail"].update(error.parameters)
        self.status_code = error.status
        self.auth_header = answers.error_headers(error).get("WWW-Authenticate", "")
        self.wait = error.retry_after


class BearerAuthentication(BaseAuthentication):
    """`request.user` and `request.auth`, an AccessToken, from `Authorization: Bearer`."""

    strict = False

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        try:
            token = http.bearer_token(request._request)
            if not token:
                return None
            user, access = auth.authenticate(token, strict=self.strict, refusal=partial(_refusal, request))
            # A page shows who this is, when it is too late to answer that they are gone.
            # Not `getattr`: where there is none yet, DRF's request would search itself and Django's for it.
            if getattr(vars(request).get("accepted_renderer"), "media_type", "") == "text/html":
                load(user)
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


def _refusal(request: Request, error: IroncladError) -> Refused:
    answers.log(error)
    if view := request.parser_context.get("view"):
        view.headers["Cache-Control"] = "no-store"
    return Refused(error)
