"""A session as it stands: with its user, the database's clock and the user's groups, in one statement."""

from __future__ import annotations

from typing import Any, Final

from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist
from django.db import models, router
from django.db.models import F

from .models import Session
from .prepared import Parameter, Prepared


def find(sid: str) -> Session:
    """The session with its user, the database's clock and the names of the user's groups, all in one statement.

    Raises Session.DoesNotExist, ValidationError for no UUID.
    """
    pk, using = Session._meta.pk.to_python(sid), router.db_for_write(Session)
    # A manager that hides users may hide others the next time.
    rows = list(_standing(pk)) if _some_users_are_hidden() else _STANDING.rows(using, pk=pk)
    if not rows:
        raise Session.DoesNotExist
    return _session(rows, using)


def group_names(user: Any) -> list[str]:
    """The names of the user's groups now, in order; none where the user model has no groups. One query."""
    if not _has_groups():
        return []
    return sorted(name for (name,) in _GROUPS.rows(router.db_for_write(Session), user=user.pk) if name is not None)


def _standing(pk: Any) -> models.QuerySet[Any, Any]:
    """The columns of the session `pk` and of its user, and the groups: a row for each, or one."""
    names = [field.attname for field in Session._meta.concrete_fields]
    names += [f"user__{field.attname}" for field in get_user_model()._meta.concrete_fields]
    standing = Session.objects.with_standing().select_related(None).annotate(group_name=_group_name())
    return standing.filter(pk=pk).values_list(*names, "now", "user_is_visible", "group_name")


_STANDING: Final = Prepared(lambda: _standing(Parameter("pk", Session._meta.pk)).query)


def _some_users_are_hidden() -> bool:
    shown = get_user_model()._default_manager.all().query
    return bool(shown.where or shown.is_sliced or shown.combinator)


def _session(rows: list[tuple[Any, ...]], using: str) -> Session:
    """The session of such rows, as `select_related` would have made it."""
    fields, user_fields = Session._meta.concrete_fields, get_user_model()._meta.concrete_fields
    end, user_end = len(fields), len(fields) + len(user_fields)
    row = rows[0]
    session = Session.from_db(using, [field.attname for field in fields], row[:end])
    user = get_user_model().from_db(using, [field.attname for field in user_fields], row[end:user_end])
    # A deleted user leaves a session of nobody's.
    Session._meta.get_field("user").set_cached_value(session, user if user.pk is not None else None)
    session.now, session.user_is_visible, _ = row[user_end:]
    session.group_names = sorted({each[-1] for each in rows} - {None})
    return session


_GROUPS: Final = Prepared(
    lambda: (
        get_user_model()
        ._base_manager.filter(pk=Parameter("user", get_user_model()._meta.pk))
        .values_list("groups__name")
        .query
    )
)


def _group_name() -> F | models.Value:
    """A left join, so one row for each group, or one without: portable, and no second statement."""
    return F("user__groups__name") if _has_groups() else models.Value(None, output_field=models.CharField())


def _has_groups() -> bool:
    try:
        get_user_model()._meta.get_field("groups")
    except FieldDoesNotExist:
        return False
    return True
