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
from django.utils.cache import patch_vary_headers
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, ConfigError
from ninja.operation import Operation
from ninja.security.base import SecuritySchema

from . import auth, http
from .errors import IroncladError, MissingToken, UnknownKey
from .http import answers, identity, parts_of
from .requirements import Requirement
from .tokens import AccessToken


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
            user, access = auth.authenticate(token, strict=self._strict, refusal=partial(_gone, request))
            auth.authorize(user, access, *self._requirements)
            return identity.admit(request, user, access)
        return None

    async def _aauthenticate(self, request: HttpRequest) -> AccessToken | None:
        with _left_to_others(request):
            token = http.required_token(request)
            user, access = await auth.aauthenticate(token, strict=self._strict, refusal=partial(_gone, request))
            await auth.aauthorize(user, access, *self._requirements)
            return identity.admit(request, user, access)
        return None


def requires(*, scope: str | None = None, group: str | None = None, permission: str | None = None) -> Bearer:
    """`auth=` for who has all of this only; see `django_ironclad.decorators.requires`."""
    return Bearer(Requirement(scope=scope, group=group, permission=permission))


def requires_recent_login(*, max_age: timedelta) -> Bearer:
    """`auth=` for who has logged in or proved who they are within `max_age` only (RFC 9470)."""
    return Bearer(Requirement(max_age=max_age))


def install(api: NinjaAPI) -> None:
    """Have `api` answer every refusal of ours as it is answered everywhere: `error`, the challenge, `Retry-After`.

    What depends on the header says `Vary: Authorization`, also without our middleware, and LoginRequiredMiddleware
    leaves operations with an `auth=` to that, as it leaves DRF's views to theirs. A `Bearer` that refuses somebody
    installs at least the answers by itself.
    """
    on_exception, respond, get_urls = api.on_exception, api.create_temporal_response, api._get_urls

    def explained(request: HttpRequest, error: Any) -> HttpResponse:
        """Ninja and pydantic have errors of their own for nobody's token, and for a user who is found to be gone."""
        return on_exception(request, getattr(request, "ironclad_refusals", {}).get(type(error), error))

    def varied(request: HttpRequest) -> HttpResponse:
        response = respond(request)
        if getattr(request, "ironclad_depends", False):
            patch_vary_headers(response, ("Authorization",))
        return response

    def urls() -> list[Any]:
        return [_exempted(pattern) for pattern in get_urls()]

    api.add_exception_handler(IroncladError, lambda _, error: answers.refuse(error))  # type: ignore[arg-type]
    api.on_exception, api.create_temporal_response, api._get_urls = explained, varied, urls  # type: ignore[method-assign, assignment]


def _exempted(pattern: Any) -> Any:
    """No login of Django's is required where each operation has an `auth=`, or says so by `login_not_required`."""
    operations = _operations(pattern.callback)
    if operations and all(
        each.auth_callbacks or not getattr(each.view_func, "login_required", True) for each in operations
    ):
        pattern.callback.login_required = False
    return pattern


def _operations(view: Any) -> list[Any]:
    return [each for part in parts_of(view) for each in getattr(part, "operations", ()) if isinstance(each, Operation)]


@contextmanager
def _left_to_others(request: HttpRequest) -> Iterator[None]:
    """No token, or none of ours, is for the next authenticator of a list to judge; nobody's is 401."""
    if hasattr(request, "ironclad_refusals"):
        raise ConfigError("Of a list Ninja asks one only: write requires(…) & requires_recent_login(…).")
    identity.note_dependence(request)
    try:
        yield
    except (MissingToken, UnknownKey) as error:
        _noted(request, error, instead_of=AuthenticationError)
    except IroncladError:
        _install_where_missing(request)
        raise


def _gone(request: HttpRequest, error: IroncladError) -> IroncladError:
    """Whoever looks at the request when the answer is on its way sees nobody, not the same refusal again."""
    identity.forget(request)
    return _noted(request, error)


def _noted(request: Any, error: IroncladError, instead_of: type = pydantic.ValidationError) -> IroncladError:
    _install_where_missing(request)
    request.ironclad_refusals = {instead_of: error}
    return error


def _install_where_missing(request: HttpRequest) -> None:
    """An API that knows nothing of our errors would answer 500, and a test client of a router has made it itself."""
    match = request.resolver_match
    for operation in _operations(match.func) if match else ():
        if IroncladError not in operation.api._exception_handlers:
            install(operation.api)
