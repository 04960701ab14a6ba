"""Where the sessions are that this is about: in which database and, by django-tenants, in which schema of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from functools import lru_cache
from typing import Any, Final

from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, router

from ..conf import get_settings
from ..realms import known_realm, realm

_kept: Final[ContextVar[str]] = ContextVar("ironclad_home", default="")


def home() -> str:
    """The alias of the database of sessions: where the project's router has them written, for here and now."""
    return _kept.get() or router.db_for_write(_sessions())


@contextmanager
def at_home_in(alias: str | None) -> Iterator[None]:
    """Where each tenant has a database, within this block sessions are those of `alias`: of a user who is from there.

    A job need not know a realm, nor a router the tenant, in order to end somebody's sessions. Of a user who was read
    from a replica, only the router knows where they are, within a realm: else ImproperlyConfigured is raised.
    """
    is_one = alias and get_settings().REALM is not None and has_sessions(alias)
    if alias and is_one and not _takes_writes(alias):
        if not known_realm():
            raise ImproperlyConfigured(
                f'This user was read from "{alias}", which takes no writes, and no realm is known that says where '
                "their sessions are. Read them from where they are written, or write `with realm(name):`."
            )
        is_one = False
    before = _kept.set(alias if alias and is_one else _kept.get())
    try:
        yield
    finally:
        _kept.reset(before)


def from_here(act: Callable[[], object]) -> Callable[[], None]:
    """`act`, to be done later as it would be done now: a transaction may commit when its tenant has been left."""
    alias, name = home(), known_realm()
    tenant = getattr(connections[alias], "tenant", None)

    def run() -> None:
        before = _kept.set(alias)
        try:
            with realm(name) if name else nullcontext(), in_schema(alias, tenant):
                act()
        finally:
            _kept.reset(before)

    return run


@contextmanager
def in_schema(alias: str, tenant: Any) -> Iterator[None]:
    """Where django-tenants gives tenants schemas, that of `tenant`, or of one by name; elsewhere nothing changes."""
    connection: Any = connections[alias]
    before = getattr(connection, "tenant", None)
    if before is None or not tenant or tenant is before:
        yield
        return
    if isinstance(tenant, str):
        connection.set_schema(tenant)
    else:
        connection.set_tenant(tenant)
    try:
        yield
    finally:
        connection.set_tenant(before)


def place() -> tuple[str, str]:
    """The database of sessions and, where each tenant has them in a schema, the schema."""
    alias = home()
    return alias, str(getattr(connections[alias], "schema_name", "")) if _is_by_schema() else ""


@lru_cache(maxsize=1024)
def has_sessions(alias: str) -> bool:
    """Whether sessions are kept in this database, too."""
    return _sessions()._meta.db_table in connections[alias].introspection.table_names()


def _takes_writes(alias: str) -> bool:
    """Whether this database can be written to, as a replica cannot. A database that can is asked once."""
    connection = connections[alias]
    asked = _TAKES_WRITES.get(connection.vendor)
    if asked is None or alias in _writable:
        return True
    with connection.cursor() as cursor:
        cursor.execute(asked)
        if cursor.fetchone()[0]:
            _writable.add(alias)
    return alias in _writable


_writable: Final[set[str]] = set()
_TAKES_WRITES: Final = {
    "postgresql": "SELECT current_setting('transaction_read_only') = 'off'",
    "mysql": "SELECT NOT @@read_only",
}


def _is_by_schema() -> bool:
    return any(each.startswith("django_ironclad") for each in getattr(settings, "TENANT_APPS", ()))


def _sessions() -> Any:
    return apps.get_model("ironclad", "Session")
