"""How passwords are guarded: attempts, hashers, validators."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from django.apps import apps
from django.conf import settings as django_settings
from django.contrib.auth.hashers import get_hasher
from django.core import checks

from ..users import name_of_the_name

#: What hashes a password so fast that a stolen table of them is soon a table of passwords.
WEAK_HASHERS: Final = {"md5", "sha1", "unsalted_md5", "unsalted_sha1"}


def check_lockouts() -> Iterator[checks.CheckMessage]:
    if not apps.is_installed("axes"):
        return
    name = name_of_the_name()
    looked_for = str(getattr(django_settings, "AXES_USERNAME_FORM_FIELD", name))
    if name != looked_for:
        yield checks.Warning(
            f"django-axes reads the user name from {looked_for!r}, but your backends are given {name!r}: "
            "somebody who guesses passwords is not locked out.",
            hint=f"Set AXES_USERNAME_FORM_FIELD = {name!r}.",
            id="ironclad.W022",
        )


def check_passwords() -> Iterator[checks.CheckMessage]:
    if not apps.is_installed("axes"):
        yield checks.Warning(
            "Nothing that we know of limits how often a password may be guessed.",
            hint="Install django-ironclad[axes] and set it up (docs/guide.md), or silence this where a proxy does it.",
            id="ironclad.W011",
        )
    elif getattr(django_settings, "AXES_LOCKOUT_PARAMETERS", None) == ["username"]:
        yield checks.Warning(
            "Whoever guesses at a user's password locks that user out everywhere.",
            hint="Set AXES_LOCKOUT_PARAMETERS = [['username', 'ip_address']].",
            id="ironclad.W012",
        )
    if get_hasher().algorithm in WEAK_HASHERS:
        yield checks.Warning(
            "Passwords are hashed by what was never meant for passwords.",
            hint="Put 'django.contrib.auth.hashers.Argon2PasswordHasher' first in PASSWORD_HASHERS.",
            id="ironclad.W013",
        )
    if not django_settings.AUTH_PASSWORD_VALIDATORS:
        yield checks.Warning(
            "Any password is accepted, the shortest and the most common too.",
            hint="Set AUTH_PASSWORD_VALIDATORS as `django-admin startproject` does.",
            id="ironclad.W014",
        )
