"""A database that cannot be asked is 503: the client keeps its tokens and tries again (RFC 9110 §15.6.4)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import InterfaceError, InternalError, OperationalError

from .errors import TemporarilyUnavailable


@contextmanager
def database_needed() -> Iterator[None]:
    """What the database cannot do just now, for want of a connection or of time, is TemporarilyUnavailable.

    So is a write to a PostgreSQL that is read-only, as a demoted primary: its driver calls that an InternalError.
    """
    try:
        yield
    except (OperationalError, InterfaceError, InternalError) as error:
        raise TemporarilyUnavailable(f"the database did not answer: {type(error).__name__}") from error
