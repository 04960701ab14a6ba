"""The lazy user: who this is, the token says; everything else is asked of the real row, once."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.utils.functional import SimpleLazyObject, empty

from .errors import InvalidToken, IroncladError
from .tokens import AccessToken

#: What a query asks of any value: no user has it, and none need be loaded to say so.
_NO_EXPRESSION = frozenset({"resolve_expression", "get_source_expressions"})


class LazyUser(SimpleLazyObject):  # type: ignore[type-arg]
    """Stands for the user of a verified access token, as the object behind Django's own `request.user` does.

    The primary key, the user name, `is_authenticated`, `is_anonymous`, `__class__` and `_meta` cost no query.
    """

    def __init__(self, token: AccessToken, *, refusal: Callable[[IroncladError], Exception]) -> None:
        to_python, attname, username_field, constant = _facts(settings.AUTH_USER_MODEL)
        try:
            pk = to_python(token.sub)
        except ValidationError:
            raise InvalidToken("sub is no primary key") from None
        # Exactly the text that we wrote: " 2 " and "٢" are nobody.
        if str(pk) != token.sub:
            raise InvalidToken("sub is another text than the primary key's")
        known = {**constant, "pk": pk, attname: pk}
        if token.username:
            known[username_field] = token.username
            known["get_username"] = lambda: token.username
        # As SimpleLazyObject's own __init__ leaves it; that one takes as long as all of the above.
        self.__dict__.update(_wrapped=empty, _setupfunc=lambda: _load(pk, refusal), _known=known)

    def __getattr__(self, name: str) -> Any:
        if self._wrapped is empty:
            known = self.__dict__["_known"]
            if name in known:
                return known[name]
            if name in _NO_EXPRESSION:
                raise AttributeError(name)
            self._setup()
        return getattr(self._wrapped, name)

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return get_user_model() if self._wrapped is empty else self._wrapped.__class__

    def __bool__(self) -> bool:
        return True

    def __eq__(self, other: object) -> bool:
        same: bool = self.__class__.__eq__(self, other)
        return same

    __ne__ = object.__ne__

    def __hash__(self) -> int:
        number: int = self.__class__.__hash__(self)
        return number

    def __copy__(self) -> Any:
        return copy.copy(load(self))

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return copy.deepcopy(load(self), memo)


@lru_cache(maxsize=1)
def _facts(model_name: str) -> tuple[Callable[[str], Any], str, str, dict[str, Any]]:
    """What is the same for every user of this model, at a quarter of what `get_user_model` takes."""
    model = get_user_model()
    meta = model._meta
    constant = {"is_authenticated": True, "is_anonymous": False, "_meta": meta}
    constant["_is_pk_set"] = lambda *_: True  # A query by this user asks so.
    return meta.pk.to_python, meta.pk.attname, model.USERNAME_FIELD, constant


def admit(request: Any, user: Any, token: AccessToken) -> AccessToken:
    """From here on this request is `user`'s, by `token`, in sync and async code. Nothing is loaded yet."""

    async def auser() -> Any:
        return await sync_to_async(load)(user)

    request.user, request.auser, request.auth = user, auser, token
    return token


def load(user: Any) -> Any:
    """The real user behind a lazy one; any other user as it is."""
    if type(user) is not LazyUser:
        return user
    if user._wrapped is empty:
        user._setup()
    return user._wrapped


def _load(pk: Any, refusal: Callable[[IroncladError], Exception]) -> Any:
    """The row as the project's own manager shows it. Neither AttributeError nor DoesNotExist, which others swallow."""
    model = get_user_model()
    try:
        user = model._default_manager.get(pk=pk)
    except model.DoesNotExist:
        raise refusal(InvalidToken("the user is gone")) from None
    if not user.is_active:
        raise refusal(InvalidToken("the user is inactive"))
    return user
