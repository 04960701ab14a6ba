"""Passwords are checked by Django's authentication backends, and a new one ends every other session."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any, Final

from django.contrib.auth import authenticate, get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.hashers import check_password, get_hasher, identify_hasher
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import HttpRequest

from . import naming, refresh
from .availability import database_needed
from .errors import InvalidCredentials, InvalidRequest, RateLimited, WrongPassword
from .issuing import TokenResponse
from .models import Session, auth_hashes

#: The password that is being checked: whoever meanwhile saves a user's password only has made a better hash of it.
being_checked: Final[ContextVar[str | None]] = ContextVar("ironclad_password_being_checked", default=None)


def check_credentials(request: HttpRequest | None, *, username: str, password: str) -> AbstractBaseUser:
    """The user whom Django's authentication backends know by this password. Raises InvalidCredentials, RateLimited."""
    checked = being_checked.set(password)
    try:
        with database_needed():
            user: AbstractBaseUser | None = _known(request, username, password)
    finally:
        being_checked.reset(checked)
    if user is not None:
        return user
    if wait := getattr(request, "ironclad_retry_after", 0):
        # Or AxesMiddleware would answer in our place, without the time to wait.
        vars(request).pop("axes_locked_out", None)
        raise RateLimited("an authentication backend has had enough", retry_after=wait)
    raise InvalidCredentials("refused by the authentication backends")


def _known(request: HttpRequest | None, username: str, password: str) -> Any:
    try:
        # By the name of its field, as django-axes and most backends look for it.
        return authenticate(request, **{get_user_model().USERNAME_FIELD: username}, password=password)
    except naming.NO_VALUE:
        if naming.can_be_name(username):
            raise
        # Letters where names are numbers: Django's own backend fails on them.
        return None


def upgrade(user: Any, *, password: str, using: str) -> None:
    """Give the row the better hash that `user` has of this password, and the sessions with it, in one transaction.

    When somebody else was first, `user` gets theirs: whatever is saved next, both logins' sessions live. Raises
    PermissionDenied, by which a backend ends Django's `authenticate`, when that is a hash of another password.
    """
    rows = type(user)._base_manager.using(using).filter(pk=user.pk)
    while (before := rows.first()) is not None and needs_upgrade(before):
        with transaction.atomic(using=using):
            if rows.filter(password=before.password).update(password=user.password):
                began = Session.objects.live().filter(user=user, auth_hash__in=auth_hashes(before))
                began.update(auth_hash=user.get_session_auth_hash())
                return
    if before is None or not check_password(password, before.password):
        raise PermissionDenied
    user.password = before.password


def needs_upgrade(user: Any) -> bool:
    """Whether Django would make a better hash of this user's password if only it knew it."""
    if not user.has_usable_password():
        return False
    preferred = get_hasher()
    outdated = identify_hasher(user.password).algorithm != preferred.algorithm
    return outdated or preferred.must_update(user.password)


def confirm(user: Any, *, password: str, request: HttpRequest | None = None) -> None:
    """Return if this is the password of `user`, who is logged in. Raises WrongPassword, RateLimited."""
    try:
        known = check_credentials(request, username=naming.name_text(user), password=password)
    except InvalidCredentials:
        raise WrongPassword from None
    if known.pk != user.pk:
        raise WrongPassword("an authentication backend knows somebody else by it")


def change(session: Session, *, old: str, new: str, request: HttpRequest | None = None) -> TokenResponse:
    """Give the user of `session` a new password, and the session new tokens. Every other session ends.

    All of it happens, or nothing. Raises WrongPassword, RateLimited, TemporarilyUnavailable; InvalidRequest with what
    Django's validators say; InvalidToken when the session has ended meanwhile.
    """
    user: Any = session.user
    confirm(user, password=old, request=request)
    try:
        validate_password(new, user)
    except ValidationError as error:
        raise InvalidRequest("refused by the password validators", description=" ".join(error.messages)) from None
    user.set_password(new)
    session.auth_hash = user.get_session_auth_hash()
    with database_needed():
        # The session first, so that it is no outdated one when the save ends those.
        return refresh.renew(session, auth_hash=session.auth_hash, then=lambda: user.save(update_fields=["password"]))
