"""A worker's tasks: people log in, and refresh: alone, many at once, and twenty with one and the same token."""

from __future__ import annotations

import base64
import contextlib
import json
import logging
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from typing import Any

from ..processor import processor_time
from .base import PASSWORD, timed
from .calls import ENVIRON, Calls

#: The least that the settings allow: a token of ours rotates again after six times this.
BRISK = timedelta(seconds=1)
TURNS = 4


class Refreshes(Calls):
    def login(self, count: int) -> float:
        """A login beyond its password: what the package does once it knows who this is."""
        return timed(self.candidate.login, [self.users[number % len(self.users)] for number in range(count)])

    def enter(self, count: int) -> float:
        """The whole login through WSGI, with a password whose hash costs next to nothing."""
        return timed(self._enter, [self.users[number % len(self.users)].username for number in range(count)])

    def _enter(self, username: str) -> None:
        body = json.dumps({"username": username, "password": PASSWORD}).encode()
        basic = base64.b64encode(f"{username}:{PASSWORD}".encode()).decode()
        environ = {
            **ENVIRON,
            "REQUEST_METHOD": "POST",
            "PATH_INFO": "/login/",
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_AUTHORIZATION": f"Basic {basic}" if self.candidate.title == "knox" else "",
            "wsgi.input": BytesIO(body),
        }
        statuses: list[str] = []
        response = self.wsgi(environ, lambda status, headers: statuses.append(status))
        b"".join(response)
        response.close()
        assert statuses[0].startswith("20"), statuses

    def rotate(self, count: int) -> float:
        """A refresh of so many sessions, each its first."""
        return timed(self._rotate, self.login_tokens(count))

    def _rotate(self, token: str) -> str:
        assert self.candidate.rotate is not None
        return self.candidate.rotate(token)

    def statements(self, what: str) -> int:
        """SQL statements of one act, the second of its kind. A transaction's own are among them."""
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        act: Callable[[], object]
        if what == "rotate":
            self._rotate(self.login_tokens(1)[0])
            [token] = self.login_tokens(1)
            act = lambda: self._rotate(token)  # noqa: E731
        else:
            self._enter(self.users[0].username)
            act = lambda: self._enter(self.users[0].username)  # noqa: E731
        with CaptureQueriesContext(connection) as context:
            act()
        return sum(1 for query in context.captured_queries if not query["sql"].startswith("PRAGMA"))

    def written(self, count: int) -> dict[str, float]:
        """What one refresh makes PostgreSQL do, of sessions that were refreshed before: bytes of WAL, rows, and
        seconds of its processor. `first_wal` is that of the first refreshes after a checkpoint, which write down
        whole pages."""
        with self._brisk() as pause:
            tokens = self.login_tokens(count)
            for _ in range(TURNS - 1):
                tokens = self._turn(tokens, pause)
            before = self._database()
            tokens = self._turn(tokens, pause)
            after = self._database()
            self._sql("CHECKPOINT")
            checkpoint = self._database()
            self._turn(tokens, pause)
            last = self._database()
        found = {name: (after[name] - before[name]) / count for name in after}
        return found | {"first_wal": (last["wal"] - checkpoint["wal"]) / count}

    @contextlib.contextmanager
    def _brisk(self) -> Any:
        """A token of ours that is sent again too soon is answered by itself: soon is six seconds here."""
        from django.test import override_settings

        from django_ironclad.tokens.reuse import PAUSE

        if "django_ironclad" not in self.candidate.apps:
            yield 0.0
            return
        with override_settings(IRONCLAD={"REUSE_GRACE": BRISK}):
            yield PAUSE * BRISK.total_seconds()

    def _turn(self, tokens: list[str], pause: float) -> list[str]:
        time.sleep(pause)
        return [self._rotate(token) for token in tokens]

    def _database(self) -> dict[str, float]:
        self._sql("SELECT pg_stat_force_next_flush()")
        self._sql("SELECT pg_stat_clear_snapshot()")
        [wal, pid] = self._sql("SELECT pg_current_wal_insert_lsn() - '0/0', pg_backend_pid()")
        rows = self._sql("SELECT sum(n_tup_ins), sum(n_tup_upd), sum(n_tup_del) FROM pg_stat_user_tables")
        counted = dict(zip(("inserted", "updated", "deleted"), map(float, rows), strict=True))
        return {"wal": float(wal), "seconds": processor_time(int(pid)), **counted}

    def _sql(self, sql: str) -> Any:
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchone() if cursor.description else None

    def together(self, clients: int, each: int) -> float:
        """Refreshes a second, by the wall's clock, of so many threads that refresh as many sessions each, on
        connections that have been used before."""
        first, tokens = self.login_tokens(clients), self.login_tokens(clients * each)
        ready, go, done = (threading.Barrier(clients + 1) for _ in range(3))

        def client(number: int) -> None:
            from django.db import connection

            self._rotate(first[number])
            ready.wait()
            go.wait()
            for token in tokens[number::clients]:
                self._rotate(token)
            done.wait()
            connection.close()

        threads = [threading.Thread(target=client, args=(number,), daemon=True) for number in range(clients)]
        for thread in threads:
            thread.start()
        ready.wait()
        began = time.perf_counter()
        go.wait()
        done.wait(120)
        took = time.perf_counter() - began
        for thread in threads:
            thread.join()
        return len(tokens) / took

    def race(self, racers: int) -> dict[str, float]:
        """So many threads send the same refresh token at once: how many were answered, with how many different
        successors, and how many of these are good afterwards."""
        logging.disable(logging.ERROR)  # Some say of each racer what they think of him.
        [token] = self.login_tokens(1)
        start = threading.Barrier(racers)
        answers: list[str] = []

        def racer() -> None:
            from django.db import connection

            connection.ensure_connection()
            start.wait()
            with contextlib.suppress(Exception):  # However a package refuses.
                answers.append(self._rotate(token))
            connection.close()

        threads = [threading.Thread(target=racer) for _ in range(racers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        successors = set(answers) - {""}
        return {
            "answers": len(answers),
            "successors": len(successors),
            "good": sum(self._is_good(each) for each in successors),
        }

    def _is_good(self, token: str) -> bool:
        try:
            return bool(self._rotate(token))
        except Exception:  # noqa: BLE001  # However a package refuses.
            return False
