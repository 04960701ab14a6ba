"""The session that a request came by: a new password ends it last, once the view that changed it has had its say."""

from __future__ import annotations

from contextlib import nullcontext
from contextvars import ContextVar
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.core.signals import request_finished, request_started
from django.db import router

from . import naming, sessions
from .availability import database_needed
from .errors import TemporarilyUnavailable
from .models import Session
from .realms import realm
from .tokens import AccessToken
from .users import token_at_hand

#: By which session a request came that has changed the password of its user, and has not let it go on yet.
_waiting: Final[ContextVar[AccessToken | None]] = ContextVar("ironclad_waiting", default=None)


def revoke_outdated(user: Any) -> None:
    """End every session of `user` that began with another password; the one at hand not before its request ends.

    By then `auth.update_session_auth_hash` may have let it follow the new password.
    """
    access = token_at_hand.get()
    if access is None or access.sub != naming.key_text(user.pk):
        sessions.revoke_outdated(user)
    else:
        sessions.revoke_outdated(user, keep=access.sid)
        _waiting.set(access)


def settle() -> None:
    """The session at hand goes on by the new password."""
    _waiting.set(None)


def _begin(**_: object) -> None:
    """A thread that serves the next request knows nothing of the last."""
    token_at_hand.set(None)
    _waiting.set(None)


def _finish(**_: object) -> None:
    access = _waiting.get()
    _begin()
    if access is None:
        return
    try:
        with database_needed(), realm(access.realm) if access.realm else nullcontext():
            # As it is now: the change may have been rolled back, or the session have followed it.
            users = get_user_model()._base_manager.using(router.db_for_write(Session))
            user = users.filter(pk=naming.key_of(access.sub)).first()
            if user is not None:
                sessions.revoke_outdated(user)
    except TemporarilyUnavailable as error:
        # The answer has left. A refresh and the strict check look at the password themselves.
        sessions.logger.warning("session_at_hand_not_ended %s", error, extra={"event": "session_at_hand_not_ended"})


request_started.connect(_begin, dispatch_uid="ironclad.no_token_at_hand")
request_finished.connect(_finish, dispatch_uid="ironclad.revoke_outdated_at_hand")
