"""Which classes, and rows of which database, are the users that sessions belong to, and no others."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final

from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import FieldDoesNotExist
from django.core.signals import setting_changed
from django.db import connections

from ..conf import get_settings
from ..database import has_sessions, home

#: The columns by which Django says who may log in.
DECISIVE: Final = frozenset({"password", "is_active"})
_PLACE: Final = ("HOST", "PORT", "NAME")


def user_classes() -> Iterator[Any]:
    """The user model and its proxies, its children, and those of its parents that have a decisive column.

    Signals name the class that was saved.
    """
    concrete: Any = get_user_model()._meta.concrete_model
    owners = {field.model for field in concrete._meta.concrete_fields if field.name in DECISIVE}
    for model in apps.get_models():
        if issubclass(model, concrete) or (issubclass(concrete, model) and model._meta.concrete_model in owners):
            yield model


def is_user(model: Any) -> bool:
    """Whether a row of this class is a user's, and not only what a child or a parent adds to one."""
    return bool(model._meta.concrete_model is get_user_model()._meta.concrete_model)


def user_key(instance: Any) -> Any:
    """The user's primary key, for an instance of any of the `user_classes`; None for a parent that is no user's."""
    model: Any = get_user_model()
    if isinstance(instance, model._meta.concrete_model):
        return getattr(instance, model._meta.pk.attname)
    parent = instance._meta.concrete_model._meta.pk.name
    users = model._base_manager.using(home()).filter(**{parent: instance.pk})
    return users.values_list("pk", flat=True).first()


def are_ours(using: str) -> bool:
    """Whether the users of this database are those that our sessions belong to, by whatever alias."""
    ours = home()
    if using == ours or (get_settings().REALM is not None and has_sessions(using)):
        return True
    here, there = connections[ours], connections[using]
    places = [[str(each.settings_dict.get(name)) for name in _PLACE] for each in (here, there)]
    return here.vendor == there.vendor and places[0] == places[1] and places[0][-1] not in ("", ":memory:")


def may_decide(columns: frozenset[str] | None) -> bool:
    """Whether a save of these columns, None for all, may change who is let in, or which sessions go on."""
    if columns is None or columns & DECISIVE:
        return True
    # What Django itself saves with every login.
    return columns != {"last_login"} and _has_rules_of_its_own(get_user_model())


@lru_cache(maxsize=1)
def _has_rules_of_its_own(model: Any) -> bool:
    """Whether other columns than Django's may decide: then each save is looked at."""
    if any(getattr(model, name, None) is not getattr(AbstractBaseUser, name) for name in _HASHES):
        return True
    try:
        return not model._meta.get_field("is_active").concrete
    except FieldDoesNotExist:
        return model.is_active is not True


_HASHES: Final = ("get_session_auth_hash", "_get_session_auth_hash", "get_session_auth_fallback_hash")


def _forget(*, setting: str, **_: object) -> None:
    if setting == "AUTH_USER_MODEL":
        _has_rules_of_its_own.cache_clear()


setting_changed.connect(_forget)
