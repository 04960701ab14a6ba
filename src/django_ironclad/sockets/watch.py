"""Who stays is looked at once an interval, and told when that is over."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

from .. import auth
from ..conf import get_settings
from ..errors import IroncladError
from ..tokens import AccessToken
from .threads import read_news


class Watched(Protocol):
    """Whoever stays by an access token."""

    @property
    def access(self) -> AccessToken: ...


class Watch:
    """All connections of one event loop: looked at together, after one query at most."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.ends: dict[Watched, Callable[[IroncladError], None]] = {}
        watches[loop] = self
        self._task = loop.create_task(self._go_on(loop))

    async def _go_on(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            while self.ends:
                await asyncio.sleep(get_settings().REVOCATION_INTERVAL.total_seconds())
                await self._look()
        except Exception:
            # Nobody stays unwatched, whatever the reason.
            self._end(list(self.ends), IroncladError("the watch has failed"))
            raise
        finally:
            del watches[loop]

    async def _look(self) -> None:
        await asyncio.gather(*map(self._look_at, {connection.access.realm for connection in self.ends}))

    async def _look_at(self, realm: str) -> None:
        try:
            await read_news(realm)
        except IroncladError as error:
            self._end([connection for connection in self.ends if connection.access.realm == realm], error)
        for connection in [each for each in self.ends if each.access.realm == realm]:
            try:
                auth.recheck(connection.access)
            except IroncladError as error:
                self._end([connection], error)

    def _end(self, ended: list[Watched], error: IroncladError) -> None:
        for connection in ended:
            self.ends.pop(connection)(error)


watches: Final[dict[asyncio.AbstractEventLoop, Watch]] = {}
