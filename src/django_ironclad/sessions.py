"""Sessions start and end, and whoever wants to know is told."""

from __future__ import annotations

import json
import logging
from contextlib import nullcontext
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import router, transaction
from django.db.models.functions import Now
from django.dispatch import Signal

from . import signals
from .conf import get_settings
from .models import Session, auth_hashes
from .prepared import Parameter, Prepared
from .revocation import revoked_sessions

logger = logging.getLogger("django_ironclad")


def start(
    user: Any,
    *,
    client_id: str,
    auth_time: datetime,
    lifetime: timedelta,
    user_agent: str = "",
    ip_address: str | None = None,
    scope: str = "",
    amr: str = "",
) -> Session:
    """A new session of `user`, which ends after `lifetime` at the latest."""
    session: Session = Session.objects.create(
        user=user,
        client_id=client_id,
        auth_hash=user.get_session_auth_hash(),
        auth_time=auth_time,
        created_at=Now(),
        rotated_at=Now(),
        grace_until=Now(),
        expires_at=Now() + lifetime,
        # PostgreSQL stores no NUL.
        user_agent=user_agent.replace("\0", "")[:200],
        ip_address=ip_address,
        scope=scope,
        amr=amr,
    )
    tell(signals.session_started, "session_started", session)
    # Of those who log in at once the last sees them all, and all go by one order: never more remain, and never fewer.
    by_use = [pk for (pk,) in _BY_USE.rows(router.db_for_write(Session), user=user.pk)]
    for pk in by_use[get_settings().SESSIONS_PER_USER :]:
        revoke(pk, reason="too_many")
    return session


_BY_USE: Final = Prepared(
    lambda: (
        Session.objects.live()
        .filter(user_id=Parameter("user", get_user_model()._meta.pk))
        .order_by("-rotated_at", "-pk")
        .values_list("pk")
        .query
    )
)


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
        invalidate = partial(revoked_sessions.invalidate, [str(session.pk) for session in ended])
        invalidate()
        transaction.on_commit(invalidate, using=using)
    return len(ended)


def tell(signal: Signal, event: str, session: Session, *, level: int = logging.INFO, **facts: Any) -> None:
    """One log line and one signal. Nothing in it is secret, and JSON keeps a line one line."""
    line = {"session": str(session.pk), "user": str(session.user_id), **facts}
    logger.log(level, "%s %s", event, json.dumps(line), extra={"event": event, **line})
    signal.send_robust(Session, session=session, **facts)
