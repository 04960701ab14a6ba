"""A new password, a deactivation or a deletion of a user ends sessions; a mere new hash of the password does not."""

from __future__ import annotations

from typing import Any, Final

from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in
from django.db.models.signals import post_save, pre_delete, pre_save

from . import passwords, sessions
from .models import Session, auth_hashes

_PASSWORD: Final = frozenset({"password"})
_DECISIVE: Final = frozenset({"password", "is_active"})


def watch() -> None:
    """Connect to Django's signals. `update()` and plain SQL send none: those are seen at the session's next refresh.

    Signals name the class that was saved, so proxies and children of the user model are named too; all classes are not,
    for then Django could delete no row of any model without loading it first.
    """
    for model in apps.get_models():
        if issubclass(model, get_user_model()):
            uid = f"ironclad.{model._meta.label}"
            pre_save.connect(_user_to_be_saved, sender=model, dispatch_uid=uid)
            post_save.connect(_user_saved, sender=model, dispatch_uid=uid)
            pre_delete.connect(_user_deleted, sender=model, dispatch_uid=uid)
    user_logged_in.connect(_follow_upgrade, dispatch_uid="ironclad.follow_upgrade")


def _user_saved(instance: Any, created: bool, update_fields: frozenset[str] | None, **_: object) -> None:
    if created or not (update_fields is None or update_fields & _DECISIVE):
        return
    if not instance.is_active:
        sessions.revoke_all(instance, reason="user_inactive")
    elif not hasattr(instance, "_ironclad_auth_hashes_before"):
        sessions.revoke_outdated(instance)


def _user_deleted(instance: Any, **_: object) -> None:
    # Before: afterwards nobody knows whose the sessions were.
    sessions.revoke_all(instance, reason="user_deleted")


def _user_to_be_saved(
    sender: Any, instance: Any, using: str, update_fields: frozenset[str] | None, **_: object
) -> None:
    # `check_password` saves an upgraded hash just so, and sets `_password` to None to say that it is no new password.
    if update_fields != _PASSWORD or instance._password is not None:
        return
    password = passwords.being_checked.get()
    if password is not None:
        passwords.upgrade(instance, password=password, using=using)
        return
    # Perhaps in a login of Django's own: only when it succeeds it is known to be no new password.
    before = sender._base_manager.using(using).filter(pk=instance.pk).first()
    if before is not None and passwords.needs_upgrade(before):
        instance._ironclad_auth_hashes_before = auth_hashes(before)


def _follow_upgrade(user: Any, **_: object) -> None:
    before = user.__dict__.pop("_ironclad_auth_hashes_before", None)
    if before:
        Session.objects.live().filter(user=user, auth_hash__in=before).update(auth_hash=user.get_session_auth_hash())
