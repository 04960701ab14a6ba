"""Fields whose values are objects of their own, as popular packages have them for keys and for user names."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models


class Hashid:
    """A number of the database that nobody outside can count."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __str__(self) -> str:
        return f"h{self.number * 7919:x}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Hashid) and self.number == other.number

    def __hash__(self) -> int:
        return hash(self.number)


class HashidAutoField(models.BigAutoField):
    def from_db_value(self, value: int | None, expression: object, connection: object) -> Hashid | None:
        return None if value is None else Hashid(value)

    def to_python(self, value: Any) -> Any:
        if value is None or isinstance(value, Hashid):
            return value
        if isinstance(value, int):
            return Hashid(value)
        # IndexError, KeyError and ValueError for what is none, as fields of others may have it.
        number, rest = divmod(int(value[1:], {"h": 16}[value[0]]), 7919)
        if rest:
            raise ValidationError("no hashid")
        return Hashid(number)

    def get_prep_value(self, value: Any) -> Any:
        return None if value is None else self.to_python(value).number


class Phone:
    """A telephone number, however it was typed."""

    def __init__(self, digits: str) -> None:
        self.digits = digits

    def __str__(self) -> str:
        return f"+{self.digits}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Phone) and self.digits == other.digits

    def __hash__(self) -> int:
        return hash(self.digits)


class PhoneField(models.CharField):  # type: ignore[type-arg]
    def __init__(self, **options: Any) -> None:
        super().__init__(**{"max_length": 20, **options})

    def from_db_value(self, value: str | None, expression: object, connection: object) -> Phone | None:
        return self.to_python(value)  # type: ignore[no-any-return]

    def to_python(self, value: Any) -> Any:
        if value is None or isinstance(value, Phone):
            return value
        digits = str(value).replace(" ", "")
        if not digits.startswith("+") or not digits[1:].isdecimal():
            raise ValidationError("no telephone number")
        return Phone(digits[1:])

    def get_prep_value(self, value: Any) -> Any:
        return None if value is None else str(self.to_python(value))
