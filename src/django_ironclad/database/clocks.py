"""The two clocks that we go by: the database's, in UTC, and this process's, which goes on while the machine sleeps."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import functions
from django.db.models.sql.compiler import SQLCompiler
from django.utils.timezone import get_default_timezone, is_naive


class UTCDateTimeField(models.DateTimeField):  # type: ignore[type-arg]
    """A point in time, aware in Python and UTC in the database, whatever `USE_TZ` and the time zones say.

    Where a column holds no time zone, local time would stand still for an hour when summer ends, and jump when it
    begins; and `Now` speaks UTC there.
    """

    def get_prep_value(self, value: Any) -> Any:
        value = super().get_prep_value(value)
        return _aware(value).astimezone(UTC) if isinstance(value, datetime) else value

    def get_db_prep_value(self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False) -> Any:
        if not prepared:
            value = self.get_prep_value(value)
        if isinstance(value, datetime) and not connection.features.supports_timezones:
            value = value.replace(tzinfo=None)
            if connection.vendor == "sqlite":
                # Times are texts there, compared as such, and `Now` writes three digits.
                return value.isoformat(" ", "milliseconds")
        return connection.ops.adapt_datetimefield_value(value)

    def from_db_value(self, value: datetime | None, expression: Any, connection: BaseDatabaseWrapper) -> Any:
        if value is None:
            return None
        if not connection.features.supports_timezones:
            # Django took it for the connection's local time.
            return value.replace(tzinfo=UTC)
        # Without USE_TZ it comes as local time, with `fold` telling the two hours apart when summer ends.
        return _aware(value).astimezone(UTC)


def _aware(value: datetime) -> datetime:
    """What has no time zone is the project's local time, as everywhere in Django."""
    return value.replace(tzinfo=get_default_timezone()) if is_naive(value) else value


class Now(functions.Now):
    """The database's clock. Django's is the session's local time under MySQL and MariaDB."""

    output_field = UTCDateTimeField()

    def as_mysql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template="UTC_TIMESTAMP(6)", **context)


def _clock() -> Callable[[], float]:
    if hasattr(time, "CLOCK_BOOTTIME"):
        return partial(time.clock_gettime, time.CLOCK_BOOTTIME)
    if sys.platform == "darwin":
        # `time.monotonic` stands still there while the machine sleeps.
        return partial(time.clock_gettime, time.CLOCK_MONOTONIC)
    return time.monotonic


#: Seconds since some moment, by a clock that nobody sets, the time asleep included wherever the system can tell.
clock: Final = _clock()
