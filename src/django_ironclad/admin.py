"""Sessions in Django's admin: to find, to read, and to end; nothing secret is shown, and nothing can be edited."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import quote
from django.contrib.auth import get_user_model
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.formats import localize
from django.utils.html import format_html

from . import sessions
from .devices import device_name
from .models import Session, SessionQuerySet
from .user_model import naming


def _time(name: str, description: str) -> Any:
    """A column of times in words, local ones: where `USE_TZ` is False, the admin shows UTC as if it were."""

    @admin.display(description=description, ordering=name, empty_value="-")
    def shown(admin: object, session: Session) -> str | None:
        when = getattr(session, name)
        return when and localize(timezone.localtime(when))

    return shown


class StatusFilter(admin.SimpleListFilter):
    """Live, over by time, or how it was ended."""

    title = "status"
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        reasons = Session.objects.exclude(revoked_reason="").order_by("revoked_reason")
        ended = reasons.values_list("revoked_reason", flat=True).distinct()
        return [("live", "live"), ("over", "over by time"), *((reason, f"ended: {reason}") for reason in ended)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Session]) -> QuerySet[Session] | None:
        if not self.value() or not isinstance(queryset, SessionQuerySet):
            return queryset
        if self.value() not in dict(self.lookup_choices):
            return queryset.none()
        if self.value() == "live":
            return queryset.live().unexpired()
        if self.value() == "over":
            return queryset.live().exclude(pk__in=queryset.unexpired())
        return queryset.filter(revoked_reason=self.value())


@admin.register(Session)
class SessionAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ["id", "user_name", "device", "ip_address", "created", "last_used", "status"]
    list_filter = [StatusFilter, "rotated_at"]
    ordering = ["-created_at"]
    actions = ["end", "end_all_of_user"]
    fields = ["id", "user_name", "client_id", "device", "user_agent", "ip_address", "created", "last_used"]
    fields += ["logged_in", "amr", "scope", "expires", "status", "revoked", "generation"]
    show_full_result_count = False

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        return [f"user__{naming.name_path()}", "ip_address", "=id"]

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """By what the filters ask for, and by one user, for links from elsewhere.

        Django allows every column of the model's own, and so tells letter by letter what is in the hidden ones.
        """
        user = f"user__{get_user_model()._meta.pk.name}"
        known = {"status", "rotated_at__gte", "rotated_at__lt", "user", "user__exact", user, f"{user}__exact"}
        # PostgreSQL knows no NUL.
        return lookup in known and "\0" not in value

    def get_queryset(self, request: HttpRequest) -> QuerySet[Session]:
        return Session.objects.with_standing().order_by(*self.ordering)

    @admin.display(description="user", ordering="user", empty_value="-")
    def user_name(self, session: Session) -> str | None:
        """Not `str(user)`: Django's own users return their name, which need be no text."""
        if session.user is None:
            return None
        name, page = naming.name_text(session.user), get_user_model()._meta
        try:
            url = f"{self.admin_site.name}:{page.app_label}_{page.model_name}_change"
            return format_html('<a href="{}">{}</a>', reverse(url, args=[quote(session.user.pk)]), name)
        except NoReverseMatch:
            return name

    @admin.display(description="device")
    def device(self, session: Session) -> str:
        return device_name(session.user_agent)

    created = _time("created_at", "created at")
    last_used = _time("rotated_at", "last used")
    logged_in = _time("auth_time", "auth time")
    expires = _time("expires_at", "expires at")
    revoked = _time("revoked_at", "revoked at")

    @admin.display(description="status")
    def status(self, session: Session) -> str:
        if session.revoked_at is not None:
            return f"ended: {session.revoked_reason}"
        return "over by time" if session.is_expired else "live"

    @admin.action(description="End the selected sessions", permissions=["end"])
    def end(self, request: HttpRequest, queryset: QuerySet[Session]) -> None:
        ended = 0
        for session in queryset.select_related("user"):
            if sessions.revoke(session, reason="administrator"):
                self.log_change(request, session, "Ended.")
                ended += 1
        self.message_user(request, f"{ended} ended.", messages.SUCCESS)

    @admin.action(description="End all sessions of these users", permissions=["end"])
    def end_all_of_user(self, request: HttpRequest, queryset: QuerySet[Session]) -> None:
        chosen = list(queryset.exclude(user=None).select_related("user"))
        users = {session.user_id: session.user for session in chosen}
        ended = sum(sessions.revoke_all(user, reason="administrator") for user in users.values())
        for session in chosen:
            self.log_change(request, session, "Ended all sessions of this user.")
        self.message_user(request, f"{ended} ended.", messages.SUCCESS)

    def has_end_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("ironclad.change_session")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Session | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Session | None = None) -> bool:
        return False
