"""What very many users need, reckoned from what was measured."""

from __future__ import annotations

import math
from typing import Final

USERS: Final = 100_000_000
ACTIVE: Final = 10_000_000
#: Seconds between two refreshes of an active session (`ACCESS_TOKEN_LIFETIME`), and between two of its requests.
REFRESH_EVERY: Final = 300
REQUEST_EVERY: Final = 30
#: Days between two logins of a user, and so between two of his sessions' ends.
LOGIN_EVERY: Final = 30
#: Seconds for which an ended session is kept in memory (access lifetime, leeway twice, and a minute), and those that an
#: ordinary read asks for.
WINDOW: Final = 380
RECENT: Final = 60
#: Seconds between two reads of all of them.
WHOLE_EVERY: Final = 30
#: Seconds between two checkpoints by PostgreSQL's default, and as an operator would have them.
CHECKPOINT: Final = 300
RARE_CHECKPOINT: Final = 1800
#: How busy a processor may be, and how many of them a database server has.
BUSY: Final = 0.5
CORES: Final = 16

_SERVER = "granian, WSGI"
_OURS = "ironclad, HS256"


def capacity(found: dict[str, dict[str, float]]) -> dict[str, float]:
    """Every step of the arithmetic, by name. `found` holds the figures of each benchmark. Raises KeyError."""
    servers, refresh = found["servers"], found["refresh"]
    kept = found.get("state-million") or found["state"]
    requests, refreshes = ACTIVE / REQUEST_EVERY, ACTIVE / REFRESH_EVERY
    logins = USERS / LOGIN_EVERY / 86_400
    open_, protected = servers[f"{_SERVER}, unprotected"], servers[f"{_SERVER}, {_OURS}"]
    # One person's requests reach another process each time: none of them has seen the token before.
    first = found["authenticate"][f"{_OURS}, first sight"] - found["authenticate"][_OURS]
    added = protected - open_ + first
    # The function below the view, and what an empty view costs.
    one_refresh = refresh[f"{_OURS}, postgresql"] + open_
    database = refresh[f"{_OURS}, seconds"] * 1e6
    cores = {
        "views": requests * open_ / 1e6,
        "authentication": requests * added / 1e6,
        "refreshes": refreshes * one_refresh / 1e6,
    }
    workers = math.ceil(sum(cores.values()) / BUSY)
    row = found["revocation"]["read, 1000000"] / 1e6
    rows = logins * (RECENT + WINDOW / WHOLE_EVERY)
    reads = workers * rows * row
    # Every page holds somebody who is active, and is logged as a whole when it is first changed after a checkpoint.
    table = USERS * kept["ironclad, bytes of its rows"]
    one_server = CORES * BUSY / (database / 1e6)
    return {
        "users": USERS,
        "active": ACTIVE,
        "refresh every": REFRESH_EVERY,
        "request every": REQUEST_EVERY,
        "login every": LOGIN_EVERY,
        "busy": BUSY,
        "cores": CORES,
        "requests": requests,
        "refreshes": refreshes,
        "logins": logins,
        "open": open_,
        "added": added,
        "one refresh": one_refresh,
        "database": database,
        "wal": refresh[f"{_OURS}, wal"],
        "cores of views": cores["views"],
        "cores of authentication": cores["authentication"],
        "cores of refreshes": cores["refreshes"],
        "workers": workers,
        "cores of PostgreSQL": refreshes * database / 1e6,
        "WAL, MB/s": refreshes * refresh[f"{_OURS}, wal"] / 1e6,
        "WAL, TB a day": refreshes * refresh[f"{_OURS}, wal"] * 86_400 / 1e12,
        "checkpoint": CHECKPOINT,
        "rare checkpoint": RARE_CHECKPOINT,
        "bytes of its rows": kept["ironclad, bytes of its rows"],
        "whole pages, MB/s": table / CHECKPOINT / 1e6,
        "whole pages, rarely, MB/s": table / RARE_CHECKPOINT / 1e6,
        "bytes of a session": kept["ironclad, bytes of a session"],
        "GB of sessions": USERS * kept["ironclad, bytes of a session"] / 1e9,
        "ended": logins * WINDOW,
        "MB of the set": logins * WINDOW * found["revocation"]["megabytes, 1000000"] / 1e6,
        "rows of a read": rows,
        "cores of reads": reads,
        "refreshes of one server": one_server,
        "servers": math.ceil(refreshes / one_server),
    }
