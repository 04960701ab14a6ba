"""What is committed now, also where a transaction of somebody's is open; and a database that hangs keeps nobody long.

Whoever finds out that it hangs waits for PATIENCE. From then on one thread waits apart, and everybody else goes on.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, Final

from django.db import DatabaseError, InterfaceError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import QuerySet

#: A connection that died with its server, or in its pool, is found out within so many seconds; a network that is gone
#: takes longer, and a second try would take as long again.
AT_ONCE: Final = 0.5
#: Seconds that anybody waits for an answer at most.
PATIENCE: Final = 1.0

Rows = list[tuple[Any, ...]]

#: The databases that were found hanging, by alias, and the thread that tries, or tried, whether they still do.
_hanging: Final[dict[str, threading.Thread]] = {}


def take_committed(
    queryset: QuerySet[Any, Any], take: Callable[[Rows], None], fail: Callable[[Exception], None]
) -> None:
    """Give `take` the rows of a `values_list`, or `fail` the error: within PATIENCE, or from a thread of ours later.

    While a database is known to hang nobody waits at all, and one thread at a time tries.
    """
    connection = connections[queryset.db]
    before = _hanging.get(connection.alias)
    if before is None and (connection.vendor == "sqlite" or _is_free(connection)):
        _try(connection.alias, partial(committed_rows, queryset), take, fail)
    elif before is None or not before.is_alive():
        # To connect may take as long as to ask, and no driver gives up within a second.
        own = _own(connection)
        own.inc_thread_sharing()
        work = (connection.alias, partial(_rows_once, queryset, own), take, fail)
        thread = threading.Thread(target=_try, args=work, name="ironclad-database", daemon=True)
        if before is not None:
            _hanging[connection.alias] = thread
        thread.start()
        if before is None:
            thread.join(PATIENCE)
            if thread.is_alive():
                _hanging[connection.alias] = thread


def _try(alias: str, read: Callable[[], Rows], take: Callable[[Rows], None], fail: Callable[[Exception], None]) -> None:
    began = time.monotonic()
    try:
        rows = read()
    except (DatabaseError, InterfaceError) as error:
        if time.monotonic() - began > AT_ONCE:
            # One that never runs: the next to ask tries again.
            _hanging[alias] = threading.Thread()
        else:
            _hanging.pop(alias, None)
        fail(error)
    else:
        _hanging.pop(alias, None)
        take(rows)


def committed_rows(queryset: QuerySet[Any, Any]) -> Rows:
    """The rows of a `values_list`. Raises DatabaseError, InterfaceError, and leaves no broken connection behind.

    In somebody's transaction a failed read would break it, and an old snapshot would hide what was committed since.
    And what a dead connection says of its server is old: a restarted one answers a connection that is new.
    """
    connection = connections[queryset.db]
    within = _is_within(connection)
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
    return _rows_once(queryset, _own(connection))


def _rows_once(queryset: QuerySet[Any, Any], own: BaseDatabaseWrapper) -> Rows:
    try:
        return _rows(queryset, own)
    finally:
        own.close()


def _rows(queryset: QuerySet[Any, Any], connection: BaseDatabaseWrapper) -> Rows:
    connection.ensure_connection()
    with _for_so_long(connection):
        return list(queryset.query.get_compiler(connection=connection).results_iter(tuple_expected=True))


@contextmanager
def _for_so_long(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """After PATIENCE the connection is hung up: whoever waits on it gets a DatabaseError."""
    driver: Any = connection.connection
    line = getattr(driver, "_sock", driver)  # PyMySQL's
    if not hasattr(line, "fileno"):
        yield
        return
    with connection.wrap_database_errors:
        # Another name for it: what the driver has closed may be somebody else's by then.
        wire = socket.fromfd(line.fileno(), socket.AF_INET, socket.SOCK_STREAM)
    once = threading.Lock()

    def hang_up() -> None:
        if once.acquire(blocking=False):
            with suppress(OSError):
                wire.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(PATIENCE, hang_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        if not once.acquire(blocking=False):
            timer.join()
            # Perhaps just after the answer; and no view shall be the one to find out.
            connection.close()
        wire.close()


def _own(connection: BaseDatabaseWrapper) -> BaseDatabaseWrapper:
    own = _copy(connection)
    own.settings_dict["AUTOCOMMIT"] = True
    # A pool whose connections are all in use would wait for this very request.
    own.settings_dict.get("OPTIONS", {}).pop("pool", None)
    return own


def _copy(connection: BaseDatabaseWrapper) -> BaseDatabaseWrapper:
    own = connection.copy()
    if tenant := getattr(connection, "tenant", None):
        # A backend of schemas, such as django-tenants': its copy has forgotten in which one it was.
        own.set_tenant(tenant, connection.include_public_schema)  # type: ignore[attr-defined]
    return own


def _is_in_memory(connection: BaseDatabaseWrapper) -> bool:
    """An SQLite without a file: another connection would be another database."""
    return connection.vendor == "sqlite" and bool(connection.is_in_memory_db())  # type: ignore[attr-defined]


def _is_within(connection: BaseDatabaseWrapper) -> bool:
    """In somebody's transaction."""
    return connection.in_atomic_block or not connection.settings_dict["AUTOCOMMIT"]


def _is_free(connection: BaseDatabaseWrapper) -> bool:
    return connection.connection is not None and not _is_within(connection)
