"""Which page a request comes from, as its browser says, and which pages may use the refresh cookie."""

from __future__ import annotations

import re
from typing import Final

from django.conf import settings as django_settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest
from django.utils.http import is_same_domain

from ..conf import get_settings
from ..errors import InvalidRequest, OriginNotAllowed

#: An origin as browsers write it (RFC 6454 §6.2): in lower case, in ASCII, with no path and at most one of them.
_ORIGIN: Final = re.compile(
    r"[a-z][a-z0-9+.-]*://(?P<host>(?=[^:]{1,255}(:|$))([a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}\.?|\[[0-9a-f:.]{2,45}\])"
    r"(:[0-9]{1,5})?"
)
_DEFAULT_PORTS: Final = {"http": ":80", "https": ":443"}
#: Every other value of Sec-Fetch-Site says cross-site, or was put together by somebody who is no browser.
_SAME_SITE: Final = {"", "same-origin", "same-site", "none"}


def check_cookie_gates(request: HttpRequest) -> None:
    """Return if a page of ours sent this request, so that it may use the cookie. Raises OriginNotAllowed."""
    check_origin(request)
    invited = get_settings().COOKIE_SAMESITE == "None" and _is_trusted(request.headers["Origin"])
    if _is_cross_site(request) and not invited:
        raise OriginNotAllowed(
            reason="cross_site",
            hint=f"{_both(request)}, which are two sites. If the page is yours, name its origin in "
            "CSRF_TRUSTED_ORIGINS and set IRONCLAD['COOKIE_SAMESITE'] = 'None'.",
        )
    if _needs_no_preflight(request):
        raise OriginNotAllowed(
            reason="form", hint=f"{_both(request)}, and it is neither JSON nor has it X-Requested-With."
        )


def check_form(request: HttpRequest) -> None:
    """Return unless a page of somebody else may have sent this without asking first. Raises OriginNotAllowed.

    Such a page learns nothing, but spends its visitor's attempts to log in. Clients other than browsers send no Origin.
    """
    if request.method != "POST" or not _needs_no_preflight(request):
        return
    if "Origin" in request.headers:
        check_origin(request)
    if _is_cross_site(request):
        raise OriginNotAllowed(
            reason="cross_site", hint=f"{_both(request)}, which are two sites. A page of yours elsewhere sends JSON."
        )


def check_origin(request: HttpRequest) -> None:
    """Return if a page of this host, or of an origin in CSRF_TRUSTED_ORIGINS, sent this. Raises OriginNotAllowed."""
    origin = request.headers.get("Origin", "")
    if not _is_trusted(origin) and origin != _own(request):
        raise OriginNotAllowed(reason="origin", hint=f"{_both(request)}. {_remedy(origin, _own(request))}")


def is_written_by_browsers(origin: str) -> bool:
    """Whether this is what a browser writes for an origin that is no opaque one."""
    return bool(_ORIGIN.fullmatch(origin))


def is_json(request: HttpRequest) -> bool:
    """Whether the body says that it is JSON, which a foreign page may not say without asking first (CORS preflight)."""
    # Not as Django reads it, which takes more for white space than browsers do.
    said: str = request.META.get("CONTENT_TYPE", "")
    return said.partition(";")[0].strip(" \t").lower() == "application/json"


def _needs_no_preflight(request: HttpRequest) -> bool:
    return not is_json(request) and "X-Requested-With" not in request.headers


def _is_cross_site(request: HttpRequest) -> bool:
    return request.headers.get("Sec-Fetch-Site", "") not in _SAME_SITE


def _own(request: HttpRequest) -> str:
    """Our origin as a browser would write it: a proxy may have written Host otherwise. Raises InvalidRequest."""
    try:
        host = request.get_host().lower()
    except DisallowedHost:
        raise InvalidRequest(
            reason="host", hint="Host, or X-Forwarded-Host, is not in ALLOWED_HOSTS, or is no host."
        ) from None
    return f"{request.scheme}://{host.removesuffix(_DEFAULT_PORTS.get(request.scheme or '', ''))}"


def _is_trusted(origin: str) -> bool:
    # Opaque ones ("null") are anybody's, and two in one header end in whatever the second ends in.
    return is_written_by_browsers(origin) and any(
        _matches(origin, pattern) for pattern in django_settings.CSRF_TRUSTED_ORIGINS
    )


def _matches(origin: str, pattern: str) -> bool:
    if "*" not in pattern:
        return origin == pattern
    scheme, _, host = origin.partition("://")
    wanted_scheme, _, wanted_host = pattern.partition("://*")
    return scheme == wanted_scheme and is_same_domain(host, wanted_host)


def _both(request: HttpRequest) -> str:
    """The origin that came and ours, for the log: what no browser wrote could be anything, a token too."""
    origin = request.headers.get("Origin", "")
    if origin and origin != "null" and not is_written_by_browsers(origin):
        origin = "that no browser wrote"
    return f"Origin {origin or 'absent'}, and this is {_own(request)[:300]}"


def _remedy(origin: str, own: str) -> str:
    if not origin:
        return "Browsers send it; other clients use the body transport."
    if origin == own.replace("http://", "https://", 1).removesuffix(":443"):
        return "If a proxy ends TLS, let it send X-Forwarded-Proto, and set SECURE_PROXY_SSL_HEADER."
    return "If the page is yours, name its origin in CSRF_TRUSTED_ORIGINS, or let the proxy pass on Host as it came."
