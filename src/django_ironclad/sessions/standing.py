"""A session as it stands: with its user, the database's clock and the user's groups, in one statement."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.db import models
from django.db.models import F

from ..database import Parameter, Prepared, home
from ..models import Session, some_users_are_hidden
from ..user_model import groups

#: What no check asks, read from the row by whoever does: a tenth of what a check costs is to fetch these.
_UNCHECKED: Final = frozenset(
    {"generation", "branch", "parent_branch", "repeated", "doubts", "seed", "seeded_at"}
    | {"created_at", "revoked_reason", "user_agent", "ip_address"}
)


def find(sid: str) -> Session:
    """The session with its user, the database's clock and the names of the user's groups, all in one statement.

    Raises Session.DoesNotExist, ValidationError for no UUID.
    """
    return _find(sid, without=_UNCHECKED)


def find_whole(sid: str) -> Session:
    """As `find`, with what a refresh token is judged by."""
    return _find(sid, without=frozenset())


def _find(sid: str, *, without: frozenset[str]) -> Session:
    pk, using = Session._meta.pk.to_python(sid), home()
    # A manager that hides users may hide others the next time.
    rows = list(_standing(pk, without)) if some_users_are_hidden() else _compiled(without).rows(using, pk=pk)
    if not rows:
        raise Session.DoesNotExist
    return _session(rows, using, without)


def group_names(user: Any) -> list[str]:
    """The names of the user's groups now, in order; none where the user model has no groups. One query."""
    if not groups.relation():
        return []
    return sorted(name for (name,) in _GROUPS.rows(home(), user=user.pk) if name is not None)


def _standing(pk: Any, without: frozenset[str]) -> models.QuerySet[Any, Any]:
    """The columns of the session `pk` and of its user, and the groups: a row for each, or one."""
    names = [*_names(without), *(f"user__{name}" for name in user_columns())]
    standing = Session.objects.with_standing().select_related(None).annotate(group_name=_group_name())
    return standing.filter(pk=pk).values_list(*names, "now", "user_is_visible", "group_name")


@cache
def _compiled(without: frozenset[str]) -> Prepared:
    return Prepared(lambda: _standing(Parameter("pk", Session._meta.pk), without).query)


def _session(rows: list[tuple[Any, ...]], using: str, without: frozenset[str]) -> Session:
    """The session of such rows, as `select_related` would have made it."""
    names, user_names, row = _names(without), user_columns(), rows[0]
    end = len(names)
    session = Session.from_db(using, names, row[:end])
    user = get_user_model().from_db(using, user_names, row[end : end + len(user_names)])
    # A deleted user leaves a session of nobody's.
    Session._meta.get_field("user").set_cached_value(session, user if user.pk is not None else None)
    *_, session.now, session.user_is_visible, _ = row
    session.group_names = sorted({each[-1] for each in rows} - {None})
    return session


def _names(without: frozenset[str]) -> list[str]:
    return [field.attname for field in Session._meta.concrete_fields if field.attname not in without]


def user_columns() -> list[str]:
    return [field.attname for field in get_user_model()._meta.concrete_fields]


_GROUPS: Final = Prepared(
    lambda: (
        get_user_model()
        ._base_manager.filter(pk=Parameter("user", get_user_model()._meta.pk))
        .values_list(f"{groups.relation()}__name")
        .query
    )
)


def _group_name() -> F | models.Value:
    """A left join, so one row for each group, or one without: portable, and no second statement."""
    if not groups.relation():
        return models.Value(None, output_field=models.CharField())
    return F(f"user__{groups.relation()}__name")
