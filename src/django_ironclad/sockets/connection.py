"""A connection that stays open: who is at its other end, by which token, and when that is over."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .. import auth
from ..errors import InvalidToken, IroncladError, MissingToken
from ..realms import known_realm
from ..requirements import Requirement
from ..tokens import AccessToken
from ..users import load
from .threads import in_thread, read_news
from .watch import Watch, watches


class Connection:
    """Somebody who stays for as long as the access token holds, or a later one of the same session."""

    user: Any
    access: AccessToken

    def __init__(self, *, strict: bool = False) -> None:
        self._strict = strict
        self._requirements: list[Requirement] = []

    async def admit(self, token: str) -> None:
        """Let in whom the token names; `strict` as in `auth.authenticate`.

        Raises MissingToken, InvalidToken, TemporarilyUnavailable.
        """
        if not token:
            raise MissingToken
        self.user, self.access = await self._authenticate(token)

    async def require(self, requirement: Requirement) -> None:
        """Return if this token is good for it; every later one will have to be. Raises as `auth.authorize`."""
        await _authorize(self.user, self.access, requirement)
        self._requirements.append(requirement)

    async def renew(self, token: str) -> None:
        """Stay by this token. It is judged as at the beginning, and has to be of the same session.

        Raises InvalidToken, TemporarilyUnavailable, and as `auth.authorize`.
        """
        user, access = await self._authenticate(token)
        if (access.sid, access.sub) != (self.access.sid, self.access.sub):
            raise InvalidToken("of another session than the connection", reason="other_session")
        for requirement in self._requirements:
            await _authorize(user, access, requirement)
        self.user, self.access = user, access

    async def _authenticate(self, token: str) -> tuple[Any, AccessToken]:
        if self._strict:
            return await in_thread(auth.authenticate, token, strict=True)
        await read_news(known_realm())
        return await auth.aauthenticate(token)

    async def load_user(self) -> Any:
        """The real user, loaded off the event loop. Raises InvalidToken when they are gone or inactive."""
        return await in_thread(load, self.user)

    async def load_groups(self) -> tuple[str, ...]:
        """The names of the user's groups, off the event loop where only the database knows them."""
        access = self.access
        return await in_thread(auth.groups_of, access) if access.groups_left_out else access.groups

    @property
    def expires_in(self) -> int:
        """Seconds that the token has left."""
        return self.access.exp - int(time.time())

    @contextmanager
    def watched(self, end: Callable[[IroncladError], None]) -> Iterator[None]:
        """Meanwhile, call `end` once the token is over or its session is known to be, a `REVOCATION_INTERVAL` later."""
        loop = asyncio.get_running_loop()
        watch = watches.get(loop) or Watch(loop)
        watch.ends[self] = end
        try:
            yield
        finally:
            watch.ends.pop(self, None)


async def _authorize(user: Any, access: AccessToken, requirement: Requirement) -> None:
    if requirement.asks_database(access):
        await in_thread(auth.authorize, user, access, requirement)
    else:
        await auth.aauthorize(user, access, requirement)
