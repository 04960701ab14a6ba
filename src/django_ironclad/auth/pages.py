"""Which page sent a request, as its border has found out: a session by cookie is for a page of ours only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from ..conf import Transport, get_settings
from ..errors import InvalidRequest, OriginNotAllowed


@dataclass(frozen=True, slots=True)
class Page:
    #: Why it may not use the cookie, if so.
    refusal: OriginNotAllowed | None
    #: How its request wants refresh tokens to travel, if it says so.
    transport: Transport | None
    #: The refresh token that came in the cookie, "" when none did.
    refresh_token: str = field(repr=False)
    #: Why nobody knows what its body says, if so.
    unread: InvalidRequest | None = None


def note(request: Any, page: Page) -> None:
    """From here on this request is known to come from `page`."""
    request.ironclad_page = page


def replaced_token(request: Any) -> str:
    """The refresh token in the cookie whose place that of a new session takes, "" for none."""
    page: Page | None = getattr(request, "ironclad_page", None)
    return page.refresh_token if page else ""


def transport_of(request: Any, wanted: Transport | None) -> Transport:
    """How the refresh tokens of a session that begins by this request shall travel.

    As `wanted`, else as the request asks for, else in the body. Raises InvalidRequest where its body could not be read:
    it may have asked for the cookie. Raises OriginNotAllowed, ImproperlyConfigured.
    """
    page: Page | None = getattr(request, "ironclad_page", None)
    asked = page.transport if page else None
    allowed = get_settings().TRANSPORTS
    if page and page.unread and not wanted and len(allowed) > 1:
        raise InvalidRequest(
            f"{page.unread}; so nobody knows how its refresh token shall travel",
            reason="transport",
            description='No "transport" could be read in the body.',
            hint="If your view takes such a body, name the transport: auth.login(…, transport=…).",
        )
    transport = wanted or asked or ("body" if "body" in allowed else allowed[0])
    if transport not in allowed:
        raise ImproperlyConfigured(f"IRONCLAD['TRANSPORTS'] has no {transport!r}.")
    require_page(request, transport)
    return transport


def require_page(request: Any, transport: str) -> None:
    """Return if this request may be answered by `transport`. Without a request, in a test or a job, any will do.

    Raises OriginNotAllowed; ImproperlyConfigured where nobody has looked.
    """
    if transport != "cookie" or request is None:
        return
    if not hasattr(request, "ironclad_page"):
        raise ImproperlyConfigured(
            "A view that sets the refresh cookie needs the decorator django_ironclad.decorators.token_endpoint, which "
            "looks at the page that asks for it."
        )
    if request.ironclad_page.refusal is not None:
        raise request.ironclad_page.refusal
