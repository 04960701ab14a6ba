"""Sessions end, each of them once, in whatever transaction; and whoever wants to know is told."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import connections, transaction
from django.db.models import Q, QuerySet

from .. import signals
from ..database import Now, at_home_in, from_here, home, in_line, in_one_transaction
from ..models import Session, auth_hashes
from ..user_model import user_key
from .by_realm import invalidate
from .news import tell


def revoke(session: Session | str | UUID, *, reason: str) -> bool:
    """End a session, in every process within two `REVOCATION_INTERVAL`s. Whether it was seen alive until now."""
    if isinstance(session, Session):
        which, living = Q(pk=session.pk), [session]
    else:
        which, living = Q(pk=session), _living(Q(pk=session))
    ended = _end(living, reason)
    if not ended:
        _once_committed(partial(_end_living, which, reason))
    return bool(ended)


def revoke_all(user: Any, *, reason: str, keep: str | UUID | None = None) -> int:
    """End every session of `user` but `keep`. How many were seen alive."""
    # By the key, which Django takes from the instance of a user who was deleted.
    with at_home_in(user._state.db):
        mine = Q(user=user_key(user)) & ~Q(pk=keep) if keep else Q(user=user_key(user))
        ended = _end_living(mine, reason)
        if _is_within_a_transaction():
            for now in _row(user).values_list(Now(), flat=True):
                # Whoever logs in after this, perhaps in this very transaction, stays.
                _once_committed(partial(_end_living, mine & Q(created_at__lt=now), reason))
        return ended


def revoke_outdated(user: Any, *, keep: str = "") -> int:
    """End every session of `user`, but `keep`, that began with another password than the one of now.

    How many were seen alive.
    """
    with at_home_in(user._state.db):
        outdated = Q(user=user_key(user)) & ~Q(auth_hash__in=auth_hashes(user))
        return _end_living(outdated & ~Q(pk=keep) if keep else outdated, "password_changed")


def _row(user: Any) -> QuerySet[Any, Any]:
    """The user as the database has them now, if at all."""
    return get_user_model()._base_manager.using(home()).filter(pk=user_key(user))


def _once_committed(end: Callable[[], object]) -> None:
    """Look once more when somebody's transaction has committed: it may not see what began since its snapshot.

    In PostgreSQL at REPEATABLE READ and SERIALIZABLE not even an UPDATE does. What a new password and a deactivation
    end, `user_events` looks for again.
    """
    if _is_within_a_transaction():
        transaction.on_commit(from_here(end), using=home())


def _is_within_a_transaction() -> bool:
    return connections[home()].in_atomic_block


def _living(which: Q) -> list[Session]:
    # In the order of their keys, so that two who end the same ones wait for each other, and not for ever.
    living = Session.objects.live().filter(which).order_by("pk")
    # Within a transaction MySQL and MariaDB then read what is committed now, however old its snapshot.
    rows = living.select_for_update() if _is_within_a_transaction() else living.select_related("user")
    return in_line(partial(list, rows), using=home())


def _end_living(which: Q, reason: str) -> int:
    return _end(_living(which), reason)


def _end(living: list[Session], reason: str) -> int:
    using = home()
    end = partial(_end_each, living, reason)
    ended = (in_one_transaction if len(living) > 1 else in_line)(end, using=using)
    for session in ended:
        tell(signals.session_revoked, "session_revoked", session, reason=reason)
    if ended:
        # Now, for this transaction's own eyes; and once it commits, for whoever read in the meantime saw nothing.
        told = partial(invalidate, [str(session.pk) for session in ended])
        told()
        transaction.on_commit(from_here(told), using=using)
    return len(ended)


def _end_each(living: list[Session], reason: str) -> list[Session]:
    """Those whom nobody else has ended: that is for the row to say."""
    return [
        session
        for session in living
        if Session.objects.live().filter(pk=session.pk).update(revoked_at=Now(), revoked_reason=reason)
    ]
