"""A clock for tests in which days pass within seconds."""

from __future__ import annotations

import time

from .conftest import time_passes

#: Seconds that a database may be off this clock before its rows are moved.
TOLERANCE = 0.2


class Clock:
    """It goes when it is told to, and the rows with it: what a test takes of real time, nobody in it has lived through."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._moved = 0.0

    def set(self, now: float) -> None:
        """So many seconds have passed since this clock was made, no more and no less."""
        move = now - (time.monotonic() - self._began) - self._moved
        if abs(move) > TOLERANCE:
            time_passes(seconds=move)
            self._moved += move
