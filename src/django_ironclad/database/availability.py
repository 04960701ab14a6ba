"""A database that cannot be asked is 503: the client keeps its tokens and tries again (RFC 9110 §15.6.4)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from django.db import InterfaceError, InternalError, OperationalError, connections, transaction
from django.db.models import Model

from ..errors import TemporarilyUnavailable

T = TypeVar("T")

#: How often a transaction is tried that the database cannot put in line with others.
ATTEMPTS: Final = 4
#: Seconds before the second time; then twice as many.
MOMENT: Final = 0.01
#: serialization_failure and deadlock_detected, of PostgreSQL; a deadlock, and a row changed since the snapshot, of
#: MySQL and MariaDB.
_SERIALIZATION: Final = frozenset({"40001", "40P01", 1213, 1020})


@contextmanager
def database_needed() -> Iterator[None]:
    """What the database cannot do just now, for want of a connection or of time, is TemporarilyUnavailable.

    So is a write to a PostgreSQL that is read-only, as a demoted primary: its driver calls that an InternalError.
    """
    try:
        yield
    except (OperationalError, InterfaceError, InternalError) as error:
        raise TemporarilyUnavailable(
            f"the database did not answer: {type(error).__name__}", reason="database"
        ) from error


def is_serialization_failure(error: OperationalError) -> bool:
    """Whether the database could not put this statement in line with others': tried again, it may."""
    named = {getattr(error.__cause__, "sqlstate", None), *error.args[:1]}
    return not named.isdisjoint(_SERIALIZATION)


def in_one_transaction(run: Callable[[], T], *, using: str) -> T:
    """What `run` returns, all of it or nothing; `in_line` with others. Raises OperationalError."""

    def atomically() -> T:
        with transaction.atomic(using=using):
            return run()

    return in_line(atomically, using=using)


def lock_first(model: type[Model], pk: Any, *, using: str) -> None:
    """Within somebody's transaction under MySQL and MariaDB, lock the row to which an INSERT is about to refer.

    It locks that as a reader does: of two who then write it, as a login writes `last_login`, each would wait for the
    other.
    """
    connection = connections[using]
    if connection.vendor == "mysql" and connection.in_atomic_block:
        model._base_manager.using(using).select_for_update().filter(pk=pk).values_list("pk").first()


def in_line(run: Callable[[], T], *, using: str) -> T:
    """What `run`, one statement or transaction, returns; tried again if the database cannot put it in line with others.

    At SERIALIZABLE PostgreSQL may say so of a mere SELECT. Within somebody's transaction it is tried once: that one is
    broken then. Raises OperationalError.
    """
    for tried in range(ATTEMPTS):
        try:
            return run()
        except OperationalError as error:
            within = transaction.get_connection(using).in_atomic_block
            if within or tried + 1 == ATTEMPTS or not is_serialization_failure(error):
                raise
        # Whoever is in the way needs a moment to be out of it.
        time.sleep(MOMENT * 2**tried)
    raise AssertionError
