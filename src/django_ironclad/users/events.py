"""A new password, a deactivation or a deletion of a user ends sessions; a mere new hash of the password does not."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.db import connections, transaction
from django.db.models.signals import post_delete, post_save, pre_delete, pre_save

from .. import sessions
from ..database import at_home_in, from_here, home, in_line
from ..models import Session
from ..user_model import are_ours, is_user, may_decide, user_classes, user_key
from . import at_hand, upgrades

_PASSWORD: Final = frozenset({"password"})


def watch() -> None:
    """Connect to Django's signals. `update()`, `bulk_update()` and plain SQL send none: the next refresh sees those.

    To the users' own classes only: for others' sake Django could delete no row of any model without loading it first.
    """
    for model in user_classes():
        uid = f"ironclad.{model._meta.label}"
        upgrades.watch(model)
        pre_save.connect(_user_to_be_saved, sender=model, dispatch_uid=uid)
        post_save.connect(_user_saved, sender=model, dispatch_uid=uid)
        if is_user(model):
            # Who deletes a parent, or a child with its parents, deletes the user, and Django says that as well.
            pre_delete.connect(_user_to_be_deleted, sender=model, dispatch_uid=uid)
            post_delete.connect(_user_deleted, sender=model, dispatch_uid=uid)


def _user_to_be_saved(instance: Any, using: str, update_fields: frozenset[str] | None, **_: object) -> None:
    # `check_password` saves an upgraded hash just so, and sets `_password` to None to say that it is no new password.
    if update_fields == _PASSWORD and getattr(instance, "_password", None) is None and are_ours(using):
        upgrades.follow(instance)


def _user_saved(
    instance: Any, created: bool, raw: bool, using: str, update_fields: frozenset[str] | None, **_: object
) -> None:
    if created or not may_decide(update_fields) or not are_ours(using):
        return
    within = connections[using].in_atomic_block
    with at_home_in(using):
        key = user_key(instance)
        # For this transaction's own eyes. A fixture may yet lack what it refers to.
        if not (raw and within):
            _judge(key)
        if within:
            # And for whoever logged in meanwhile: they did not see what was not committed, nor we their session.
            transaction.on_commit(from_here(partial(_judge, key)), using=using, robust=True)


def _judge(key: Any) -> None:
    """End what cannot go on, by the row: an instance may hold what nobody has saved."""
    users = get_user_model()._base_manager.using(home())
    user = in_line(users.filter(pk=key).first, using=home())
    if user is None:
        return
    if user.is_active:
        at_hand.revoke_outdated(user)
    else:
        sessions.revoke_all(user, reason="user_inactive")


def _user_to_be_deleted(instance: Any, using: str, **_: object) -> None:
    # Before: afterwards nobody knows whose the sessions were.
    if are_ours(using):
        with at_home_in(using):
            sessions.revoke_all(instance, reason="user_deleted")


def _user_deleted(using: str, **_: object) -> None:
    # And those of who logged in meanwhile, which are nobody's by now.
    if are_ours(using):
        with at_home_in(using):
            for session in Session.objects.live().filter(user=None):
                sessions.revoke(session, reason="user_deleted")
