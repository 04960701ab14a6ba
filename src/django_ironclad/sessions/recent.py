"""The one query that asks which sessions ended lately, and how their ids are kept."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.db import connections
from django.db.models import CharField, QuerySet
from django.db.models.functions import Cast

from ..conf import get_settings
from ..database import Now, Rows
from ..models import Session

#: What an ordinary read asks for beyond the last one: whatever was written this long ago, and so committed this late,
#: at most.
RECENT: Final = timedelta(seconds=60)


BITS: Final = 0xFFF_FFFF_FFFF_FFFF


def key_of(sid: str) -> int:
    """60 bits of Python's keyed hash: half the memory of the id itself.

    That a living session shares them with any of a million ended ones has odds of 1 : 10¹².
    """
    return hash(sid) & BITS


def window() -> timedelta:
    """How long ago a session may have ended that still has valid access tokens, one by a slow request among them."""
    settings = get_settings()
    return settings.longest_access_lifetime + 2 * settings.LEEWAY + RECENT


def ended_within(period: timedelta) -> QuerySet[Any, Any]:
    """The ids of the sessions that ended within `period`, by the database's clock."""
    ended = Session.objects.filter(revoked_at__gt=Now() - period)
    # As text, where the database has a type for it: a fifth of the time of as many UUID objects.
    native = connections[ended.db].features.has_native_uuid_field
    return ended.values_list(Cast("pk", CharField()) if native else "pk")


def keys_of(rows: Rows) -> frozenset[int]:
    return frozenset(key_of(str(pk)) for (pk,) in rows)
