"""What `manage.py check` says of another package's remains: who stands before ours, and what may go."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Any, Final

from django.apps import apps
from django.conf import settings
from django.core import checks
from django.db import DatabaseError, connections
from django.urls import get_resolver
from django.utils.module_loading import import_string

from ..move import PACKAGES, Table, living

#: Their authenticators refuse what they cannot read, so that nobody behind them is asked.
REFUSING: Final = ("rest_framework_simplejwt.", "rest_framework_jwt.", "dj_rest_auth.")
#: Settings, and the modules one of which reads them.
READ_BY: Final = {
    "SIMPLE_JWT": ("rest_framework_simplejwt", "ninja_jwt", "django_ironclad.contrib.simplejwt"),
    "NINJA_JWT": ("ninja_jwt",),
    "JWT_AUTH": ("rest_framework_jwt", "django_ironclad.contrib.drf_jwt"),
    "REST_KNOX": ("knox",),
}
#: The apps whose tables are named, by their labels.
LABELS: Final = {"token_blacklist_outstandingtoken": "token_blacklist", "knox_authtoken": "knox"}


def check_remains() -> Iterator[checks.CheckMessage]:
    """What cannot work, and what nobody reads any more."""
    named = getattr(settings, "REST_FRAMEWORK", {}).get("DEFAULT_AUTHENTICATION_CLASSES", ())
    if first := _before_ours(named):
        yield checks.Error(
            f"{first} refuses what it cannot read, so that no token of ours is ever looked at.",
            hint="In DEFAULT_AUTHENTICATION_CLASSES, put it behind ours, which passes on what it did not issue.",
            id="ironclad.E040",
        )
    left = [setting for setting in READ_BY if hasattr(settings, setting)]
    if left:
        # So that whatever the project uses has been imported.
        _ = get_resolver().url_patterns
    for setting in left:
        if not any(module in sys.modules for module in READ_BY[setting]):
            yield checks.Warning(
                f"{setting} is set, and nobody here reads it.",
                hint="Take it out; `manage.py ironclad_move` says what of it IRONCLAD takes over.",
                id="ironclad.W041",
            )


def check_tables(databases: Sequence[str] | None) -> Iterator[checks.CheckMessage]:
    """Their tables, where their app is gone and no token in them counts: with `check --database NAME`."""
    for alias in databases or ():
        try:
            names = connections[alias].introspection.table_names()
            gone = [each.name for each in _tables() if each.name in names and not living(each, alias)[0]]
        except DatabaseError:
            continue
        if gone:
            yield checks.Warning(
                f"No token in {', '.join(gone)} counts any more, and their app is not installed.",
                hint=f"Drop what is left of them in the database {alias!r}; keep a backup.",
                id="ironclad.W042",
            )


def _tables() -> Iterator[Table]:
    found = {table.name: table for package in PACKAGES.values() for table in package.tables}
    for name, label in LABELS.items():
        if label not in apps.app_configs:
            yield found[name]


def _before_ours(named: Sequence[Any]) -> str:
    """The first authenticator of theirs, where one of ours stands behind it."""
    theirs = ""
    for name in named:
        kind = _imported(name)
        if getattr(kind, "reads_bearer", False):
            return theirs
        if not theirs and any(each.__module__.startswith(REFUSING) for each in getattr(kind, "__mro__", ())):
            theirs = name if isinstance(name, str) else kind.__qualname__
    return ""


def _imported(name: Any) -> Any:
    try:
        return import_string(name) if isinstance(name, str) else name
    except ImportError:
        return None
