"""What a user model says of its users without a query."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.contrib.auth import get_user_model
from django.core.signals import setting_changed

from ..tokens import REMEMBERED
from ..user_model import naming


@dataclass(frozen=True, slots=True)
class Facts:
    """What is the same for every user of this model."""

    primary_key: Callable[[str], Any]
    primary_key_names: frozenset[str]
    name_of: Callable[[str], Any] | None
    constant: dict[str, Any]


@lru_cache(maxsize=1)
def facts_of_model() -> Facts:
    model = get_user_model()
    meta = model._meta

    return Facts(
        # Remembered as long as their tokens are: a UUID is two microseconds.
        primary_key=lru_cache(maxsize=REMEMBERED)(naming.key_of),
        primary_key_names=frozenset({"pk", meta.pk.attname}),
        name_of=naming.name_reader(model),
        # A query by this user asks the last.
        constant={"_meta": meta, "_is_pk_set": lambda *_: True},
    )


def _forget(*, setting: str, **_: object) -> None:
    if setting == "AUTH_USER_MODEL":
        facts_of_model.cache_clear()


setting_changed.connect(_forget)
