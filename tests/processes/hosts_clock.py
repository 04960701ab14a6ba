"""The clock of a host that is not set right: every other host's, and some seconds more."""

from __future__ import annotations

import json
import os
import time


def set_ahead() -> None:
    """By `CLOCK_AHEAD` of `PROCESS_SETTINGS`. Neither the database's clock nor the monotonic one moves."""
    seconds = json.loads(os.environ.get("PROCESS_SETTINGS", "{}")).get("CLOCK_AHEAD", 0)
    if seconds:
        import time_machine

        time_machine.travel(time.time() + seconds, tick=True).start()
