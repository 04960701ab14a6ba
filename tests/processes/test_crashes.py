"""PostgreSQL dies under refreshes, or comes back without its last writes: all clients go on with what they hold."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psutil
import psycopg

from .conftest import STRESS
from .servers import Answer, Connection, PostgreSQL, Server, gunicorn, postgresql

CLIENTS = 200 if STRESS else 60
CRASHES = 10 if STRESS else 3
#: What a project has where the process that runs a request outlives a database.
PERSISTENT = {"DATABASE": {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}}


@dataclass
class Client:
    """Somebody with one device: what it holds is the last answer that it received."""

    connection: Connection
    refresh_token: str

    @property
    def sid(self) -> str:
        return self.refresh_token.split(".")[0]

    def ask(self) -> None:
        self.connection.send("POST", "/auth/refresh/", body={"refresh_token": self.refresh_token})

    def hear(self) -> Answer:
        answer = self.connection.receive()
        if answer.status == 200:
            self.refresh_token = answer.json.get("refresh_token", self.refresh_token)
        return answer


def clients(server: Server, count: int) -> list[Client]:
    connection = server.connect()
    people = connection.post("/control/begin/", {"people": count, "sessions": 1}).json["people"]
    return [Client(server.connect(), person["sessions"][0]["refresh_token"]) for person in people]


def time_passes(database: PostgreSQL, sid: str = "") -> None:
    which = f" WHERE id = '{sid}'" if sid else ""
    database.execute(f"UPDATE ironclad_session SET rotated_at = rotated_at - interval '1 hour'{which}")


def rows(database: PostgreSQL) -> dict[str, tuple[int, int, Any]]:
    query = "SELECT id::text, generation, branch, revoked_at FROM ironclad_session"
    with psycopg.connect(host=str(database.folder), user="postgres") as connection:
        return {row[0]: row[1:] for row in connection.execute(query)}


def crash(database: PostgreSQL) -> None:
    """SIGKILL, to the postmaster and to all that it started."""
    doomed = database.processes()
    for process in doomed:
        process.send_signal(signal.SIGKILL)
    psutil.wait_procs(doomed, timeout=10)


def assert_each_goes_on(database: PostgreSQL, everybody: list[Client]) -> None:
    """With the token it holds, twice, and its line is the only one."""
    for _ in range(2):
        for client in everybody:
            client.ask()
        assert Counter(client.hear().status for client in everybody) == {200: len(everybody)}
        time_passes(database)
    known = rows(database)
    for client in everybody:
        generation, branch, revoked_at = known[client.sid]
        assert revoked_at is None
        assert client.refresh_token.split(".")[1:3] == [str(generation), str(branch)]


def test_a_database_that_is_killed_under_refreshes_loses_no_session(measured: Callable[[object], None]) -> None:
    chance = random.Random(1)
    heard: Counter[int] = Counter()
    down: Counter[int] = Counter()
    with postgresql() as database, gunicorn(database, threads=32, settings=PERSISTENT) as server:
        everybody = clients(server, CLIENTS)
        for _ in range(CRASHES):
            time_passes(database)
            for client in everybody:
                client.ask()
            # In the middle of them: the first are answered, the last have not begun.
            time.sleep(chance.uniform(0.02, 0.25))
            crash(database)
            heard.update(client.hear().status for client in everybody)
            for client in everybody:
                client.ask()
            down.update(client.hear().status for client in everybody)
            database.start()
            assert_each_goes_on(database, everybody)
        assert len(rows(database)) == CLIENTS
    assert set(heard) <= {200, 503}
    assert down == {503: CLIENTS * CRASHES}
    assert heard[503] > 0
    measured(
        f"{CRASHES} crashes under {CLIENTS} refreshes each: {heard[200]} answered 200, {heard[503]} 503; "
        f"while down {down[503]} × 503; 0 sessions lost, 0 forked"
    )


def test_a_failover_that_loses_the_last_writes_signs_nobody_out(measured: Callable[[object], None]) -> None:
    """The standby was some seconds behind: it knows older generations than the clients do."""
    with postgresql() as database, gunicorn(database, settings=PERSISTENT) as server:
        everybody = clients(server, CLIENTS)
        for client in everybody[: CLIENTS // 2]:
            client.ask()
            assert client.hear().status == 200
        time_passes(database)
        database.stop()
        standby = database.folder / "standby"
        subprocess.run(["cp", "-a", database.data, standby], check=True)
        database.start()
        # The writes that will be lost: one refresh of each, or two, or three of those who do not keep the rules.
        for number, client in enumerate(everybody):
            for _ in range(1 + number % 3):
                time_passes(database, client.sid)
                client.ask()
                assert client.hear().status == 200
        ahead = {client.sid: int(client.refresh_token.split(".")[1]) for client in everybody}

        database.stop("immediate")
        shutil.rmtree(database.data)
        standby.rename(database.data)
        database.start()

        behind = [ahead[sid] - generation for sid, (generation, _, _) in rows(database).items()]
        assert Counter(behind) == Counter(1 + number % 3 for number in range(CLIENTS))
        assert_each_goes_on(database, everybody)
        measured(f"{CLIENTS} clients up to {max(behind)} generations ahead of the restored database: 0 signed out")
