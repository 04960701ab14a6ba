"""One row for each login, however often it is refreshed, with nothing in it that could be replayed."""

from __future__ import annotations

import secrets
import uuid
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist
from django.db import models, router
from django.db.models import Exists, F, OuterRef
from django.db.models.functions import Now
from django.utils.crypto import constant_time_compare

from .conf import get_settings
from .prepared import Parameter, Prepared
from .rotation import Line

if TYPE_CHECKING:
    from datetime import datetime


def new_seed() -> bytes:
    return secrets.token_bytes(32)


class SessionQuerySet(models.QuerySet["Session"]):
    def live(self) -> Self:
        """Those that nobody ended; whether their time is over, the row must be asked."""
        return self.filter(revoked_at=None)

    def unexpired(self) -> Self:
        """Those whose time is not over, by rest or by age."""
        return self.filter(expires_at__gt=Now(), rotated_at__gt=Now() - get_settings().REFRESH_TOKEN_LIFETIME)

    def with_groups(self, sid: str) -> Session:
        """The session with its user, the database's clock and the names of the user's groups, all in one statement.

        Raises Session.DoesNotExist, ValidationError for no UUID.
        """
        pk = self.model._meta.pk.to_python(sid)
        # A manager that hides users may hide others the next time.
        rows = list(_standing(pk)) if _some_users_are_hidden() else _PREPARED.rows(self.db, pk=pk)
        if not rows:
            raise self.model.DoesNotExist
        return _with_groups(rows, self.db)

    def with_standing(self) -> Self:
        """With the user, the database's clock as `now`, and whether the user's own manager still shows that user."""
        visible = get_user_model()._default_manager.filter(pk=OuterRef("user_id"))
        return self.select_related("user").annotate(now=Now(), user_is_visible=Exists(visible))


_Manager = models.Manager.from_queryset(SessionQuerySet)


class SessionManager(_Manager["Session"]):
    """Reads where it writes: a replica may not know yet that a session ended."""

    def get_queryset(self) -> SessionQuerySet:
        return SessionQuerySet(self.model, using=self._db or router.db_for_write(self.model))


class Session(models.Model):
    """One login on one device, and the line of refresh tokens that began there. Times are the database's clock's."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="ironclad_sessions"
    )
    client_id = models.CharField(max_length=64)

    generation = models.PositiveIntegerField(default=0)
    branch = models.PositiveSmallIntegerField(default=0)
    parent_branch = models.PositiveSmallIntegerField(default=0)
    rotated_at = models.DateTimeField()
    grace_until = models.DateTimeField()
    grace_generation = models.PositiveIntegerField(default=0)
    seed = models.BinaryField(max_length=32, default=new_seed)
    auth_hash = models.CharField(max_length=128)

    created_at = models.DateTimeField()
    auth_time = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    revoked_reason = models.CharField(max_length=32, blank=True)

    #: What was asked for at the login, "" for everything that is granted; and how the person proved who they are.
    scope = models.TextField(blank=True)
    amr = models.CharField(max_length=64, blank=True)

    user_agent = models.CharField(max_length=200, blank=True)
    ip_address = models.GenericIPAddressField(null=True)

    objects = SessionManager()

    class Meta:
        # No column that a refresh changes: PostgreSQL then updates the row in place (HOT), and no index grows.
        indexes = [
            models.Index(fields=["revoked_at"], name="ironclad_session_revoked"),
            models.Index(fields=["expires_at"], name="ironclad_session_expires"),
        ]

    #: Not columns: what `with_standing` and `with_groups` read in the same statement.
    now: datetime
    user_is_visible: bool
    group_names: list[str]

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def line(self) -> Line:
        return Line(
            generation=self.generation,
            branch=self.branch,
            parent_branch=self.parent_branch,
            rotated_at=self.rotated_at,
            grace_until=self.grace_until,
            grace_generation=self.grace_generation,
        )

    @property
    def is_expired(self) -> bool:
        """Whether its time is over at `now`, by age or by rest."""
        return self.now >= self.expires_at or self.now - self.rotated_at > get_settings().REFRESH_TOKEN_LIFETIME

    def why_over(self) -> str:
        """Why this session, read `with_standing`, cannot go on; "" while it can. Expiry is judged here, by no job."""
        if self.revoked_at is not None:
            return "revoked"
        if self.is_expired:
            return "expired"
        if self.user is None or not self.user_is_visible:
            return "user_deleted"
        if not self.user.is_active:
            return "user_inactive"
        if not any(constant_time_compare(self.auth_hash, known) for known in auth_hashes(self.user)):
            return "password_changed"
        return ""


def _standing(pk: Any) -> models.QuerySet[Any, Any]:
    """The columns of the session `pk` and of its user, and what `with_groups` adds: a row for each group, or one."""
    names = [field.attname for field in Session._meta.concrete_fields]
    names += [f"user__{field.attname}" for field in get_user_model()._meta.concrete_fields]
    standing = Session.objects.with_standing().select_related(None).annotate(group_name=_group_name())
    return standing.filter(pk=pk).values_list(*names, "now", "user_is_visible", "group_name")


_PREPARED = Prepared(lambda: _standing(Parameter("pk", Session._meta.pk)).query)


def _some_users_are_hidden() -> bool:
    shown = get_user_model()._default_manager.all().query
    return bool(shown.where or shown.is_sliced or shown.combinator)


def _with_groups(rows: list[tuple[Any, ...]], using: str) -> Session:
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


def auth_hashes(user: Any) -> list[str]:
    """What a password looks like to `SECRET_KEY` and to its fallbacks; the first is the one to keep."""
    return [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]


def _group_name() -> F | models.Value:
    """A left join, so one row for each group, or one without: portable, and no second statement."""
    try:
        get_user_model()._meta.get_field("groups")
    except FieldDoesNotExist:
        return models.Value(None, output_field=models.CharField())
    return F("user__groups__name")
