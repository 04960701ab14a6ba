"""What is committed now, also where a transaction of somebody's is open: by a connection of one's own."""

from __future__ import annotations

from typing import Any

from django.db import DatabaseError, InterfaceError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import QuerySet


def committed_rows(queryset: QuerySet[Any, Any]) -> list[tuple[Any, ...]]:
    """The rows of a `values_list`. Raises DatabaseError, InterfaceError, and leaves no broken connection behind.

    In somebody's transaction a failed read would break it, and an old snapshot would hide what was committed since.
    """
    connection = connections[queryset.db]
    within = connection.in_atomic_block or not connection.settings_dict["AUTOCOMMIT"]
    if not within or _is_in_memory(connection):
        try:
            return _rows(queryset, connection)
        except (DatabaseError, InterfaceError):
            if not within:
                connection.close_if_unusable_or_obsolete()
            raise
    own = connection.copy()
    own.settings_dict["AUTOCOMMIT"] = True
    # A pool whose connections are all in use would wait for this very request.
    own.settings_dict.get("OPTIONS", {}).pop("pool", None)
    try:
        return _rows(queryset, own)
    finally:
        own.close()


def _rows(queryset: QuerySet[Any, Any], connection: BaseDatabaseWrapper) -> list[tuple[Any, ...]]:
    return list(queryset.query.get_compiler(connection=connection).results_iter(tuple_expected=True))


def _is_in_memory(connection: BaseDatabaseWrapper) -> bool:
    """An SQLite without a file: another connection would be another database."""
    return connection.vendor == "sqlite" and bool(connection.is_in_memory_db())  # type: ignore[attr-defined]
