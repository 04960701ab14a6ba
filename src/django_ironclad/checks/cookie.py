"""What `manage.py check` says of the refresh cookie, and of the pages that may use it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from django.conf import settings as django_settings
from django.core import checks
from django.views.debug import SafeExceptionReporterFilter

from ..conf import get_settings
from ..http import is_written_by_browsers
from .cors import lets_anybody_in

#: By these a client on another origin learns what a refusal asks for. Browsers hide them unless they are exposed.
EXPOSED: Final = ("WWW-Authenticate", "Retry-After")


def check_cookie() -> Iterator[checks.CheckMessage]:
    """What cannot work, wherever it runs."""
    if _uses_cookie() and get_settings().COOKIE_SAMESITE == "None":
        yield from _same_site()
    yield from _cors()
    yield from _trusted()


def check_deployed_cookie() -> Iterator[checks.CheckMessage]:
    """What is risky in production."""
    if _uses_cookie():
        yield from _deployed_cookie()
    yield from _proxy()
    yield from _exposed()


def _same_site() -> Iterator[checks.CheckMessage]:
    if not django_settings.SESSION_COOKIE_SECURE:
        yield checks.Error(
            "Browsers drop a SameSite=None cookie that is not Secure, so nobody could refresh.",
            hint="Set SESSION_COOKIE_SECURE = True, or IRONCLAD['COOKIE_SAMESITE'] = 'Strict'.",
            id="ironclad.E002",
        )
    if _wildcards():
        yield checks.Error(
            "With COOKIE_SAMESITE = 'None', any subdomain of a wildcard in CSRF_TRUSTED_ORIGINS can refresh for "
            "a visitor from anywhere.",
            hint=f"Name the origins instead of {_wildcards()!r}, or set IRONCLAD['COOKIE_SAMESITE'] = 'Strict'.",
            id="ironclad.E003",
        )


def _cors() -> Iterator[checks.CheckMessage]:
    open_to = [
        *_open_settings(),
        *filter(lets_anybody_in, _cors_setting("ALLOWED_ORIGIN_REGEXES", "ORIGIN_REGEX_WHITELIST")),
    ]
    if open_to and getattr(django_settings, "CORS_ALLOW_CREDENTIALS", False):
        yield checks.Error(
            "CORS lets every site call this one with its visitors' cookies and read the answers.",
            hint=f"Name your front ends in CORS_ALLOWED_ORIGINS, and drop {open_to!r}. A pattern is matched from the "
            "beginning, needs a $ at its end, a \\ before each dot, and a \\. after what stands for any name.",
            id="ironclad.E005",
        )


def _open_settings() -> Iterator[str]:
    if _cors_setting("ALLOW_ALL_ORIGINS", "ORIGIN_ALLOW_ALL"):
        yield "CORS_ALLOW_ALL_ORIGINS"
    # Of a sandboxed frame, which any page can make.
    if "null" in _cors_setting("ALLOWED_ORIGINS", "ORIGIN_WHITELIST"):
        yield "null"


def _trusted() -> Iterator[checks.CheckMessage]:
    odd = [origin for origin in django_settings.CSRF_TRUSTED_ORIGINS if "://" in origin and not _can_come(origin)]
    if odd:
        yield checks.Warning(
            "No browser sends what CSRF_TRUSTED_ORIGINS has there, so whoever comes from it is refused.",
            hint=f"Write {odd!r} as browsers do: in lower case, international names as xn--…, without a path, and "
            "without the port that goes without saying; a * stands for whole names at the beginning.",
            id="ironclad.W018",
        )


def _can_come(pattern: str) -> bool:
    return is_written_by_browsers(pattern.replace("://*.", "://", 1)) and not re.search(
        r"^http:.*:80$|^https:.*:443$", pattern
    )


def _deployed_cookie() -> Iterator[checks.CheckMessage]:
    if not django_settings.SESSION_COOKIE_SECURE:
        yield checks.Warning(
            "The refresh cookie travels over plain http too, and other hosts of the domain can overwrite it.",
            hint="Set SESSION_COOKIE_SECURE = True, or IRONCLAD['TRANSPORTS'] = ['body'].",
            id="ironclad.W001",
        )
    if _wildcards():
        yield checks.Warning(
            "Every subdomain of a wildcard in CSRF_TRUSTED_ORIGINS may use the refresh cookie, one taken over too.",
            hint=f"Name the origins instead of {_wildcards()!r}.",
            id="ironclad.W007",
        )
    if not SafeExceptionReporterFilter.hidden_settings.search(get_settings().COOKIE_NAME):
        yield checks.Warning(
            "The refresh cookie, which comes with every request, would be shown in Django's reports of errors.",
            hint="Keep 'token' in IRONCLAD['COOKIE_NAME']: what is called so is left out.",
            id="ironclad.W015",
        )


def _proxy() -> Iterator[checks.CheckMessage]:
    """Somebody had Django trust what it takes for its own origin anyway, where it knows its scheme."""
    named = [host.lower() for host in django_settings.ALLOWED_HOSTS if re.search(r"[a-z]\.[a-z]", host, re.IGNORECASE)]
    own = [f"https://{host}" for host in named]
    if own and not django_settings.SECURE_PROXY_SSL_HEADER and set(own) <= set(django_settings.CSRF_TRUSTED_ORIGINS):
        yield checks.Warning(
            "CSRF_TRUSTED_ORIGINS names this service itself. That is needed only where Django takes https for http, "
            "as behind a proxy that ends TLS.",
            hint=f"Let the proxy set X-Forwarded-Proto, set SECURE_PROXY_SSL_HEADER, and take {own!r} out.",
            id="ironclad.W016",
        )


def _exposed() -> Iterator[checks.CheckMessage]:
    exposed = {name.lower() for name in getattr(django_settings, "CORS_EXPOSE_HEADERS", ())}
    missing = [name for name in EXPOSED if name.lower() not in exposed]
    if missing and getattr(django_settings, "CORS_ALLOW_CREDENTIALS", False):
        yield checks.Warning(
            f"Pages of other origins are not shown {' and '.join(missing)}, which say what a refusal asks for.",
            hint=f"Set CORS_EXPOSE_HEADERS = {list(EXPOSED)!r}; with credentials '*' is none.",
            id="ironclad.W017",
        )


def _cors_setting(name: str, former: str) -> Any:
    return getattr(django_settings, f"CORS_{name}", getattr(django_settings, f"CORS_{former}", ()))


def _uses_cookie() -> bool:
    return "cookie" in get_settings().TRANSPORTS


def _wildcards() -> list[str]:
    return [origin for origin in django_settings.CSRF_TRUSTED_ORIGINS if "*" in origin]
