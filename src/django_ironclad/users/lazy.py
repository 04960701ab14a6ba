"""The lazy user: who this is, the token says; everything else is asked of the real row, once."""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from django.contrib.auth import get_user_model
from django.utils.functional import SimpleLazyObject, empty

from ..errors import InvalidToken, IroncladError
from ..tokens import AccessToken
from ..user_model import naming
from .facts import facts_of_model

#: What a query asks of any value: no user has it, and none need be loaded to say so.
_NO_EXPRESSION = frozenset({"resolve_expression", "get_source_expressions"})


class LazyUser(SimpleLazyObject):  # type: ignore[type-arg]
    """Stands for the user of a verified access token, as the object behind Django's own `request.user` does.

    The primary key, `get_username()`, `is_authenticated`, `is_anonymous`, `__class__` and `_meta` cost no query. Every
    other name is the row's, the user name's own field too: it may have changed since the token was issued, and nobody
    should read the old one beside the rest of the row. Once the row is loaded, everything is read from it.
    """

    def __init__(self, token: AccessToken, *, refusal: Callable[[IroncladError], Any]) -> None:
        pk = facts_of_model().primary_key(token.sub)
        # As SimpleLazyObject's own __init__ leaves it, in a quarter of its time: each request makes one of these.
        own = state_of(self)
        own["_wrapped"], own["_setupfunc"] = empty, lambda: _load(pk, refusal)
        own["_pk"], own["_name"] = pk, token.username

    @property
    def is_authenticated(self) -> bool:
        row = state_of(self)["_wrapped"]
        return row is empty or row.is_authenticated

    @property
    def is_anonymous(self) -> bool:
        return not self.is_authenticated

    def __getattr__(self, name: str) -> Any:
        own = state_of(self)
        if own["_wrapped"] is empty:
            facts = facts_of_model()
            if name in facts.primary_key_names:
                return own["_pk"]
            if name in facts.constant:
                return facts.constant[name]
            if name == "get_username" and own["_name"] and facts.name_of:
                with suppress(*naming.NO_VALUE):
                    said = facts.name_of(own["_name"])
                    return lambda: said
            if name in _NO_EXPRESSION:
                raise AttributeError(name)
            self._setup()
        return getattr(own["_wrapped"], name)

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


def state_of(user: Any) -> dict[str, Any]:
    # Past LazyObject's own `__getattribute__`, which is Python, and would run for each name.
    state: dict[str, Any] = object.__getattribute__(user, "__dict__")
    return state


def share_row(source: Any, target: Any) -> None:
    """What one of two lazy users has loaded is the other's as well: of one request there is one user.

    Raises InvalidToken if there was no row.
    """
    if not type(source) is type(target) is LazyUser:
        return
    known, wanted = state_of(source), state_of(target)
    # A middleware may have put another token in the place of the first.
    if known["_wrapped"] is not empty and known["_pk"] == wanted["_pk"]:
        if not isinstance(known["_wrapped"], get_user_model()):
            raise InvalidToken("the user is gone or inactive", reason="user_gone")
        wanted["_wrapped"] = known["_wrapped"]


def load(user: Any) -> Any:
    """The real user behind a lazy one; any other user as it is."""
    if type(user) is not LazyUser:
        return user
    if user._wrapped is empty:
        user._setup()
    return user._wrapped


def _load(pk: Any, refusal: Callable[[IroncladError], Any]) -> Any:
    """The row as the project's own manager shows it, or else what `refusal` makes of our error.

    An exception is raised: neither AttributeError nor DoesNotExist, which others swallow. Anybody else stands in.
    """
    model = get_user_model()
    try:
        user = model._default_manager.get(pk=pk)
    except model.DoesNotExist:
        why = "the user is gone"
    else:
        if user.is_active:
            return user
        why = "the user is inactive"
    found = refusal(InvalidToken(why, reason="user_gone"))
    if isinstance(found, Exception):
        raise found
    return found
