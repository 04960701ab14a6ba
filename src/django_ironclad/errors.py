"""Every way in which this package says no: one tree, each error with what the client hears and what the log hears."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType


class IroncladError(Exception):
    """A refusal. `code`, `status` and `description` are what the client hears, `str(error)` what the log hears.

    `reason` is a word for the project's own code, which no client hears: docs/guide.md lists them. A `hint` names the
    setting on which such a refusal nearly always hangs: the log warns of it, and with `DEBUG` the client hears it, too.
    """

    code = "server_error"
    status = 500
    description = "The request could not be answered."
    #: Seconds after which a client may try again (RFC 9110 §10.2.3); 0 when trying again changes nothing.
    retry_after = 0
    reason = hint = ""
    #: What else the client hears, in the body and in the challenge, such as the `scope` that it needs (RFC 6750 §3).
    parameters: Mapping[str, str | int] = MappingProxyType({})

    def __init__(self, why: str = "", *, reason: str = "", description: str = "", retry_after: int = 0, hint: str = ""):
        super().__init__(hint or why or description or self.description)
        self.reason, self.hint = reason or self.reason or self.code, hint
        self.description = description or self.description
        self.retry_after = retry_after or self.retry_after


class GroupsLeftOut(RuntimeError):
    """An access token was asked for groups that it does not name. A mistake in the code that asks, and no refusal."""

    def __init__(self) -> None:
        super().__init__(
            "This access token names no groups: there are too many, or CLAIMS leaves them out. Ask for them by "
            "auth.groups(request), in async code by await auth.agroups(request)."
        )


class InvalidRequest(IroncladError):
    """The request itself is malformed (RFC 6749 §5.2)."""

    code = "invalid_request"
    status = 400
    description = "The request is malformed."


class InvalidScope(IroncladError):
    """The scopes that were asked for are malformed, or none of them is granted (RFC 6749 §5.2)."""

    code = "invalid_scope"
    status = 400
    description = "None of these scopes is granted."


class InvalidCredentials(IroncladError):
    """Wrong password, unknown user, inactive user: deliberately one answer for all of them."""

    code = "invalid_credentials"
    status = 401
    description = "No active account was found with these credentials."


class UserChanged(InvalidCredentials):
    """While somebody logged in, their password changed, or they were deactivated or deleted."""

    reason = "user_changed"


class WrongPassword(IroncladError):
    """Who changes a password has to know the old one. No 401, which would mean: refresh."""

    code = "invalid_credentials"
    status = 400
    description = "The password is wrong."


class InvalidGrant(IroncladError):
    """The refresh token is not, or no longer, good: the person has to log in again (RFC 6749 §5.2)."""

    code = "invalid_grant"
    status = 400
    description = "The refresh token is invalid, expired or revoked."


class InvalidToken(IroncladError):
    """The access token is not, or no longer, good: the client should refresh (RFC 6750 §3.1)."""

    code = "invalid_token"
    status = 401
    description = "The access token is invalid, expired or revoked."


class MissingToken(InvalidToken):
    """No token came at all: the challenge then names no error (RFC 6750 §3.1)."""

    description = "An access token is required."
    reason = "missing"


class UnknownKey(InvalidToken):
    """The header of the token is none that we write: another issuer's token, or nobody's."""

    reason = "unknown_key"


class InsufficientUserAuthentication(IroncladError):
    """Too long ago: the person has to prove anew who they are (RFC 9470 §3). `max_age` is in seconds."""

    code = "insufficient_user_authentication"
    status = 401
    description = "This needs a more recent login."

    def __init__(self, max_age: int) -> None:
        super().__init__(f"the login is older than {max_age} s")
        self.parameters = {"max_age": max_age}


class InsufficientScope(IroncladError):
    """The token is good, but not for this: it lacks `scope`, one or several (RFC 6750 §3.1)."""

    code = "insufficient_scope"
    status = 403
    description = "The access token is not meant for this."

    def __init__(self, scope: str) -> None:
        super().__init__(f"needs the scope {scope}")
        self.parameters = {"scope": scope}


class AccessDenied(IroncladError):
    """The token is good, but its user may not do this (RFC 6749 §4.1.2.1)."""

    code = "access_denied"
    status = 403
    description = "You are not allowed to do this."


class NotFound(IroncladError):
    """Nothing of yours has this name; whether it is another's is not said."""

    code = "not_found"
    status = 404
    description = "There is no such thing of yours."


class RateLimited(IroncladError):
    """Too many attempts to log in (RFC 6585 §4)."""

    code = "rate_limited"
    status = 429
    description = "Too many attempts to log in; try again later."


class OriginNotAllowed(IroncladError):
    """A request that would use the cookie does not come from a page of ours."""

    code = "origin_not_allowed"
    status = 403
    description = "The request does not come from an allowed origin."


class TemporarilyUnavailable(IroncladError):
    """The database could not be asked; the client keeps its tokens and tries again."""

    code = "temporarily_unavailable"
    status = 503
    description = "The service is temporarily unavailable; try again."
    retry_after = 1


class RefreshTokenReplaced(TemporarilyUnavailable):
    """The session got a new seed a moment ago, and its client may not have been told the new refresh token yet."""

    reason = "replaced"
    #: Often enough for a client that is told late, and seldom enough for many tabs of one that is not.
    retry_after = 5
