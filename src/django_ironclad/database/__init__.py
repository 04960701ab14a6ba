"""What Django's ORM lacks: statements compiled once, what is committed now, clocks, and where sessions are."""

from .availability import database_needed, in_line, in_one_transaction, is_serialization_failure, lock_first
from .clocks import Now, UTCDateTimeField, clock
from .places import at_home_in, from_here, has_sessions, home, in_schema, place
from .prepared import Parameter, Prepared
from .waiting import PATIENCE, Rows, take_committed

__all__ = [
    "PATIENCE",
    "Now",
    "Parameter",
    "Prepared",
    "Rows",
    "UTCDateTimeField",
    "at_home_in",
    "clock",
    "database_needed",
    "from_here",
    "has_sessions",
    "home",
    "in_line",
    "in_one_transaction",
    "in_schema",
    "is_serialization_failure",
    "lock_first",
    "place",
    "take_committed",
]
