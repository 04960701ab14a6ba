"""A refresh token is exchanged: what `rotation` decides is applied by one conditional UPDATE."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, cast

from django.db import connections, router
from django.db.models.functions import Now
from django.db.models.sql import Query, UpdateQuery

from . import sessions, signals, standing
from .conf import get_refresh_secrets, get_settings
from .errors import InvalidGrant, TemporarilyUnavailable
from .models import Session, auth_hashes
from .prepared import Parameter, Prepared
from .rotation import GRACE_BUDGET, RefreshToken, Refuse, Repeat, Rotate, Withhold, decide

#: How often the row is read before giving up: whoever loses the swap starts over.
ATTEMPTS: Final = 4


@dataclass(frozen=True, slots=True)
class Rotated:
    """The session as it was read, and the refresh token that goes with the answer, "" when none does."""

    session: Session
    refresh_token: str = field(repr=False)
    #: The client sent this very token.
    held: bool = False


def first(session: Session) -> str:
    """The refresh token that a login answers."""
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
                sessions.revoke(session, reason=over)
            raise InvalidGrant(f"the session is over: {over}")
        line = session.line
        decision = decide(line, token, now=session.now, grace=get_settings().REUSE_GRACE, refill=_refill())
        if isinstance(decision, Refuse):
            raise _refusal(session, decision)
        if _move(session, decision):
            level = logging.WARNING if decision.how == "behind" else logging.INFO
            sessions.tell(signals.session_refreshed, "session_refreshed", session, level=level, how=decision.how)
            if isinstance(decision, Withhold):
                return Rotated(session, "")
            held = isinstance(decision, Repeat) and decision.held
            return Rotated(session, text if held else _encode(session, decision.generation, decision.branch), held=held)
    raise TemporarilyUnavailable("others moved the session each time")


def _refill() -> timedelta:
    """One in twelve turns of a client may repeat an answer for ever: it takes a turn when its access token runs out."""
    settings = get_settings()
    # No budget needs to grow after its session.
    return min(GRACE_BUDGET * settings.ACCESS_TOKEN_LIFETIME, settings.SESSION_LIFETIME)


def _refusal(session: Session, decision: Refuse) -> InvalidGrant:
    if not decision.reuse:
        return InvalidGrant("newer than the row by more than a failover explains")
    sessions.revoke(session, reason="refresh_token_reused")
    sessions.tell(signals.refresh_token_reused, "refresh_token_reused", session, level=logging.WARNING)
    return InvalidGrant("reuse")


def _move(session: Session, decision: Repeat | Withhold | Rotate) -> bool:
    """Whether the row could be moved to where the decision wants it: nobody did so, and nobody ended it, meanwhile."""
    # As it was read; `auth_hash` too, or a password changed meanwhile would be undone for this session.
    as_read = {name: getattr(session, name) for name in _AS_READ}
    match decision:
        case Rotate():
            return bool(
                _SWAP.changed(
                    router.db_for_write(Session),
                    **{f"read_{name}": value for name, value in as_read.items()},
                    generation=decision.generation,
                    branch=decision.branch,
                    parent_branch=decision.parent_branch,
                    # Moves on to the current SECRET_KEY where only a fallback knew it.
                    auth_hash=auth_hashes(session.user)[0],
                )
            )
        case Repeat(grace_until=datetime()):
            moved = {"grace_until": decision.grace_until, "grace_generation": session.generation}
            return bool(Session.objects.live().filter(**as_read).update(**moved))
    return True


_AS_READ: Final = ("id", "generation", "branch", "auth_hash")
_MOVED: Final = ("generation", "branch", "parent_branch", "auth_hash")


def _swap() -> Query:
    column: Callable[[str], Any] = Session._meta.get_field
    as_read = Session.objects.live().filter(**{name: Parameter(f"read_{name}", column(name)) for name in _AS_READ})
    query = cast("UpdateQuery", as_read.query.chain(UpdateQuery))
    query.add_update_values({name: Parameter(name, column(name)) for name in _MOVED} | {"rotated_at": Now()})
    return query


_SWAP: Final = Prepared(_swap)


def find_session(text: str) -> Session:
    """The session of any authentic refresh token, old or new, ended or not. Raises InvalidGrant."""
    return _authentic(*RefreshToken.parse(text))


def _authentic(token: RefreshToken, mac: str) -> Session:
    try:
        session = standing.find_whole(token.sid)
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
