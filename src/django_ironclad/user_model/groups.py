"""The groups of a user are Django's own `Group` rows, by relation; whatever else is called `groups` is none."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model


def relation() -> str:
    """The name of the user model's relation to `Group`, "" where it has none.

    It is `groups`, as Django's own backend has it; else the only one there is. Of several with other names nobody
    knows which means membership.
    """
    return _relation(get_user_model())


@cache
def _relation(model: Any) -> str:
    if not apps.is_installed("django.contrib.auth"):
        return ""
    group = apps.get_model("auth.Group")
    fields = [*model._meta.many_to_many, *(field for field in model._meta.concrete_fields if field.is_relation)]
    # A proxy of it, or a child, has its rows as well.
    names = [field.name for field in fields if issubclass(field.related_model, group)]
    if "groups" in names:
        return "groups"
    return names[0] if len(names) == 1 else ""


def join(user: Any, name: str) -> None:
    """Put `user` into this group, which is made if there is none. Raises ValueError where users have no groups."""
    if not relation():
        raise ValueError(f"{user.__class__.__name__} has no relation to Django's groups, so nobody can join {name!r}")
    field: Any = get_user_model()._meta.get_field(relation())
    group = field.related_model._default_manager.get_or_create(name=name)[0]
    if field.many_to_many:
        getattr(user, field.name).add(group)
    else:
        setattr(user, field.name, group)
        user.save(update_fields=[field.name])
