"""What `manage.py check` says of settings that are unsafe or cannot work, each with what to write instead."""

from __future__ import annotations

from typing import Any, Final

from django.apps import AppConfig, apps
from django.conf import settings as django_settings
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import get_hasher
from django.core import checks
from django.db import connections, router
from django.middleware.csrf import CsrfViewMiddleware

from .conf import get_settings
from .cookie_checks import Found, check_cookie, check_deployed_cookie
from .key_checks import check_key_files, check_keys
from .middleware import BearerMiddleware
from .models import Session
from .passwords import name_of_the_name
from .readers import place, somebody_reads_tokens
from .rotation import PAUSE

MIDDLEWARE: Final = "django_ironclad.middleware.BearerMiddleware"
CSRF: Final = "django.middleware.csrf.CsrfViewMiddleware"
#: By which option a database driver is told to give up on a server that does not answer.
TIMEOUTS: Final = {
    "postgresql": ("connect_timeout", "tcp_user_timeout"),
    "mysql": ("connect_timeout", "read_timeout"),
}
#: What hashes a password so fast that a stolen table of them is soon a table of passwords.
WEAK_HASHERS: Final = {"md5", "sha1", "unsalted_md5", "unsalted_sha1"}


def register() -> None:
    checks.register(check_settings, checks.Tags.security)
    checks.register(check_deployment, checks.Tags.security, deploy=True)


def check_settings(**_: Any) -> list[checks.CheckMessage]:
    """What cannot work, wherever it runs."""
    return [*_middleware(), *check_cookie(), *_databases(), *_tenants(), *check_key_files(), *_axes()]


def check_deployment(**_: Any) -> list[checks.CheckMessage]:
    """What is risky in production."""
    return [*check_deployed_cookie(), *check_keys(), *_tokens(), *_deployed_database(), *_passwords()]


def _middleware() -> Found:
    ours, csrf = place(BearerMiddleware), place(CsrfViewMiddleware)
    if -1 < csrf < ours:
        names = django_settings.MIDDLEWARE
        yield checks.Error(
            "BearerMiddleware stands after CsrfViewMiddleware, which refuses Bearer requests before they are seen.",
            hint=f"In MIDDLEWARE, move {names[ours]!r} to before {names[csrf]!r}.",
            id="ironclad.E001",
        )
    if not somebody_reads_tokens():
        yield checks.Warning(
            "No view looks at access tokens.",
            hint=f"Put {MIDDLEWARE!r} into MIDDLEWARE, before {CSRF!r}, or 'django_ironclad.drf.BearerAuthentication' "
            "into REST_FRAMEWORK['DEFAULT_AUTHENTICATION_CLASSES'], or django_ironclad.ninja.Bearer() into a NinjaAPI.",
            id="ironclad.W006",
        )


def _databases() -> Found:
    users = router.db_for_write(get_user_model())
    if router.db_for_write(Session) != users:
        yield checks.Error(
            "Sessions are in another database than users, but are read together with them in one statement.",
            hint=f"Let the database router send the app 'ironclad' to {users!r}.",
            id="ironclad.E004",
        )


def _tenants() -> Found:
    if not apps.is_installed("django_tenants"):
        return
    users = apps.get_app_config(get_user_model()._meta.app_label).name
    # The apps' own names, where a list may say `accounts.apps.AccountsConfig`.
    listed = {name: getattr(django_settings, name, ()) for name in ("SHARED_APPS", "TENANT_APPS")}
    lists = {name: {AppConfig.create(each).name for each in entries} for name, entries in listed.items()}
    shared = users in lists["SHARED_APPS"] and users not in lists["TENANT_APPS"]
    if get_settings().REALM is None:
        yield checks.Error(
            "One process serves several tenants, and a token of one is good at every other.",
            hint="All tenants share their users: let IRONCLAD['REALM'] be a callable that returns one name for all."
            if shared
            else "Each tenant has users of its own: let IRONCLAD['REALM'] be a callable that returns "
            "request.tenant.schema_name.",
            id="ironclad.E009",
        )
    wanted = "SHARED_APPS" if shared else "TENANT_APPS"
    if "django_ironclad" not in lists[wanted]:
        yield checks.Error(
            "Sessions are not where the users are, but are read together with them in one statement.",
            hint=f"Put 'django_ironclad' into {wanted}, beside {users!r}, and into no other list.",
            id="ironclad.E010",
        )


def _axes() -> Found:
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


def _tokens() -> Found:
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


def _deployed_database() -> Found:
    connection = connections[router.db_for_write(Session)]
    options = connection.settings_dict.get("OPTIONS", {})
    missing = [name for name in TIMEOUTS.get(connection.vendor, ()) if name not in options]
    if missing:
        yield checks.Warning(
            "A database that stops answering would hold requests up for minutes, also those that only verify tokens.",
            hint=f"Set {' and '.join(missing)} in DATABASES[{connection.alias!r}]['OPTIONS'], as docs/checks.md shows.",
            id="ironclad.W009",
        )
    if connection.vendor in TIMEOUTS and connection.settings_dict["CONN_MAX_AGE"] == 0 and not options.get("pool"):
        yield checks.Warning(
            "Each request opens a database connection of its own, which costs more than all the rest of a refresh.",
            hint=f"Set CONN_MAX_AGE = 60 and CONN_HEALTH_CHECKS = True in DATABASES[{connection.alias!r}], or a pool.",
            id="ironclad.W010",
        )


def _passwords() -> Found:
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
