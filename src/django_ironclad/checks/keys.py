"""What `manage.py check` says of keys: of the files that hold them, and of what they are used for."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from django.conf import settings as django_settings
from django.core import checks
from django.core.checks.security.base import SECRET_KEY_INSECURE_PREFIX, SECRET_KEY_MIN_LENGTH

from ..conf import get_settings
from ..keyring import KeyFileMissing, get_key_ring, key_files
from ..tokens import PAUSE


def check_key_files() -> Iterator[checks.CheckMessage]:
    """A warning, since `migrate` stops at errors, and needs no keys."""
    try:
        get_key_ring()
    except KeyFileMissing as error:
        yield checks.Warning(
            f"{error} Until then nobody can log in, and no token is good.",
            hint="Put the file there before the service starts; collectstatic, migrate and the like need none.",
            id="ironclad.W021",
        )


def check_keys() -> Iterator[checks.CheckMessage]:
    """What is risky in production."""
    settings = get_settings()
    secret = django_settings.SECRET_KEY
    if len(secret) < SECRET_KEY_MIN_LENGTH or str(secret).startswith(SECRET_KEY_INSECURE_PREFIX):
        yield checks.Error(
            "Tokens are signed by what is derived from SECRET_KEY, and that is short, or was made for development.",
            hint="Set a SECRET_KEY of 50 random characters or more, from outside of the repository.",
            id="ironclad.E006",
        )
    try:
        ring = get_key_ring()
    except KeyFileMissing:
        # `check_key_files` tells.
        return
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
    if not ring.jwks()["keys"] and settings.audience != settings.ISSUER:
        yield checks.Warning(
            "The tokens are for another audience, which can verify HS256 only by SECRET_KEY, and then issue them.",
            hint="Give IRONCLAD['KEYS'] an Ed25519 key, and the audience your jwks.json.",
            id="ironclad.W008",
        )
    yield from _check_permissions()


def _check_permissions() -> Iterator[checks.CheckMessage]:
    # Windows' own permissions are none of these bits, which always look open there.
    for file in key_files() if sys.platform != "win32" else ():
        if file.stat().st_mode & 0o077:
            yield checks.Warning(
                f"The key file {file} can be read by other users of this machine.",
                hint=f"chmod 600 {file}",
                id="ironclad.W005",
            )


def check_lifetimes() -> Iterator[checks.CheckMessage]:
    if get_settings().longest_access_lifetime.total_seconds() > 3600:
        yield checks.Warning(
            "Access tokens live longer than an hour (RFC 6750 §5.3): so long does a stolen one.",
            hint="Shorten ACCESS_TOKEN_LIFETIME and DRF_JWT_TOKEN_LIFETIME in IRONCLAD; clients refresh by themselves.",
            id="ironclad.W002",
        )
    pause = PAUSE * get_settings().REUSE_GRACE
    if pause >= get_settings().ACCESS_TOKEN_LIFETIME:
        yield checks.Warning(
            f"Refresh tokens rest for {pause.total_seconds():g} s, as long as an access token lives or longer: clients "
            "that refresh more often get the same one again, and a thief who does is found the later.",
            hint=f"Let IRONCLAD['ACCESS_TOKEN_LIFETIME'] be longer than {PAUSE} times IRONCLAD['REUSE_GRACE'].",
            id="ironclad.W019",
        )
