"""The table: each kind of user model, and who its Ada is, in her row and in JSON. `models.py` defines them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

#: Past what JavaScript can count.
SNOWFLAKE = 1_234_567_890_123_456_789
BADGE = UUID("2f8a3a1e-5d2c-4c57-9d0b-1f6f0a9c7b11")


@dataclass(frozen=True)
class Kind:
    #: What says who she is, in her row, besides `person`.
    row: dict[str, Any] = field(default_factory=lambda: {"username": "ada"})
    #: The row of hers that her name or key refers to.
    person: dict[str, Any] | None = None
    #: What she types to log in.
    typed: str = "ada"
    #: What nobody is called, as somebody may type it.
    nobody: tuple[str, ...] = ("nobody", "7" * 30, "+49", "")
    #: In JSON: `username`, `sub`, and the `id` of `me/`.
    username: str = "ada"
    sub: str = "1"
    id: int | str = 1
    #: By which relation she is in Django's groups; "" for by none.
    groups: str = "groups"
    #: Whether `request.user.get_username()` costs no query: of a relation, Django has the row.
    lazy_name: bool = True
    database: str = "default"


def _name(column: str, value: Any, text: str) -> Kind:
    return Kind(row={column: value}, typed=text, username=text)


def _key(column: str, value: Any, text: str, as_json: int | str | None = None) -> Kind:
    return Kind(row={"username": "ada", column: value}, sub=text, id=text if as_json is None else as_json)


KINDS = {
    # By the key.
    "integer": Kind(),
    "big_integer": _key("id", SNOWFLAKE, str(SNOWFLAKE), SNOWFLAKE),
    "uuid": _key("id", BADGE, str(BADGE)),
    "hashid": Kind(sub="h1eef", id="h1eef"),
    "char": _key("code", "ä/7 ", "ä/7 "),
    "decimal": _key("number", Decimal("7.5"), "7.50"),
    "date": _key("since", date(2026, 11, 2), "2026-11-02"),
    "key_of_another": Kind(row={"username": "ada"}, person={"id": BADGE}, sub=str(BADGE), id=str(BADGE)),
    # By the name.
    "email": _name("email", "ada@example.org", "ada@example.org"),
    "phone": _name("phone", "+49 30 1234567", "+49301234567"),
    "number": _name("number", 4711, "4711"),
    "name_uuid": _name("badge", BADGE, str(BADGE)),
    "one_to_one": Kind(row={}, person={"id": 77}, typed="77", username="77", lazy_name=False),
    "one_to_one_by_another_column": Kind(row={}, person={"code": "M-7"}, typed="M-7", username="M-7", lazy_name=False),
    "says_its_name": Kind(row={"code": "Ada"}, typed="ADA"),
    # By what Django makes of it.
    "proxy": Kind(),
    "child": Kind(),
    "soft_deleted": Kind(),
    "another_database": Kind(database="people"),
    # By the groups.
    "no_groups": Kind(groups=""),
    "other_groups": Kind(groups=""),
    "groups_by_another_name": Kind(groups="roles"),
    "one_group": Kind(groups="group"),
    "groups_of_a_proxy": Kind(),
    "groups_of_several_meanings": Kind(groups=""),
}
