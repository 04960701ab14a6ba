"""The databases that we name are run: python -m tests.platforms.databases [--small] [NAME …] [-- what pytest is told]

Each way to have a database starts its own servers and passes the server's tests; `--small` leaves the few of them that
depend most on what is different there.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
#: Those with a server of their own, and those that know no database.
ELSEWHERE: Final = (
    *("attacks", "browser", "move", "processes", "project", "properties", "simulation"),
    *("database/test_clock_steps.py", "database/test_full_disk.py", "tokens/test_tokens.py", "tokens/test_vectors.py"),
)
#: What depends on a database's clock, its locks, its snapshots, and whose turn it is.
MARIADB: Final = (
    *(
        "database/test_clocks.py",
        "sessions/test_ending.py",
        "sessions/test_in_line.py",
        "auth/test_logins_in_flight.py",
    ),
    *("sessions/test_races.py::test_twenty_threads_with_one_refresh_token_get_one_successor", "test_commands.py"),
)
#: What depends on how a connection is come by, and on how statements go over it.
CONNECTIONS: Final = (
    *("database/test_statements.py", "database/test_availability.py", "sessions/test_in_line.py"),
    *("sessions/test_races.py::test_the_threads_that_come_late_get_one_branch", "auth/test_logout.py"),
)
#: What reads and writes sessions and users. On MariaDB all of the server's tests run.
ROWS: Final = ("auth", "database", "sessions", "users", "test_admin.py", "test_commands.py", "test_realms.py")
#: Others change a user in a transaction of their own while that user logs in, which PostgreSQL may refuse them there.
SERIALIZABLE: Final = (
    *("sessions/test_in_line.py", "sessions/test_new_seed.py", "sessions/test_races.py", "sessions/test_refresh.py"),
    *("auth/test_login.py", "auth/test_logout.py"),
)


@dataclass(frozen=True)
class Way:
    """The scripts that start what it takes, the outermost first, and the options of each connection.

    `small` are the tests that `scripts/test` passes, none where those on PostgreSQL do the same; `whole` are all.
    """

    title: str
    servers: tuple[str, ...]
    options: str = ""
    small: tuple[str, ...] = ()
    whole: tuple[str, ...] = ()

    def command(self, *, small: bool, more: list[str]) -> list[str]:
        python = [sys.executable, "-W", "error"]
        starting = [part for server in self.servers for part in (*python, f"scripts/with_{server}.py")]
        ignored = [f"--ignore=tests/{name}" for name in ELSEWHERE]
        chosen = [f"tests/{name}" for name in (self.small if small else self.whole)]
        pytest = ["-m", "pytest", "-q", "-m", "not browser and not processes"]
        return [*starting, *python, *pytest, *ignored, *chosen, *more]


POSTGRESQL: Final = ("postgres",)
PGBOUNCER: Final = ("postgres", "pgbouncer")
LEVEL: Final = "options=-c%20default_transaction_isolation%3D"
WAYS: Final = {
    "mariadb": Way("MariaDB", ("mariadb",), small=MARIADB),
    "mariadb-repeatable-read": Way(
        "MariaDB at REPEATABLE READ", ("mariadb",), "isolation_level=repeatable%20read", whole=ROWS
    ),
    "pgbouncer": Way("PostgreSQL behind PgBouncer", PGBOUNCER, whole=ROWS),
    "pgbouncer-server-side-binding": Way(
        "PostgreSQL behind PgBouncer, server_side_binding", PGBOUNCER, "server_side_binding=true", CONNECTIONS, ROWS
    ),
    "pool": Way("PostgreSQL, psycopg's pool", POSTGRESQL, "pool=true", CONNECTIONS, ROWS),
    "server-side-binding": Way("PostgreSQL, server_side_binding", POSTGRESQL, "server_side_binding=true", whole=ROWS),
    "repeatable-read": Way("PostgreSQL at REPEATABLE READ", POSTGRESQL, f"{LEVEL}repeatable%5C%20read", whole=ROWS),
    "serializable": Way("PostgreSQL at SERIALIZABLE", POSTGRESQL, f"{LEVEL}serializable", whole=SERIALIZABLE),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, usage="%(prog)s [--small] [NAME …] [-- …]")
    parser.add_argument("--small", action="store_true")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(WAYS))
    own = sys.argv[1:]
    at = own.index("--") if "--" in own else len(own)
    arguments, more = parser.parse_args(own[:at]), own[at + 1 :]
    if unknown := set(arguments.names) - WAYS.keys():
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    chosen = arguments.names or [name for name, way in WAYS.items() if way.small or not arguments.small]
    failed = [name for name in chosen if not passes(name, small=arguments.small, more=more)]
    if failed:
        sys.stdout.write(f"Failed: {', '.join(failed)}\n")
    return bool(failed)


def passes(name: str, *, small: bool, more: list[str]) -> bool:
    """Whether it passes the tests; how long they took is printed."""
    way, began = WAYS[name], time.monotonic()
    sys.stdout.write(f"== {name}\n")
    sys.stdout.flush()
    user_model = os.environ.get("TEST_USER_MODEL", "campus.UUIDUser")
    environment = {**os.environ, "DATABASE_OPTIONS": way.options, "TEST_USER_MODEL": user_model}
    environment["PLATFORM"] = f"Databases: {way.title}"
    code = subprocess.run(way.command(small=small, more=more), cwd=ROOT, env=environment, check=False).returncode
    sys.stdout.write(f"== {name}: {'passed' if code == 0 else 'failed'} in {time.monotonic() - began:.0f} s\n")
    # 5: nothing was collected, as with -k for a test that is not here.
    return code in (0, 5)


if __name__ == "__main__":
    sys.exit(main())
