"""What becomes of one setting: the names that take its place, and a sentence for the report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured

from ...conf import Settings
from ..findings import Does, Finding

_OURS: Final = {each.name for each in fields(Settings)}
#: What the code of a setting implies for who does it.
_DOES: Final[Mapping[str, Does]] = {
    "M030": "changes",
    "M031": "to know",
    "M032": "by hand",
    "M033": "stops",
    "M034": "by hand",
    "M044": "to know",
}


@dataclass(frozen=True, kw_only=True)
class Translation:
    """`name` is theirs. `to` has the members of IRONCLAD that take over its value.

    `literal` is the code of the value where `name` need not be given: then it is ours whose default is another.
    """

    name: str
    code: str
    says: str
    to: Mapping[str, Any] = field(default_factory=dict)
    literal: str = ""

    def finding(self, setting: str) -> Finding:
        where = f"{setting}[{self.name!r}]" if self.name else setting
        does = _DOES[self.code]
        if self.to and (ours := getattr(django_settings, "IRONCLAD", None)) is not None:
            # What is there somebody has written, the codemod included.
            does = "to know" if self.to.keys() <= ours.keys() else "by hand"
        return Finding(self.code, where, 0, does, self.says)


def not_theirs(name: str) -> Translation:
    return Translation(name=name, code="M034", says="no setting of theirs: see who reads it, and where it belongs")


def taken_over(name: str, value: Any, *to: str, also: str = "", literal: str = "") -> Translation:
    """A setting whose value ours takes over; where ours refuses it, why."""
    members = {each: value for each in to if each in _OURS}
    try:
        Settings(**members)
    except ImproperlyConfigured as error:
        return Translation(name=name, code="M032", says=str(error))
    if not members:
        return Translation(name=name, code="M032", says="nothing here takes it over")
    says = f"IRONCLAD[{', '.join(map(repr, members))}]{also and f'; {also}'}"
    return Translation(name=name, code="M030", says=says, to=members, literal=literal)
