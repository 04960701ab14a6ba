"""Sessions end, and whoever wants to know is told."""

from __future__ import annotations

import json
import logging
from contextlib import nullcontext
from functools import partial
from typing import Any
from uuid import UUID

from django.db import router, transaction
from django.dispatch import Signal

from . import naming, signals
from .clocks import Now
from .ended import invalidate
from .models import Session, auth_hashes

logger = logging.getLogger("django_ironclad")


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
