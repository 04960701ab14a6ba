"""Sessions start, rotate and end; each decision of `rotation` is applied by one conditional UPDATE."""

from __future__ import annotations

import hmac
import json
import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import get_hasher, identify_hasher
from django.contrib.auth.signals import user_logged_in
from django.db import connections, router
from django.db.models.functions import Now
from django.db.models.signals import pre_save
from django.dispatch import Signal

from . import signals
from .conf import get_refresh_secrets, get_settings
from .errors import InvalidGrant, TemporarilyUnavailable
from .models import Session, auth_hashes
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
        at_line = Session.objects.live().filter(pk=session.pk, generation=line.generation, branch=line.branch)
        if at_line.update(**change):
            if isinstance(decision, Rotate):
                facts = {"late": decision.late, "behind": decision.behind}
                level = logging.WARNING if decision.behind else logging.INFO
                _tell(signals.session_refreshed, "session_refreshed", session, level=level, **facts)
            return Rotated(session, _encode(session, decision.generation, decision.branch))
    raise TemporarilyUnavailable("others moved the session each time")


def revoke(session: Session, *, reason: str) -> bool:
    """End `session` for good. Whether it was alive until now."""
    ended = Session.objects.live().filter(pk=session.pk).update(revoked_at=Now(), revoked_reason=reason)
    if ended:
        _tell(signals.session_revoked, "session_revoked", session, reason=reason)
    return bool(ended)


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


def watch_password_upgrades() -> None:
    """A login that merely hashes the same password anew must not end that user's other sessions."""
    pre_save.connect(_note_upgrade, sender=get_user_model(), dispatch_uid="ironclad.note_upgrade")
    user_logged_in.connect(_follow_upgrade, dispatch_uid="ironclad.follow_upgrade")


def _note_upgrade(sender: Any, instance: Any, using: str, update_fields: frozenset[str] | None, **_: object) -> None:
    # `check_password` saves an upgraded hash just so, and sets `_password` to None to say that it is no new password.
    if update_fields != frozenset({"password"}) or instance._password is not None:
        return
    before = sender._base_manager.using(using).filter(pk=instance.pk).first()
    if before is not None and before.has_usable_password() and _is_outdated(before.password):
        instance._ironclad_auth_hashes_before = auth_hashes(before)


def _is_outdated(encoded: str) -> bool:
    preferred = get_hasher()
    return identify_hasher(encoded).algorithm != preferred.algorithm or preferred.must_update(encoded)


def _follow_upgrade(user: Any, **_: object) -> None:
    before = user.__dict__.pop("_ironclad_auth_hashes_before", None)
    if before:
        Session.objects.live().filter(user=user, auth_hash__in=before).update(auth_hash=user.get_session_auth_hash())
