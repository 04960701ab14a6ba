"""What is committed now, also where a transaction of somebody's is open: by a connection of one's own."""

from __future__ import annotations

import time
from typing import Any, Final

from django.db import DatabaseError, InterfaceError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import QuerySet

#: A connection that died with its server, or in its pool, is found out within so many seconds; a network that is gone
#: takes longer, and a second try would take as long again.
AT_ONCE: Final = 0.5


def committed_rows(queryset: QuerySet[Any, Any]) -> list[tuple[Any, ...]]:
    """The rows of a `values_list`. Raises DatabaseError, InterfaceError, and leaves no broken connection behind.

    In somebody's transaction a failed read would break it, and an old snapshot would hide what was committed since.
    And what a dead connection says of its server is old: a restarted one answers a connection that is new.
    """
    connection = connections[queryset.db]
    within = connection.in_atomic_block or not connection.settings_dict["AUTOCOMMIT"]
    if not within or _is_in_memory(connection):
        began = time.monotonic()
        try:
            return _rows(queryset, connection)
        except (DatabaseError, InterfaceError):
            if within or (connection.connection is not None and connection.is_usable()):
                raise
            connection.close()
            if time.monotonic() - began > AT_ONCE:
                raise
    own = _copy(connection)
    own.settings_dict["AUTOCOMMIT"] = True
    # A pool whose connections are all in use would wait for this very request.
    own.settings_dict.get("OPTIONS", {}).pop("pool", None)
    try:
        return _rows(queryset, own)
    finally:
        own.close()


def _rows(queryset: QuerySet[Any, Any], connection: BaseDatabaseWrapper) -> list[tuple[Any, ...]]:
    return list(queryset.query.get_compiler(connection=connection).results_iter(tuple_expected=True))


def _copy(connection: BaseDatabaseWrapper) -> BaseDatabaseWrapper:
    own = connection.copy()
    if tenant := getattr(connection, "tenant", None):
        # A backend of schemas, such as django-tenants': its copy has forgotten in which one it was.
        own.set_tenant(tenant, connection.include_public_schema)  # type: ignore[attr-defined]
    return own


def _is_in_memory(connection: BaseDatabaseWrapper) -> bool:
    """An SQLite without a file: another connection would be another database."""
    return connection.vendor == "sqlite" and bool(connection.is_in_memory_db())  # type: ignore[attr-defined]
