"""What an event loop leaves to a thread: whatever asks the database, in the schema of its realm."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import Final, ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.db import connections

from ..conf import get_settings
from ..database import home, in_schema
from ..realms import known_realm, realm
from ..sessions import ended_sessions

P = ParamSpec("P")
R = TypeVar("R")

#: Seldom more than one; another is for the time in which a database keeps the first one waiting. No handler of the
#: application's runs here, so none can keep the news of an ended session waiting.
_readers: Final = ThreadPoolExecutor(2, "ironclad-revocation")


async def in_thread(function: Callable[P, R], *arguments: P.args, **named: P.kwargs) -> R:
    """What `function` returns, called off the event loop."""

    def run() -> R:
        _drop_old_connections()
        try:
            with in_schema(home(), known_realm()):
                return function(*arguments, **named)
        finally:
            _drop_old_connections()

    return await sync_to_async(run)()


async def read_news(realm: str) -> None:
    """Return with the realm's set as fresh as it can be had within an interval. Raises TemporarilyUnavailable."""
    if ended_sessions(realm).is_due():
        reading = asyncio.get_running_loop().run_in_executor(_readers, _freshen, realm)
        done, _ = await asyncio.wait({reading}, timeout=get_settings().REVOCATION_INTERVAL.total_seconds())
        for read in done:
            read.result()


def _freshen(name: str) -> None:
    _drop_old_connections()
    try:
        # No middleware of a tenant's has prepared a thread here.
        with realm(name) if name else nullcontext(), in_schema(home(), name):
            ended_sessions(name).freshen()
    finally:
        _drop_old_connections()


def _drop_old_connections() -> None:
    """What Django does before and after a request: there is none here. A transaction, such as a test's, goes on."""
    for each in connections.all(initialized_only=True):
        if not each.in_atomic_block:
            each.close_if_unusable_or_obsolete()
