"""Passwords are checked by Django's authentication backends, and a new one ends every other session."""

from __future__ import annotations

import copy
from inspect import signature
from typing import Any

from django.conf import settings
from django.contrib.auth import authenticate, get_backends, get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import router
from django.http import HttpRequest

from ..database import database_needed
from ..errors import InvalidCredentials, InvalidRequest, InvalidToken, RateLimited, WrongPassword
from ..models import Session
from ..sessions import TokenResponse, refresh
from ..user_model import naming
from . import upgrades
from .showing import stand_in


def check_credentials(request: HttpRequest | None, *, username: str, password: str) -> AbstractBaseUser:
    """The user whom Django's authentication backends know by this password. Raises InvalidCredentials, RateLimited."""
    with database_needed(), upgrades.checking(password):
        user: AbstractBaseUser | None = _known(request, username, password)
    if user is not None:
        return user
    if wait := getattr(request, "ironclad_retry_after", 0):
        # Or AxesMiddleware would answer in our place, without the time to wait.
        vars(request).pop("axes_locked_out", None)
        raise RateLimited("an authentication backend has had enough", retry_after=wait)
    raise InvalidCredentials("refused by the authentication backends")


def _known(request: HttpRequest | None, username: str, password: str) -> Any:
    try:
        # Some backends ask the request, and fail without one.
        return authenticate(request or stand_in(), **{name_of_the_name(): username}, password=password)
    except naming.NO_VALUE:
        if naming.can_be_name(username):
            raise
        # Letters where names are numbers: Django's own backend fails on them.
        return None


def name_of_the_name() -> str:
    """By which argument backends are told the user name: the one that most of them take, and more of them name.

    `username`, as Django's own form says it, or the user model's field, as most packages do: where that decides
    nothing, what django-axes looks for.
    """
    field = get_user_model().USERNAME_FIELD
    preferred = str(getattr(settings, "AXES_USERNAME_FORM_FIELD", field))
    backends = get_backends()

    def liking(name: str) -> tuple[int, int, bool]:
        taken, named = (sum(ask(each, name) for each in backends) for ask in (_takes, _names))
        return taken, named, name == preferred

    return max(("username", field), key=liking)


def _takes(backend: Any, name: str) -> bool:
    try:
        signature(backend.authenticate).bind(None, **{name: "", "password": ""})
    except TypeError:
        return False
    return True


def _names(backend: Any, name: str) -> bool:
    """Whether it reads this argument: what others end in its `**kwargs` tells it nothing, as in django-auth-ldap.

    Django's and django-axes' own look there as well.
    """
    own = backend.authenticate.__module__.startswith(("django.contrib.auth.", "axes."))
    return not own and name in signature(backend.authenticate).parameters


def confirm(user: Any, *, password: str, request: HttpRequest | None = None) -> Any:
    """`user`, who is logged in, as the backend has read them whose password this is.

    Raises WrongPassword, RateLimited.
    """
    try:
        known = check_credentials(request, username=naming.name_text(user), password=password)
    except InvalidCredentials:
        raise WrongPassword from None
    if known.pk != user.pk:
        raise WrongPassword("an authentication backend knows somebody else by it")
    return known


def change(session: Session, *, old: str, new: str, request: HttpRequest | None = None) -> TokenResponse:
    """Give the user of `session` a new password, and the session new tokens. Every other session ends.

    All of it happens, or nothing. Raises WrongPassword, also for a password that is another system's; RateLimited,
    TemporarilyUnavailable; InvalidRequest with what Django's validators say, and where there is no password here;
    InvalidToken when the session has ended meanwhile.
    """
    user = session.user = _whole(session.user)
    # Django takes None, of a user model without one, and "" for usable.
    if not (user.password and user.has_usable_password()):
        raise InvalidRequest(
            "no password of ours",
            reason="other_system",
            description="This password is kept elsewhere, and changed there.",
        )
    confirm(user, password=old, request=request)
    # As Django's own form does: what another backend knows as the password is not changed here.
    if not user.check_password(old):
        raise WrongPassword("the password of another system", reason="other_system")
    try:
        validate_password(new, user)
    except ValidationError as error:
        raise InvalidRequest(
            "refused by the password validators", reason="weak_password", description=" ".join(error.messages)
        ) from None
    changed = copy.copy(user)
    changed.set_password(new)
    with database_needed():
        # The session first, so that it is no outdated one when the save ends those.
        auth_hash = changed.get_session_auth_hash()
        return refresh.renew(session, auth_hash=auth_hash, then=lambda: _save(changed, read=user))


def _whole(user: Any) -> Any:
    """The user with every column, as committed now: a save leaves out the others. Raises InvalidToken."""
    model = get_user_model()
    try:
        return model._base_manager.using(router.db_for_write(Session)).get(pk=user.pk)
    except model.DoesNotExist:
        raise InvalidToken("the user is gone", reason="user_deleted") from None


def _save(changed: Any, *, read: Any) -> None:
    """Save the user as Django's own form does: whatever `set_password` has set, over the row that was `read`.

    Raises WrongPassword when that has another password by now; InvalidToken when nobody is let in by it.
    """
    # Changes nothing: it locks the row, which receivers compare with what is about to be saved.
    if not upgrades.password_rows(changed).filter(password=read.password).update(password=read.password):
        raise WrongPassword("the password was changed meanwhile", reason="user_changed")
    now = _whole(read)
    if not now.is_active:
        raise InvalidToken("the user is inactive by now", reason="user_inactive")
    for name in (field.attname for field in changed._meta.concrete_fields):
        # Everything is saved, so that nothing may be older than the row.
        if getattr(changed, name) == getattr(read, name):
            setattr(changed, name, getattr(now, name))
    changed.save()
