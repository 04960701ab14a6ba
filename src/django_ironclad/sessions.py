"""Sessions start and end, and whoever wants to know is told."""

from __future__ import annotations

import json
import logging
from contextlib import nullcontext
from datetime import datetime, timedelta
from functools import cache, partial
from typing import Any, Final
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import router, transaction
from django.db.models import DurationField
from django.db.models.sql import InsertQuery
from django.dispatch import Signal

from . import naming, signals
from .clocks import Now
from .conf import Transport, get_settings
from .devices import printable
from .ended import invalidate
from .models import Session, auth_hashes
from .prepared import Parameter, Prepared

logger = logging.getLogger("django_ironclad")


def start(
    user: Any,
    *,
    client_id: str,
    transport: Transport,
    auth_time: datetime,
    lifetime: timedelta,
    user_agent: str,
    ip_address: str | None,
    scope: str,
    amr: str,
) -> Session:
    """A new session of `user`, which ends after `lifetime` at the latest."""
    session = Session(
        user=user,
        client_id=client_id,
        transport=transport,
        auth_hash=user.get_session_auth_hash(),
        auth_time=auth_time,
        user_agent=printable(user_agent)[:200],
        ip_address=ip_address,
        scope=scope,
        amr=amr,
    )
    using = router.db_for_write(Session)
    _INSERT.changed(using, lifetime=lifetime, **{name: getattr(session, name) for name in _names()})
    session._state.adding, session._state.db = False, using
    for name in _BY_THE_CLOCK:
        # Whoever asks for it has it read.
        delattr(session, name)
    tell(signals.session_started, "session_started", session)
    # Of those who log in at once the last sees them all, and all go by one order: never more remain, and never fewer.
    for (pk,) in _too_many(get_settings().SESSIONS_PER_USER).rows(using, user=user.pk):
        revoke(pk, reason="too_many")
    return session


#: What the database says of a new session.
_BY_THE_CLOCK: Final = {
    "created_at": Now(),
    "rotated_at": Now(),
    "expires_at": Now() + Parameter("lifetime", DurationField()),
}


def _names() -> list[str]:
    return [field.attname for field in Session._meta.concrete_fields if field.attname not in _BY_THE_CLOCK]


def _insertion() -> InsertQuery:
    fields = Session._meta.concrete_fields
    query = InsertQuery(Session)
    row = {field.attname: Parameter(field.attname, field) for field in fields} | _BY_THE_CLOCK
    query.insert_values(fields, [Session(**row)])
    return query


# Through `save` a login takes half as long again.
_INSERT: Final = Prepared(_insertion)


@cache
def _too_many(limit: int) -> Prepared:
    """The sessions of a user beyond the `limit` that were used last."""
    mine = Session.objects.live().filter(user_id=Parameter("user", get_user_model()._meta.pk))
    return Prepared(lambda: mine.order_by("-rotated_at", "-pk").values_list("pk")[limit:].query)


def follow_secret_key(session: Session) -> None:
    """Let a session that is not rotated move on to the current `SECRET_KEY`, where only a fallback knew it."""
    current = auth_hashes(session.user)[0]
    if session.auth_hash != current:
        Session.objects.live().filter(pk=session.pk, auth_hash=session.auth_hash).update(auth_hash=current)


def revoke(session: Session | str | UUID, *, reason: str) -> bool:
    """End a session, in every process within two `REVOCATION_INTERVAL`s. Whether it was alive until now."""
    return bool(_end([session] if isinstance(session, Session) else _living(pk=session), reason))


def revoke_all(user: Any, *, reason: str, keep: str | UUID | None = None) -> int:
    """End every session of `user` but `keep`. How many there were."""
    return _end([session for session in _living(user=user) if str(session.pk) != str(keep)], reason)


def revoke_outdated(user: Any) -> int:
    """End every session of `user` that began with another password than the one of now. How many there were."""
    current = auth_hashes(user)
    return _end([session for session in _living(user=user) if session.auth_hash not in current], "password_changed")


def _living(**whose: Any) -> list[Session]:
    # In the order of their keys, so that two who end the same ones wait for each other, and not for ever.
    return list(Session.objects.live().filter(**whose).select_related("user").order_by("pk"))


def _end(living: list[Session], reason: str) -> int:
    using = router.db_for_write(Session)
    with transaction.atomic(using=using) if len(living) > 1 else nullcontext():
        ended = [
            session
            for session in living
            if Session.objects.live().filter(pk=session.pk).update(revoked_at=Now(), revoked_reason=reason)
        ]
    for session in ended:
        tell(signals.session_revoked, "session_revoked", session, reason=reason)
    if ended:
        # Now, for this transaction's own eyes; and once it commits, for whoever read in the meantime saw nothing.
        told = partial(invalidate, [str(session.pk) for session in ended])
        told()
        transaction.on_commit(told, using=using)
    return len(ended)


def tell(signal: Signal, event: str, session: Session, *, level: int = logging.INFO, **facts: Any) -> None:
    """One log line and one signal. Nothing in it is secret, and JSON keeps a line one line."""
    line = {"session": str(session.pk), "user": naming.key_text(session.user_id), **facts}
    # The one control character that JSON leaves as it is.
    text = json.dumps(line).replace("\x7f", "\\u007f")
    logger.log(level, "%s %s", event, text, extra={"event": event, **line})
    signal.send_robust(Session, session=session, **facts)
