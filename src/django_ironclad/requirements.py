"""What a view may ask of its caller beyond a valid token: a scope, a group, a permission, a recent login."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import timedelta
from operator import attrgetter
from typing import Any

from .errors import AccessDenied, InsufficientScope, InsufficientUserAuthentication, MissingToken
from .tokens import AccessToken, parse_scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """An access token is required, and everything that is named. Raises ValueError for what nobody could mean."""

    #: One scope, or several with blanks between them: all of them.
    scope: str | None = None
    #: The name of a Django group.
    group: str | None = None
    #: A Django permission, "app_label.codename".
    permission: str | None = None
    #: How long ago the person may have proved who they are.
    max_age: timedelta | None = None

    def __post_init__(self) -> None:
        if "" in (self.scope, self.group, self.permission):
            # A name that a setting has lost must not open the view.
            raise ValueError("an empty scope, group or permission: leave it out if none is required")
        parse_scope(self.scope or "")
        if self.permission and "." not in self.permission:
            raise ValueError(f'{self.permission!r} is no permission: write "app_label.codename"')
        if self.max_age is not None and self.max_age < timedelta(seconds=1):
            raise ValueError("max_age must be a second or more: nobody is ever more recent than that")

    def asks_database(self, token: object) -> bool:
        """Whether `check` does: for a permission, and for the groups of a token that does not say them."""
        return bool(self.permission or (self.group and getattr(token, "groups_left_out", False)))

    def check(
        self,
        user: Any,
        token: object,
        *,
        now: float,
        leeway: float,
        groups_of: Callable[[AccessToken], Collection[str]] = attrgetter("groups"),
    ) -> None:
        """Return if the caller may go on. `permission` asks the database, Django's own way; `groups_of` may as well.

        Raises MissingToken, InsufficientScope (RFC 6750 §3.1), AccessDenied and InsufficientUserAuthentication (RFC
        9470 §3). The last comes last: nobody types a password in order to be refused after all.
        """
        if not isinstance(token, AccessToken):
            raise MissingToken
        if self.scope and not token.scope.issuperset(self.scope.split()):
            raise InsufficientScope(self.scope)
        if self.group and self.group not in groups_of(token):
            raise AccessDenied(f"not in the group {self.group}", reason="group")
        if self.permission and not user.has_perm(self.permission):
            raise AccessDenied(f"without the permission {self.permission}", reason="permission")
        if self.max_age is not None and now - token.auth_time > self.max_age.total_seconds() + leeway:
            raise InsufficientUserAuthentication(int(self.max_age.total_seconds()))
