"""A refresh token is exchanged: what `decide` says is answered, and the row moves."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Final

from django.db import connections
from django.db.models import F

from .. import signals
from ..conf import Transport, get_settings
from ..database import Now, home, in_one_transaction
from ..errors import InvalidGrant, InvalidToken, RefreshTokenReplaced, TemporarilyUnavailable
from ..keyring import get_refresh_secrets
from ..models import Session, auth_hashes, new_seed, reason_of
from ..realms import current_realm
from ..tokens import PAUSE, SUSPICIOUS, RefreshToken, Refuse, Repeat, Rotate, Withhold, decide
from . import ending, issuing, news, standing, swap
from .issuing import TokenResponse

#: How often the row is read before giving up: whoever loses the swap starts over.
ATTEMPTS: Final = 4


def first(session: Session) -> str:
    """The refresh token that a login answers."""
    return _encode(session, 0, 0)


def rotate(text: str, *, transport: Transport | None = None) -> TokenResponse:
    """Exchange a refresh token that came by `transport`; None asks nothing of the way it came.

    Raises InvalidGrant; TemporarilyUnavailable when others moved the row each time. Raises RuntimeError inside a
    transaction: a theft that is found must not be forgotten when that rolls back.
    """
    _require_autocommit()
    token, mac = RefreshToken.parse(text)
    for _ in range(ATTEMPTS):
        session = _authentic(token, mac, transport)
        over = session.why_over()
        if over:
            if over != "revoked":
                ending.revoke(session, reason=over)
            raise InvalidGrant(f"the session is over: {over}", reason=reason_of(over))
        decision = decide(session.line, token, now=session.now, grace=get_settings().REUSE_GRACE)
        if isinstance(decision, Refuse):
            raise _refusal(session, decision)
        # Whatever can fail fails before the row moves: else each failure would be a lost answer, and so a doubt.
        response = _response(session, decision, text)
        if swap.move(session, decision):
            _tell(session, decision)
            return response
    raise TemporarilyUnavailable("others moved the session each time", reason="contention")


def renew(session: Session, *, then: Callable[[], object] = lambda: None, **changes: Any) -> TokenResponse:
    """Give a session a new seed, so that every refresh token of it that anybody holds is worth nothing, and `changes`.

    The line moves on as well, so that each exchange under way loses its swap. `then` is done in the same
    transaction. `session` is as `standing.find` has read it. Raises InvalidToken when it has ended, or when its user
    has another password by now.
    """
    living = Session.objects.live().filter(pk=session.pk)
    # The row's as it was read; the user's where a better hash of the same password has been made since.
    as_read = living.filter(auth_hash__in=[session.auth_hash, *auth_hashes(session.user)])

    def run() -> TokenResponse:
        seed = new_seed()
        line = {"generation": F("generation") + 1, "branch": 0, "parent_branch": 0, "repeated": False, "doubts": 0}
        moved = as_read.update(**changes, **line, seed=seed, rotated_at=Now(), seeded_at=Now())
        if not moved:
            raise InvalidToken("the session has ended meanwhile", reason="session_ended")
        then()
        session.seed, session.generation = seed, living.values_list("generation", flat=True).get()
        return _response(session, Repeat(session.generation, 0, held=False), "")

    return in_one_transaction(run, using=home())


def find_session(text: str, *, transport: Transport | None = None) -> Session:
    """The session of any authentic refresh token, old or new, ended or not.

    Raises InvalidGrant; RefreshTokenReplaced for a while after a new seed.
    """
    return _authentic(*RefreshToken.parse(text), transport)


def _authentic(token: RefreshToken, mac: str, transport: Transport | None) -> Session:
    try:
        session = standing.find_whole(token.sid)
    except Session.DoesNotExist:
        raise InvalidGrant("no such session", reason="session_unknown") from None
    try:
        token.verify(mac, secrets=get_refresh_secrets(), seed=bytes(session.seed), realm=current_realm())
    except InvalidGrant:
        if session.seeded_at and session.now - session.seeded_at < PAUSE * get_settings().REUSE_GRACE:
            # Its client, another tab of it, or a thief: the first two hear soon what the third never does.
            raise RefreshTokenReplaced("the session got a new seed a moment ago") from None
        raise
    if transport not in (None, session.transport):
        raise InvalidGrant(
            f"of a session whose refresh tokens travel by {session.transport}, not by {transport}", reason="transport"
        )
    return session


def _refusal(session: Session, decision: Refuse) -> InvalidGrant:
    if not decision.reuse:
        return InvalidGrant("newer than the row by more than a failover explains", reason="ahead")
    ending.revoke(session, reason="refresh_token_reused")
    news.tell(signals.refresh_token_reused, "refresh_token_reused", session, level=logging.WARNING)
    return InvalidGrant("reuse", reason="reused")


def _response(session: Session, decision: Repeat | Withhold | Rotate, text: str) -> TokenResponse:
    held = isinstance(decision, Repeat) and decision.held
    if isinstance(decision, Withhold):
        next_one = ""
    else:
        next_one = text if held else _encode(session, decision.generation, decision.branch)
    return issuing.issue(session, session.user, session.group_names, refresh_token=next_one, held=held)


def _tell(session: Session, decision: Repeat | Withhold | Rotate) -> None:
    doubts = getattr(decision, "doubts", None) or 0
    suspicious = decision.how == "behind" or doubts >= SUSPICIOUS
    level = logging.WARNING if suspicious else logging.INFO
    facts = {"how": decision.how, **({"doubts": doubts} if doubts else {})}
    news.tell(signals.session_refreshed, "session_refreshed", session, level=level, **facts)


def _encode(session: Session, generation: int, branch: int) -> str:
    token = RefreshToken(str(session.pk), generation, branch)
    return token.encode(secret=get_refresh_secrets()[0], seed=bytes(session.seed), realm=current_realm())


def _require_autocommit() -> None:
    # As atomic(durable=True) judges, but without its BEGIN: under SQLite a SELECT first and an UPDATE later in one
    # deferred transaction is "database is locked" as soon as two do it.
    blocks = connections[home()].atomic_blocks
    if blocks and not blocks[-1]._from_testcase:  # type: ignore[attr-defined]
        raise RuntimeError(
            "A refresh cannot run inside transaction.atomic(): when that rolls back, a stolen token that was just "
            "found would be good again. Call it outside, or exempt the view with transaction.non_atomic_requests."
        )
