"""Whether our logins are noted in `last_login`, as Django's own are: `UPDATE_LAST_LOGIN` says it, for that alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any, Final

from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in
from django.db import router
from django.db.models.query_utils import DeferredAttribute

from ..conf import get_settings
from ..database import in_line

#: Under this Django's receiver is known; projects that want none disconnect it by this.
_UID: Final = "update_last_login"
_ours: Final[ContextVar[bool]] = ContextVar("ironclad_login", default=False)


@contextmanager
def login_of_ours() -> Iterator[None]:
    """Within this block it is a login of ours that the receivers of `user_logged_in` hear of."""
    token = _ours.set(True)
    try:
        yield
    finally:
        _ours.reset(token)


def watch() -> None:
    """Take the place of Django's receiver, unless the project has done away with it."""
    if not isinstance(getattr(get_user_model(), "last_login", None), DeferredAttribute):
        return
    order = list(apps.app_configs)
    auth_is_to_come = "auth" in order and order.index("auth") > order.index("ironclad")
    # Where `django.contrib.auth` is to come, it will find its place taken.
    if user_logged_in.disconnect(dispatch_uid=_UID) or auth_is_to_come:
        user_logged_in.connect(_note, dispatch_uid=_UID)


def _note(sender: Any, user: Any, **others: Any) -> None:
    # Not before the apps are ready.
    from django.contrib.auth.models import update_last_login  # noqa: PLC0415

    if not _ours.get() or get_settings().UPDATE_LAST_LOGIN:
        note = partial(update_last_login, sender, user, **others)
        in_line(note, using=router.db_for_write(type(user), instance=user))
