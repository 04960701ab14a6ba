"""Django Ninja: `auth=` for operations of either kind, and refusals that read as they do everywhere."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any

import pydantic
from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, ConfigError
from ninja.security.base import SecuritySchema

from . import answers, auth, http
from .errors import IroncladError, MissingToken, UnknownKey
from .requirements import Requirement
from .tokens import AccessToken
from .users import admit


class Bearer:
    """`auth=` for who has a valid access token: `request.auth`, of `request.user` and `await request.auser()`.

    `strict` asks the database: one query, and nothing stale. `a & b` asks for both; of a list, Ninja wants but one.
    """

    openapi_security_schema = SecuritySchema("http", scheme="bearer", bearerFormat="JWT")
    #: Ninja awaits it in async operations, and takes what it returns in others.
    is_async = True

    def __init__(self, *requirements: Requirement, strict: bool = False) -> None:
        self._requirements, self._strict = requirements, strict

    def __and__(self, other: Bearer) -> Bearer:
        return Bearer(*self._requirements, *other._requirements, strict=self._strict or other._strict)

    def __call__(self, request: HttpRequest) -> AccessToken | Coroutine[Any, Any, AccessToken | None] | None:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return self._authenticate(request)
        return self._aauthenticate(request)

    def _authenticate(self, request: HttpRequest) -> AccessToken | None:
        with _left_to_others(request):
            token = http.required_token(request)
            user, access = auth.authenticate(token, strict=self._strict, refusal=partial(_noted, request))
            auth.authorize(user, access, *self._requirements)
            return admit(request, user, access)
        return None

    async def _aauthenticate(self, request: HttpRequest) -> AccessToken | None:
        with _left_to_others(request):
            token = http.required_token(request)
            user, access = await auth.aauthenticate(token, strict=self._strict, refusal=partial(_noted, request))
            await auth.aauthorize(user, access, *self._requirements)
            return admit(request, user, access)
        return None


def requires(*, scope: str | None = None, group: str | None = None, permission: str | None = None) -> Bearer:
    """`auth=` for who has all of this only; see `django_ironclad.decorators.requires`."""
    return Bearer(Requirement(scope=scope, group=group, permission=permission))


def requires_recent_login(*, max_age: timedelta) -> Bearer:
    """`auth=` for who has logged in or proved who they are within `max_age` only (RFC 9470)."""
    return Bearer(Requirement(max_age=max_age))


def install(api: NinjaAPI) -> None:
    """Have `api` answer every refusal of ours as it is answered everywhere: `error`, the challenge, `Retry-After`."""
    on_exception = api.on_exception

    def explained(request: HttpRequest, error: Any) -> HttpResponse:
        """Ninja and pydantic have errors of their own for nobody's token, and for a user who is found to be gone."""
        return on_exception(request, getattr(request, "ironclad_refusals", {}).get(type(error), error))

    api.add_exception_handler(IroncladError, lambda _, error: answers.refuse(error))  # type: ignore[arg-type]
    api.on_exception = explained  # type: ignore[method-assign, assignment]


@contextmanager
def _left_to_others(request: HttpRequest) -> Iterator[None]:
    """No token, or none of ours, is for the next authenticator of a list to judge; nobody's is 401."""
    if hasattr(request, "ironclad_refusals"):
        raise ConfigError("Of a list Ninja asks one only: write requires(…) & requires_recent_login(…).")
    try:
        yield
    except (MissingToken, UnknownKey) as error:
        _noted(request, error, instead_of=AuthenticationError)


def _noted(request: Any, error: IroncladError, instead_of: type = pydantic.ValidationError) -> IroncladError:
    request.ironclad_refusals = {instead_of: error}
    return error
