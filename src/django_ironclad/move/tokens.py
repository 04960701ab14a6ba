"""Their tokens that are alive: as many as their tables know, and until when there may be others."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.db import DatabaseError, connections, router
from django.utils import timezone

from .findings import Finding
from .packages import Package, Table
from .translating import given_to


def find(package: Package) -> Iterator[Finding]:
    alias = router.db_for_read(get_user_model())
    try:
        names = connections[alias].introspection.table_names()
        for table in package.tables:
            if table.name in names:
                yield _counted(table, alias)
    except DatabaseError as error:
        yield Finding("M050", "database", 0, "to know", f"their tables could not be read: {error}".partition("\n")[0])
    yield from _without_rows(package)


def living(table: Table, alias: str) -> tuple[int, Any]:
    """How many rows are tokens that still count, and until when the last of them does."""
    connection = connections[alias]
    # Both are ours, and no word of them is anybody else's.
    what = f"COUNT(*), {f'MAX({table.until})' if table.until else 'NULL'}"
    query = f"SELECT {what} FROM {table.name} WHERE {table.alive.format(now='%s')}"  # noqa: S608
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    with connection.cursor() as cursor:
        cursor.execute(query, [now] * table.alive.count("{now}"))
        count, until = cursor.fetchone()
    return count, until


def _counted(table: Table, alias: str) -> Finding:
    count, until = living(table, alias)
    says = f"{count} alive"
    if until:
        says += f", the last of them until {_minute(until)}"
    elif count:
        says += ", without an end"
    return Finding("M041", table.name, 0, "to know", says)


def _minute(until: Any) -> str:
    # SQLite gives the text that it keeps.
    return f"{until:%Y-%m-%d %H:%M}" if isinstance(until, datetime) else str(until)[:16]


def _without_rows(package: Package) -> Iterator[Finding]:
    setting = next((name for name in package.settings if name in {"SIMPLE_JWT", "NINJA_JWT", "JWT_AUTH"}), "")
    if not setting:
        return
    given = given_to(setting)
    lifetime = given.get("JWT_REFRESH_EXPIRATION_DELTA" if setting == "JWT_AUTH" else "REFRESH_TOKEN_LIFETIME")
    if not isinstance(lifetime, timedelta):
        lifetime = timedelta(days=7 if setting == "JWT_AUTH" else 1)
    end = f"{timezone.now() + lifetime:%Y-%m-%d}"
    says = (
        f"a token need not have a row: one that is issued today may come until {end}, so keep what reads them till then"
    )
    yield Finding("M042", setting, 0, "to know", says)
