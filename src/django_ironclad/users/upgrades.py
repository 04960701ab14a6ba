"""A better hash of the same password, which `check_password` makes in passing, ends no session."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Final

from django.contrib.auth import hashers
from django.views.decorators.debug import sensitive_variables

from ..database import home, in_one_transaction
from ..models import Session, auth_hashes
from ..user_model import user_key


@dataclass(frozen=True, slots=True)
class _Check:
    """A password that is being checked, and where a user's `check_password` does it: whose, and against which hash."""

    password: str = field(repr=False)
    user: Any = None
    encoded: str = field(default="", repr=False)


class _Settled(Exception):
    """Nothing is left to save: the row has a hash of this password (`right`), or by now one of another."""

    def __init__(self, *, right: bool) -> None:
        self.right = right


_check: Final[ContextVar[_Check | None]] = ContextVar("ironclad_password_check", default=None)


@contextmanager
def checking(password: str, user: Any = None) -> Iterator[None]:
    """Within this block somebody checks `password`, and perhaps makes a better hash of it."""
    check = _check.set(_Check(password, user, "" if user is None else user.password))
    try:
        yield
    finally:
        _check.reset(check)


def watch(model: Any) -> None:
    """Let the `check_password` of this user model tell that it is at work, whoever calls it.

    Nothing else tells its `save` of a better hash from one of a new password that somebody has hashed themselves.
    """
    if not hasattr(model, "check_password") or hasattr(model.check_password, "ironclad_watches"):
        return
    check, acheck = model.check_password, model.acheck_password

    @sensitive_variables()
    @wraps(check)
    def check_password(self: Any, raw_password: Any) -> Any:
        with checking(raw_password, self):
            try:
                return check(self, raw_password)
            except _Settled as settled:
                return settled.right

    @sensitive_variables()
    @wraps(acheck)
    async def acheck_password(self: Any, raw_password: Any) -> Any:
        with checking(raw_password, self):
            try:
                return await acheck(self, raw_password)
            except _Settled as settled:
                return settled.right

    check_password.ironclad_watches = True  # type: ignore[attr-defined]
    model.check_password, model.acheck_password = check_password, acheck_password


def follow(user: Any) -> None:
    """Take the sessions of `user` along when the password that is about to be saved is a better hash of the same.

    When somebody else was first, `user` gets theirs: whatever is saved next, both logins' sessions live.
    """
    check = _check.get()
    if check is None or (check.user is not None and check.user is not user):
        return
    rows = password_rows(user)
    # A backend may do by itself what `check_password` does; then both hashes must be of this password.
    before = check.encoded or rows.values_list("password", flat=True).first() or ""
    if check.user is None and not (_is_of(check, before) and _is_of(check, user.password)):
        return
    replaced = _replace(rows, user, before)
    now = user.password if replaced else rows.values_list("password", flat=True).first() or ""
    right = replaced or _is_of(check, now)
    if right or check.user is not None:
        user.password = now
    if check.user is not None:
        # What Django would save now, it would save also over a password that somebody changes at this moment.
        raise _Settled(right=right)


def _replace(rows: Any, user: Any, before: str) -> bool:
    """Whether the hash `before` was still there, and gave way to the user's, with the sessions that began with it."""
    old = copy.copy(user)
    old.password = before
    began = Session.objects.live().filter(user_id=user_key(user), auth_hash__in=auth_hashes(old))

    def replace() -> bool:
        if not rows.filter(password=before).update(password=user.password):
            return False
        began.update(auth_hash=user.get_session_auth_hash())
        return True

    return in_one_transaction(replace, using=rows.db)


def password_rows(user: Any) -> Any:
    """The row that has the password of `user`, for an UPDATE on a condition: a child's asks it in another statement."""
    model = user._meta.get_field("password").model
    rows = model._base_manager.using(home())
    return rows.filter(pk=getattr(user, model._meta.pk.attname))


def _is_of(check: _Check, encoded: str) -> bool:
    return bool(encoded) and hashers.check_password(check.password, encoded)
