"""What `manage.py check` says of settings that are unsafe or cannot work, each with what to write instead."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings as django_settings
from django.core import checks

from .conf import get_key_ring, get_settings

MIDDLEWARE = "django_ironclad.middleware.BearerMiddleware"
CSRF = "django.middleware.csrf.CsrfViewMiddleware"


def register() -> None:
    checks.register(check_settings, checks.Tags.security)
    checks.register(check_deployment, checks.Tags.security, deploy=True)


def check_settings(**_: Any) -> list[checks.CheckMessage]:
    return list(_settings())


def check_deployment(**_: Any) -> list[checks.CheckMessage]:
    return list(_deployment())


def _settings() -> Iterator[checks.CheckMessage]:
    order = list(django_settings.MIDDLEWARE)
    if {MIDDLEWARE, CSRF} <= set(order) and order.index(MIDDLEWARE) > order.index(CSRF):
        yield checks.Error(
            "BearerMiddleware stands after CsrfViewMiddleware, which refuses Bearer requests before they are seen.",
            hint=f"In MIDDLEWARE, move {MIDDLEWARE!r} to before {CSRF!r}.",
            id="ironclad.E001",
        )
    if _uses_cookie() and get_settings().COOKIE_SAMESITE == "None" and not django_settings.SESSION_COOKIE_SECURE:
        yield checks.Error(
            "Browsers drop a SameSite=None cookie that is not Secure, so nobody could refresh.",
            hint="Set SESSION_COOKIE_SECURE = True, or IRONCLAD['COOKIE_SAMESITE'] = 'Strict'.",
            id="ironclad.E002",
        )


def _deployment() -> Iterator[checks.CheckMessage]:
    settings = get_settings()
    ring = get_key_ring()
    if _uses_cookie() and not django_settings.SESSION_COOKIE_SECURE:
        yield checks.Warning(
            "The refresh cookie travels over plain http too, and other hosts of the domain can overwrite it.",
            hint="Set SESSION_COOKIE_SECURE = True, or IRONCLAD['TRANSPORTS'] = ['body'].",
            id="ironclad.W001",
        )
    if settings.longest_access_lifetime.total_seconds() > 3600:
        yield checks.Warning(
            "Access tokens live longer than an hour (RFC 6750 §5.3): so long does a stolen one.",
            hint="Shorten ACCESS_TOKEN_LIFETIME and DRF_JWT_TOKEN_LIFETIME in IRONCLAD; clients refresh by themselves.",
            id="ironclad.W002",
        )
    if any(key.algorithm == "RS256" for key in ring.keys):
        yield checks.Warning(
            "An RSA key signs or verifies by PKCS#1 v1.5, which ASVS 5.0 (appendix C) disallows.",
            hint="Use an Ed25519 or P-256 key, unless a verifier of your tokens knows RS256 only.",
            id="ironclad.W003",
        )
    if ring.jwks()["keys"] and not settings.ISSUER.startswith("https://"):
        yield checks.Warning(
            "Public keys are published, but the issuer is no URL by which others could find them (RFC 9068 §4).",
            hint="Set IRONCLAD['ISSUER'] to the https URL of this service.",
            id="ironclad.W004",
        )
    for file in settings.key_files:
        if file.stat().st_mode & 0o077:
            yield checks.Warning(
                f"The key file {file} can be read by other users of this machine.",
                hint=f"chmod 600 {file}",
                id="ironclad.W005",
            )


def _uses_cookie() -> bool:
    return "cookie" in get_settings().TRANSPORTS
