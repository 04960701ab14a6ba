"""Keys and user names of any type of field, as the texts that tokens, answers and logs say, and back again."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import cache
from types import SimpleNamespace
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db.models import DecimalField, Field

from ..errors import InvalidToken

#: What a field raises for a text that is none of its values.
NO_VALUE = (ValidationError, ValueError, TypeError, ArithmeticError, LookupError)


def key_text(pk: Any) -> str:
    """The primary key of a user as text, as Django's own session has it: `sub` is this."""
    return _text(_key_field(get_user_model()), pk)


def key_json(pk: Any) -> int | str:
    """The primary key of a user as JSON has it: a number where it is an integer, else its text."""
    key = _key_field(get_user_model()).to_python(pk)
    return key if type(key) is int else key_text(key)


def key_of(text: str) -> Any:
    """The key whose text this is. Raises InvalidToken for any other spelling: " 2 " and "٢" are nobody."""
    try:
        pk = _key_field(get_user_model()).to_python(text)
        again = key_text(pk)
    except NO_VALUE:
        raise InvalidToken("sub is no primary key", reason="subject") from None
    if again != text:
        raise InvalidToken("sub is another text than the primary key's", reason="subject")
    return pk


def name_text(user: Any) -> str:
    """The user name as text: what this person types to log in. Of a relation, the key that it refers to. No query."""
    model = user.__class__
    if _names_itself(model):
        return str(user.get_username() or "")
    field = _name_field(model)
    return _text(_plain(field), getattr(user, field.attname))


def can_be_name(text: str) -> bool:
    """Whether anybody could be called so: where names are numbers, not by letters, nor by more than a column holds."""
    field = _plain(_name_field(get_user_model()))
    try:
        field.run_validators(field.to_python(text))
    except NO_VALUE:
        return False
    return True


def name_reader(model: Any) -> Callable[[str], Any] | None:
    """What makes of a name's text what `get_username` gives; it raises what `NO_VALUE` lists.

    None where the text is not enough: a relation gives the row that it refers to.
    """
    if _names_itself(model):
        return str
    field = _name_field(model)
    return None if field.is_relation else field.to_python


def name_path() -> str:
    """The user name's column, as a query from the user names it."""
    field = _name_field(get_user_model())
    path: list[str] = [field.name]
    while field.is_relation:
        field = field.target_field
        path.append(field.name)
    return "__".join(path)


def _names_itself(model: Any) -> bool:
    return model.get_username is not AbstractBaseUser.get_username


def _name_field(model: Any) -> Any:
    return model._meta.get_field(model.USERNAME_FIELD)


@cache
def _key_field(model: Any) -> Field[Any, Any]:
    return _plain(model._meta.pk)


def _plain(field: Any) -> Field[Any, Any]:
    """This field; where it is a relation, the one that it refers to in the end."""
    while field.is_relation:
        field = field.target_field
    found: Field[Any, Any] = field
    return found


def _text(field: Any, value: Any) -> str:
    """As Django's serializers write it; "" for none. The same before and after the row was stored and read."""
    if value is None:
        return ""
    try:
        value = field.to_python(value)
    except NO_VALUE:
        return str(value)
    if isinstance(field, DecimalField) and isinstance(value, Decimal) and field.decimal_places is not None:
        value = value.quantize(Decimal(1).scaleb(-field.decimal_places), context=field.context)
    return str(field.value_to_string(SimpleNamespace(**{field.attname: value})))
