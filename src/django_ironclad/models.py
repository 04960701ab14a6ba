"""One row for each login, however often it is refreshed, with nothing in it that could be replayed."""

from __future__ import annotations

import secrets
import uuid
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils.crypto import constant_time_compare

from .conf import get_settings
from .database import Now, UTCDateTimeField, home
from .tokens import Line

if TYPE_CHECKING:
    from datetime import datetime


def new_seed() -> bytes:
    return secrets.token_bytes(32)


def some_users_are_hidden() -> bool:
    """Whether the user model's own manager does not show all users, such as those marked as deleted."""
    shown = get_user_model()._default_manager.all().query
    return bool(shown.where or shown.is_sliced or shown.combinator)


class SessionQuerySet(models.QuerySet["Session"]):
    def live(self) -> Self:
        """Those that nobody ended; whether their time is over, the row must be asked."""
        return self.filter(revoked_at=None)

    def unexpired(self) -> Self:
        """Those whose time is not over, by rest or by age."""
        return self.filter(expires_at__gt=Now(), rotated_at__gt=Now() - get_settings().REFRESH_TOKEN_LIFETIME)

    def living_of(self, user: Any) -> Self:
        """The sessions that `user` has now, the one refreshed last first."""
        return self.live().unexpired().filter(user=user).order_by("-rotated_at")

    def with_standing(self) -> Self:
        """With the user, the database's clock as `now`, and whether the user's own manager still shows that user."""
        visible: Exists | Q = Q(user__isnull=False)
        if some_users_are_hidden():
            visible = Exists(get_user_model()._default_manager.filter(pk=OuterRef("user_id")))
        return self.select_related("user").annotate(now=Now(), user_is_visible=visible)


_Manager = models.Manager.from_queryset(SessionQuerySet)


class SessionManager(_Manager["Session"]):
    """Reads where it writes: a replica may not know yet that a session ended."""

    def get_queryset(self) -> SessionQuerySet:
        return SessionQuerySet(self.model, using=self._db or home())


class Session(models.Model):
    """One login on one device, and the line of refresh tokens that began there. Times are the database's clock's."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="ironclad_sessions"
    )
    client_id = models.CharField(max_length=64)
    #: How its refresh tokens travel, "body" or "cookie": one that comes another way is nobody's.
    transport = models.CharField(max_length=6)

    generation = models.PositiveIntegerField(default=0)
    branch = models.PositiveSmallIntegerField(default=0)
    parent_branch = models.PositiveSmallIntegerField(default=0)
    rotated_at = UTCDateTimeField()
    repeated = models.BooleanField(default=False)
    doubts = models.PositiveSmallIntegerField(default=0)
    seed = models.BinaryField(max_length=32, default=new_seed)
    #: When the seed took the place of another; null for the first.
    seeded_at = UTCDateTimeField(null=True)
    auth_hash = models.CharField(max_length=128)

    created_at = UTCDateTimeField()
    auth_time = UTCDateTimeField()
    expires_at = UTCDateTimeField()
    revoked_at = UTCDateTimeField(null=True)
    revoked_reason = models.CharField(max_length=32, blank=True)

    #: What was asked for at the login, "" for everything that is granted; and how the person proved who they are.
    scope = models.TextField(blank=True)
    amr = models.CharField(max_length=64, blank=True)

    user_agent = models.CharField(max_length=200, blank=True)
    ip_address = models.GenericIPAddressField(null=True)
    #: What the project had this session claim, beside what `CLAIMS` says of its user; null for nothing.
    claims = models.JSONField(null=True)

    objects = SessionManager()

    class Meta:
        # No column that a refresh changes: PostgreSQL then updates the row in place (HOT), and no index grows.
        indexes = [
            models.Index(fields=["revoked_at"], name="ironclad_session_revoked"),
            models.Index(fields=["expires_at"], name="ironclad_session_expires"),
        ]

    #: Not columns: what `with_standing` and `standing.find` read in the same statement.
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
            repeated=self.repeated,
            doubts=self.doubts,
        )

    @property
    def is_expired(self) -> bool:
        """Whether its time is over at `now`, by age or by rest."""
        return bool(self.now >= self.expires_at or self.now - self.rotated_at > get_settings().REFRESH_TOKEN_LIFETIME)

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


def reason_of(why_over: str) -> str:
    """The `reason` of an error that says why a session is over."""
    return {"revoked": "session_ended", "expired": "session_expired"}.get(why_over, why_over)


def auth_hashes(user: Any) -> list[str]:
    """What a password looks like to `SECRET_KEY` and to its fallbacks; the first is the one to keep."""
    return [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]
