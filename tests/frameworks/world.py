"""Whoever calls, and what happens to them before they do."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import time_machine
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.db import OperationalError, connection

from django_ironclad import auth, tokens
from django_ironclad.database.clocks import Now
from django_ironclad.keyring.configured import get_key_ring
from django_ironclad.models import Session
from django_ironclad.sessions.issuing import TokenResponse
from django_ironclad.tokens.keys import Key

from ..conftest import Person


class World:
    """Ada, and what happens to her before somebody calls."""

    def __init__(self, ada: Person) -> None:
        self.ada = ada.user
        self.tokens = TokenResponse(access_token="", expires_in=0, username="", transport="body")

    def bearer(self, *, ago: float = 0, scope: str = "") -> str:
        """The header of somebody who logged in so many seconds ago."""
        with time_machine.travel(time.time() - ago):
            self.tokens = auth.login(self.ada, scope=scope)
        return f"Bearer {self.tokens.access_token}"

    def changed(self, *, key: Key | None = None, **claims: object) -> str:
        """The header with a token that says something else, signed by our key if by no other."""
        self.bearer()
        claims = {**auth.verify(self.tokens.access_token).claims, **claims}
        return "Bearer " + tokens.issue(claims, key=key or get_key_ring().signing_key)

    def rows(self) -> Any:
        """Hers, to be changed without any signal."""
        return get_user_model()._default_manager.filter(pk=self.ada.pk)


def good(world: World) -> str:
    """A token of somebody who has just logged in."""
    return world.bearer()


def forged(world: World) -> str:
    """The signature of another token."""
    signature = world.bearer().rpartition(".")[2]
    return f"{world.bearer().rpartition('.')[0]}.{signature}"


def of_anothers_key(world: World) -> str:
    return world.changed(key=Key.from_secret(b"somebody else's secret, as long as any of ours"))


def login(
    *, after: Sequence[Callable[[World], None]] = (), then: Sequence[Callable[[World], None]] = (), **how: Any
) -> Callable[[World], str]:
    """Somebody logs in after this has happened, and then that happens."""

    def send(world: World) -> str:
        for each in after:
            each(world)
        header = world.bearer(**how)
        for each in then:
            each(world)
        return header

    return send


def logs_out(world: World) -> None:
    auth.logout(world.tokens.refresh_token)


def is_ended_elsewhere(world: World) -> None:
    """As another process does: the row says so, and nobody here knows."""
    Session.objects.update(revoked_at=Now(), revoked_reason="elsewhere")


def is_inactive(world: World) -> None:
    world.rows().update(is_active=False)


def is_superuser(world: World) -> None:
    world.rows().update(is_superuser=True)


def is_gone(world: World) -> None:
    """The token still holds, but there is nobody to answer for it."""
    Session.objects.update(user=None)
    LogEntry.objects.all().delete()
    world.rows()._raw_delete(world.rows().db)


def joins(world: World, group: str = "registrar") -> None:
    from django.contrib.auth.models import Group

    world.ada.groups.add(Group.objects.get_or_create(name=group)[0])


def joins_the_choir(world: World) -> None:
    joins(world, "choir")


def joins_more_than_a_token_can_say(world: World) -> None:
    from django.contrib.auth.models import Group

    names = (f"course-2026-autumn-{number:04d}-teachers" for number in range(170))
    world.ada.groups.add(*Group.objects.bulk_create(Group(name=name) for name in names))


def leaves(world: World) -> None:
    world.ada.groups.clear()


def is_permitted(world: World) -> None:
    from django.contrib.auth.models import Permission

    world.ada.user_permissions.add(Permission.objects.get(codename="add_note"))


@contextmanager
def database_down() -> Iterator[None]:
    def fail(*_: object) -> None:
        raise OperationalError("the server is gone")

    with connection.execute_wrapper(fail):
        yield
