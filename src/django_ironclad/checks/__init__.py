"""What `manage.py check` says of settings that are unsafe or cannot work, each with what to write instead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core import checks

from .cookie import check_cookie, check_deployed_cookie
from .databases import check_databases, check_deployed_database, check_tenants
from .keys import check_key_files, check_keys, check_lifetimes
from .middleware import check_middleware
from .moving import check_remains, check_tables
from .passwords import check_lockouts, check_passwords


def register() -> None:
    checks.register(check_settings, checks.Tags.security)
    checks.register(check_deployment, checks.Tags.security, deploy=True)
    checks.register(check_database, checks.Tags.database)


def check_settings(**_: Any) -> list[checks.CheckMessage]:
    """What cannot work, wherever it runs."""
    return [
        *check_middleware(),
        *check_cookie(),
        *check_databases(),
        *check_tenants(),
        *check_key_files(),
        *check_lockouts(),
        *check_remains(),
    ]


def check_database(*, databases: Sequence[str] | None = None, **_: Any) -> list[checks.CheckMessage]:
    """What only the rows of a database can say."""
    return [*check_tables(databases)]


def check_deployment(**_: Any) -> list[checks.CheckMessage]:
    """What is risky in production."""
    return [*check_deployed_cookie(), *check_keys(), *check_lifetimes(), *check_deployed_database(), *check_passwords()]
