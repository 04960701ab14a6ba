"""A login begins a session, if what is committed by then still lets its user in; the oldest beyond the limit ends."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from typing import Any, Final, cast

from django.contrib.auth import get_user_model
from django.db import DatabaseError, IntegrityError, connections, transaction
from django.db.models import DurationField, OuterRef, Subquery
from django.db.models.sql import InsertQuery
from django.http import HttpRequest

from .. import signals
from ..conf import Transport, get_settings
from ..database import Now, Parameter, Prepared, from_here, home, in_line, lock_first
from ..devices import client_address, printable
from ..errors import UserChanged
from ..models import Session, auth_hashes, some_users_are_hidden
from . import standing
from .ending import revoke
from .news import tell
from .payload import session_claims


def row(
    user: Any,
    request: HttpRequest | None,
    *,
    client_id: str,
    transport: Transport,
    scope: str,
    amr: Sequence[str],
    claims: Mapping[str, Any] | None,
) -> Session:
    """The row of a login that happens now, by the device that sent `request`; it is not stored yet.

    Raises ValueError for claims of no session.
    """
    return Session(
        user=user,
        client_id=client_id,
        transport=transport,
        auth_hash=user.get_session_auth_hash(),
        auth_time=proved_now(),
        user_agent=printable(request.headers.get("User-Agent", "") if request else "")[:200],
        ip_address=client_address(request) if request else None,
        scope=scope,
        amr=" ".join(amr),
        claims=session_claims(claims),
    )


def proved_now() -> datetime:
    """The `auth_time` of somebody who proves just now who they are: whole seconds, as a token says it."""
    return datetime.fromtimestamp(int(time.time()), UTC)


@contextmanager
def new_session(session: Session, *, lifetime: timedelta | None) -> Iterator[Session]:
    """Store `session`, which ends after `lifetime` at the latest. When the block fails, there has been none.

    None is `SESSION_LIFETIME`. Raises UserChanged when, by what is committed, the user is gone, inactive, or has
    another password by now.
    """
    limit = get_settings().SESSIONS_PER_USER
    _insert(session, lifetime or get_settings().SESSION_LIFETIME)
    try:
        # Afterwards: whoever changes the user from now on finds the row, and ends it.
        too_many = _look(session, limit)
        yield session
    except BaseException:
        with suppress(DatabaseError):
            in_line(Session.objects.filter(pk=session.pk).delete, using=_using())
        raise
    tell(signals.session_started, "session_started", session)
    if too_many:
        # Of those who log in at once the last sees them all, and all go by one order: never more remain, nor fewer.
        for (pk,) in _too_many(limit).rows(_using(), user=session.user_id):
            revoke(pk, reason="too_many")
    if connections[_using()].in_atomic_block:
        # Until this transaction commits, whoever changes the user does not find the row.
        transaction.on_commit(from_here(partial(_look_again, str(session.pk))), using=_using(), robust=True)


def _insert(session: Session, lifetime: timedelta) -> None:
    names = [field.attname for field in Session._meta.concrete_fields if field.attname not in _BY_THE_CLOCK]
    lock_first(get_user_model(), session.user_id, using=_using())
    try:
        values = {name: getattr(session, name) for name in names}
        in_line(partial(_INSERT.changed, _using(), lifetime=lifetime, **values), using=_using())
    except IntegrityError:
        if _row(session.user_id, 1) is not None:
            raise
        raise UserChanged("the user is gone") from None
    session._state.adding, session._state.db = False, _using()
    for name in _BY_THE_CLOCK:
        # Whoever asks for it has it read.
        delattr(session, name)


#: What the database says of a new session.
_BY_THE_CLOCK: Final = {
    "created_at": Now(),
    "rotated_at": Now(),
    "expires_at": Now() + Parameter("lifetime", DurationField()),
}


def _insertion() -> InsertQuery:
    fields = Session._meta.concrete_fields
    query = InsertQuery(Session)
    row = {field.attname: Parameter(field.attname, field) for field in fields} | _BY_THE_CLOCK
    query.insert_values(fields, [Session(**row)])
    return query


# Through `save` a login takes half as long again.
_INSERT: Final = Prepared(_insertion)


def _look(session: Session, limit: int) -> bool:
    """Whether the user has more than `limit` sessions. Raises UserChanged."""
    found = _row(session.user_id, limit)
    if found is None:
        raise UserChanged("the user is gone")
    user, beyond = found
    if not user.is_active:
        raise UserChanged("the user is inactive by now")
    if session.auth_hash not in auth_hashes(user):
        raise UserChanged("the password is another one by now")
    if session.user_id != cast("Any", session.user).pk:
        # A child of the user model with a key of its own, which would be somebody else's.
        session.user = user
    return beyond is not None


def _look_again(sid: str) -> None:
    with suppress(Session.DoesNotExist):
        session = standing.find(sid)
        if over := session.why_over():
            revoke(session, reason=over)


def _row(pk: Any, limit: int) -> tuple[Any, Any] | None:
    """The user as committed now, and the first of the user's sessions beyond `limit`; None for nobody."""
    model = get_user_model()
    rows = _user_and_beyond(limit).rows(_using(), user=pk)
    hidden = some_users_are_hidden() and not model._default_manager.using(_using()).filter(pk=pk).exists()
    if not rows or hidden:
        return None
    return model.from_db(_using(), standing.user_columns(), rows[0][:-1]), rows[0][-1]


@cache
def _user_and_beyond(limit: int) -> Prepared:
    """In one statement: the first half costs no more, where the second is asked anyway."""
    model = get_user_model()
    mine = Session.objects.live().filter(user_id=OuterRef("pk")).order_by("-rotated_at", "-pk")
    beyond = {"ironclad_beyond": Subquery(mine.values("pk")[limit : limit + 1])}
    one = model._base_manager.filter(pk=Parameter("user", model._meta.pk))
    return Prepared(lambda: one.annotate(**beyond).values_list(*standing.user_columns(), *beyond).query)


@cache
def _too_many(limit: int) -> Prepared:
    """The sessions of a user beyond the `limit` that were used last."""
    mine = Session.objects.live().filter(user_id=Parameter("user", get_user_model()._meta.pk))
    return Prepared(lambda: mine.order_by("-rotated_at", "-pk").values_list("pk")[limit:].query)


def _using() -> str:
    return home()
