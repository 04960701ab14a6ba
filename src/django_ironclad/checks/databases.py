"""Where sessions are, and how long a database may keep anybody waiting."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from django.apps import AppConfig, apps
from django.conf import settings as django_settings
from django.contrib.auth import get_user_model
from django.core import checks
from django.db import connections, router

from ..conf import get_settings
from ..models import Session

#: By which option a database driver is told to give up on a server that does not answer.
TIMEOUTS: Final = {
    "postgresql": ("connect_timeout", "tcp_user_timeout"),
    "mysql": ("connect_timeout", "read_timeout"),
}


def check_databases() -> Iterator[checks.CheckMessage]:
    users = router.db_for_write(get_user_model())
    if router.db_for_write(Session) != users:
        yield checks.Error(
            "Sessions are in another database than users, but are read together with them in one statement.",
            hint=f"Let the database router send the app 'ironclad' to {users!r}.",
            id="ironclad.E004",
        )


def check_tenants() -> Iterator[checks.CheckMessage]:
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


def check_deployed_database() -> Iterator[checks.CheckMessage]:
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
