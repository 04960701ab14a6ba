"""A clock for tests in which days pass within seconds."""

from __future__ import annotations

import time

from .conftest import time_passes

#: Seconds that the database may be ahead before the rows are moved back.
TOLERANCE = 0.2


class Clock:
    """It goes when it is told to, and the rows with it: what a test takes of real time does not count."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._moved = 0.0

    def set(self, now: float) -> None:
        """So many seconds have passed since this clock was made, no more and no less."""
        move = now - (time.monotonic() - self._began) - self._moved
        if not -TOLERANCE < move <= 0:
            time_passes(seconds=move)
            self._moved += move
