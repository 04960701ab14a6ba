"""Sessions start, rotate and end; each decision of `rotation` is applied by one conditional UPDATE."""

from __future__ import annotations

import hmac
import json
import logging
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import connections, router, transaction
from django.db.models.functions import Now
from django.dispatch import Signal

from . import signals
from .conf import get_refresh_secrets, get_settings
from .errors import InvalidGrant, TemporarilyUnavailable
from .models import Session, auth_hashes
from .revocation import revoked_sessions
from .rotation import RefreshToken, Refuse, Repeat, Rotate, Withhold, decide

logger = logging.getLogger("django_ironclad")

ATTEMPTS: Final = 4


@dataclass(frozen=True, slots=True)
class Rotated:
    """The session as it was read, and the refresh token that goes with the answer, "" when none does."""

    session: Session
    refresh_token: str = field(repr=False)
    #: The client sent this very token.
    held: bool = False


def start(
    user: Any,
    *,
    client_id: str,
    auth_time: datetime,
    lifetime: timedelta,
    user_agent: str = "",
    ip_address: str | None = None,
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
        user_agent=user_agent[:200],
        ip_address=ip_address,
    )
    _tell(signals.session_started, "session_started", session)
    # The last of those who log in at once sees them all, so there are never more.
    others = Session.objects.live().filter(user=user).exclude(pk=session.pk).order_by("-rotated_at", "-pk")
    _end(list(others[get_settings().SESSIONS_PER_USER - 1 :]), "too_many")
    return session


def first_refresh_token(session: Session) -> str:
    return _encode(session, 0, 0)


def rotate(text: str) -> Rotated:
    """Exchange a refresh token. Raises InvalidGrant; TemporarilyUnavailable when others moved the row each time.

    Raises RuntimeError inside a transaction: a theft that is found must not be forgotten when that rolls back.
    """
    _require_autocommit()
    token, mac = RefreshToken.parse(text)
    for _ in range(ATTEMPTS):
        session = _authentic(token, mac)
        over = session.why_over()
        if over:
            if over != "revoked":
                revoke(session, reason=over)
            raise InvalidGrant(f"the session is over: {over}")
        line = session.line
        decision = decide(line, token, now=session.now, grace=get_settings().REUSE_GRACE)
        match decision:
            case Refuse():
                if not decision.reuse:
                    raise InvalidGrant("newer than the row by more than a failover explains")
                revoke(session, reason="refresh_token_reused")
                _tell(signals.refresh_token_reused, "refresh_token_reused", session, level=logging.WARNING)
                raise InvalidGrant("reuse")
            case Withhold():
                return Rotated(session, "")
            case Repeat(held=True):
                return Rotated(session, text, held=True)
            case Repeat(grace_until=None):
                return Rotated(session, _encode(session, decision.generation, decision.branch))
            case Repeat():
                change: dict[str, Any] = {"grace_until": decision.grace_until, "grace_generation": line.generation}
            case Rotate():
                change = {
                    "generation": decision.generation,
                    "branch": decision.branch,
                    "parent_branch": decision.parent_branch,
                    "rotated_at": Now(),
                    # Moves on to the current SECRET_KEY where only a fallback knew it.
                    "auth_hash": auth_hashes(session.user)[0],
                }
        # As it was read; `auth_hash` too, or a password changed meanwhile would be undone for this session.
        at_line = Session.objects.live().filter(
            pk=session.pk, generation=line.generation, branch=line.branch, auth_hash=session.auth_hash
        )
        if at_line.update(**change):
            if isinstance(decision, Rotate):
                facts = {"late": decision.late, "behind": decision.behind}
                level = logging.WARNING if decision.behind else logging.INFO
                _tell(signals.session_refreshed, "session_refreshed", session, level=level, **facts)
            return Rotated(session, _encode(session, decision.generation, decision.branch))
    raise TemporarilyUnavailable("others moved the session each time")


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
        _tell(signals.session_revoked, "session_revoked", session, reason=reason)
    if ended:
        # Now, for this transaction's own eyes; and once it commits, for whoever read in the meantime saw nothing.
        revoked_sessions.invalidate()
        transaction.on_commit(revoked_sessions.invalidate, using=using)
    return len(ended)


def find_by_refresh_token(text: str) -> Session:
    """The session of any authentic refresh token, old or new, ended or not. Raises InvalidGrant."""
    return _authentic(*RefreshToken.parse(text))


def _authentic(token: RefreshToken, mac: str) -> Session:
    try:
        session = Session.objects.for_refresh(token.sid)
    except Session.DoesNotExist:
        raise InvalidGrant("no such session") from None
    good = (token.mac(secret=secret, seed=bytes(session.seed)) for secret in get_refresh_secrets())
    if not any(hmac.compare_digest(mac, each) for each in good):
        raise InvalidGrant("forged: the MAC does not fit")
    return session


def _encode(session: Session, generation: int, branch: int) -> str:
    token = RefreshToken(str(session.pk), generation, branch)
    return token.encode(secret=get_refresh_secrets()[0], seed=bytes(session.seed))


def _require_autocommit() -> None:
    # As atomic(durable=True) judges, but without its BEGIN: under SQLite a SELECT first and an UPDATE later in one
    # deferred transaction is "database is locked" as soon as two do it.
    blocks = connections[router.db_for_write(Session)].atomic_blocks
    if blocks and not blocks[-1]._from_testcase:  # type: ignore[attr-defined]
        raise RuntimeError(
            "A refresh cannot run inside transaction.atomic(): when that rolls back, a stolen token that was just "
            "found would be good again. Call it outside, or exempt the view with transaction.non_atomic_requests."
        )


def _tell(signal: Signal, event: str, session: Session, *, level: int = logging.INFO, **facts: Any) -> None:
    """One log line and one signal. Nothing in it is secret, and JSON keeps a line one line."""
    line = {"session": str(session.pk), "user": str(session.user_id), **facts}
    logger.log(level, "%s %s", event, json.dumps(line), extra={"event": event, **line})
    signal.send_robust(Session, session=session, **facts)
