"""The row of a session moves to where `decide` wants it, by one conditional UPDATE, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final, cast

from django.db import OperationalError
from django.db.models.sql import Query, UpdateQuery

from ..database import Now, Parameter, Prepared, home, in_line, is_serialization_failure
from ..models import Session, auth_hashes
from ..tokens import Repeat, Rotate, Withhold


def move(session: Session, decision: Repeat | Withhold | Rotate) -> bool:
    """Whether the row could be moved to where the decision wants it: nobody did so, and nobody ended it, meanwhile."""
    # As it was read; `auth_hash` too, or a password changed meanwhile would be undone for this session.
    as_read = {name: getattr(session, name) for name in _AS_READ}
    try:
        match decision:
            case Rotate():
                return bool(
                    _SWAP.changed(
                        home(),
                        **{f"read_{name}": value for name, value in as_read.items()},
                        generation=decision.generation,
                        branch=decision.branch,
                        parent_branch=decision.parent_branch,
                        repeated=False,
                        doubts=decision.doubts,
                        # Moves on to the current SECRET_KEY where only a fallback knew it.
                        auth_hash=auth_hashes(session.user)[0],
                    )
                )
            case Repeat(doubts=int(doubts)):
                return bool(Session.objects.live().filter(**as_read).update(repeated=True, doubts=doubts))
    except OperationalError as error:
        if is_serialization_failure(error):
            return False
        raise
    return True


_AS_READ: Final = ("id", "generation", "branch", "repeated", "auth_hash")
_MOVED: Final = ("generation", "branch", "parent_branch", "repeated", "doubts", "auth_hash")


def _swap() -> Query:
    column: Callable[[str], Any] = Session._meta.get_field
    as_read = Session.objects.live().filter(**{name: Parameter(f"read_{name}", column(name)) for name in _AS_READ})
    query = cast("UpdateQuery", as_read.query.chain(UpdateQuery))
    query.add_update_values({name: Parameter(name, column(name)) for name in _MOVED} | {"rotated_at": Now()})
    return query


_SWAP: Final = Prepared(_swap)


def follow_secret_key(session: Session) -> None:
    """Let a session that is not rotated move on to the current `SECRET_KEY`, where only a fallback knew it."""
    current = auth_hashes(session.user)[0]
    if session.auth_hash != current:
        as_read = Session.objects.live().filter(pk=session.pk, auth_hash=session.auth_hash)
        in_line(partial(as_read.update, auth_hash=current), using=home())
