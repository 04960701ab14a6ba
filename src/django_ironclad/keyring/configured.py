"""The keys of this process, as the settings say: of access tokens and of refresh tokens."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import TypeGuard

from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.utils.encoding import force_bytes

from ..conf import get_settings
from ..tokens import Key, KeyRing, Verifier, derive


class KeyFileMissing(ImproperlyConfigured):
    """A file that `KEYS` names cannot be read: an error for who needs the keys, as `collectstatic` does not."""


@lru_cache(maxsize=1)
def get_key_ring() -> KeyRing:
    """The keys of access tokens. Raises ImproperlyConfigured, KeyFileMissing when it is only that."""
    keys = get_settings().KEYS
    try:
        if not keys:
            return KeyRing(Key.from_secret(secret) for secret in _derived("access token HS256"))
        return KeyRing(Key.from_pem(key if _is_pem(key) else _read(key)) for key in keys)
    except ValueError as error:
        raise ImproperlyConfigured(f"IRONCLAD['KEYS']: {error}.") from None


@lru_cache(maxsize=1)
def get_verifier() -> Verifier:
    """Who verifies access tokens. Raises ImproperlyConfigured."""
    settings = get_settings()
    return Verifier(
        ring=get_key_ring(),
        issuer=settings.ISSUER,
        audience=settings.audience,
        max_lifetime=int(settings.longest_access_lifetime.total_seconds()),
        leeway=int(settings.LEEWAY.total_seconds()),
        realms=settings.REALM is not None,
    )


@lru_cache(maxsize=1)
def get_refresh_secrets() -> tuple[bytes, ...]:
    """The server's halves of the refresh tokens' MAC keys: the first signs, all verify."""
    return tuple(_derived("refresh token HS256"))


def key_files() -> list[Path]:
    """The files that `KEYS` names."""
    return [_path(key) for key in get_settings().KEYS if not _is_pem(key)]


def _derived(purpose: str) -> Iterable[bytes]:
    secrets = map(force_bytes, (django_settings.SECRET_KEY, *django_settings.SECRET_KEY_FALLBACKS))
    # An empty one is none: anybody could derive a key from nothing.
    return (derive(secret, purpose) for secret in dict.fromkeys(secrets) if secret)


def _is_pem(key: str | bytes | Path) -> TypeGuard[str | bytes]:
    return not isinstance(key, Path) and "-----BEGIN" in str(key)


def _read(key: str | bytes | Path) -> bytes:
    """The contents of a key's file. Raises KeyFileMissing, which shows no text that could be a key by mistake."""
    try:
        return _path(key).read_bytes()
    except OSError as error:
        # No key without its armour begins so.
        named = isinstance(key, Path) or _path(key).is_absolute()
        name = f"the file {_path(key)}" if named else "a text that is no PEM, and so a path,"
        raise KeyFileMissing(f"IRONCLAD['KEYS']: {name} cannot be read: {error.strerror}.") from None


def _path(key: str | bytes | Path) -> Path:
    return Path(os.fsdecode(key))


def _forget(*, setting: str, **_: object) -> None:
    # After `conf`, which is imported first, has forgotten the settings.
    if setting in {"IRONCLAD", "SECRET_KEY", "SECRET_KEY_FALLBACKS"}:
        for cached in (get_key_ring, get_verifier, get_refresh_secrets):
            cached.cache_clear()


setting_changed.connect(_forget)
