"""The session that a request came by: a new password ends it last, once the view that changed it has had its say."""

from __future__ import annotations

from contextlib import nullcontext
from contextvars import ContextVar
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.core.handlers.asgi import ASGIRequest
from django.core.signals import request_finished, request_started

from .. import sessions
from ..database import database_needed, home
from ..errors import TemporarilyUnavailable
from ..realms import realm
from ..tokens import AccessToken
from ..user_model import naming

#: Which request is being answered. A variable, not a call: whoever admits somebody sets it.
request_at_hand: Final[ContextVar[Any]] = ContextVar("ironclad_request_at_hand", default=None)
#: Under which name a request keeps the token by which it came once it has changed the password of its user.
_WAITING: Final = "ironclad_waiting"


def revoke_outdated(user: Any) -> None:
    """End every session of `user` that began with another password; the one at hand not before its request ends.

    By then `auth.update_session_auth_hash` may have let it follow the new password.
    """
    request: Any = request_at_hand.get()
    access = getattr(request, "auth", None)
    if not isinstance(access, AccessToken) or access.sub != naming.key_text(user.pk) or not _has_an_end(request):
        sessions.revoke_outdated(user)
    else:
        sessions.revoke_outdated(user, keep=access.sid)
        vars(request)[_WAITING] = access


def settle(request: Any) -> None:
    """The session at hand goes on by the new password."""
    vars(getattr(request, "_request", request)).pop(_WAITING, None)


def is_waiting(request: Any) -> bool:
    return _WAITING in vars(request)


def finish(request: Any) -> None:
    """The view has had its say: what it did not let go on ends."""
    access: AccessToken | None = vars(request).pop(_WAITING, None)
    if access is None:
        return
    try:
        with database_needed(), realm(access.realm) if access.realm else nullcontext():
            # As it is now: the change may have been rolled back, or the session have followed it.
            user = get_user_model()._base_manager.using(home()).filter(pk=naming.key_of(access.sub)).first()
            if user is not None:
                sessions.revoke_outdated(user)
    except TemporarilyUnavailable as error:
        # The answer may have left. A refresh and the strict check look at the password themselves.
        sessions.logger.warning("session_at_hand_not_ended %s", error, extra={"event": "session_at_hand_not_ended"})


def _has_an_end(request: Any) -> bool:
    """Whether somebody says when this request is over: `BearerMiddleware`, or in WSGI Django itself.

    In ASGI Django says so in another task than the view's, which knows nothing of it.
    """
    return getattr(request, "ironclad_has_an_end", False) or not isinstance(request, ASGIRequest)


def _begin(**_: object) -> None:
    """A thread that serves the next request knows nothing of the last."""
    request_at_hand.set(None)


def _finish(**_: object) -> None:
    request = request_at_hand.get()
    _begin()
    if request is not None:
        finish(request)


request_started.connect(_begin, dispatch_uid="ironclad.no_request_at_hand")
request_finished.connect(_finish, dispatch_uid="ironclad.finish_request_at_hand")
