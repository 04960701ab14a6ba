"""A worker's tasks: tables are filled by SQL and pruned; what is kept in memory is filled and weighed."""

from __future__ import annotations

import gc
import resource
import sys
import threading
import time
import tracemalloc
import uuid
from dataclasses import replace
from typing import Any

from .refreshes import Refreshes

#: In SQL, the columns that say that a row is over, by the command that deletes what is.
OVER: dict[str, list[tuple[str, dict[str, str]]]] = {
    "ironclad_prune": [
        ("ironclad.Session", {"revoked_at": "now() - interval '40 days' - number * interval '1 second'"})
    ],
    "flushexpiredtokens": [
        ("token_blacklist.OutstandingToken", {"expires_at": "now() - interval '1 day'"}),
        ("token_blacklist.BlacklistedToken", {"token_id": "number"}),
    ],
    "clearsessions": [("sessions.Session", {"expire_date": "now() - interval '1 day'"})],
}
DEFAULTS = {
    "AutoField": "number",
    "BigAutoField": "number",
    "BinaryField": "decode(md5(number::text) || md5((-number)::text), 'hex')",
    "DateTimeField": "now()",
    "ForeignKey": "NULL",
    "GenericIPAddressField": "NULL",
    "UUIDField": "gen_random_uuid()",
}
#: Texts of the length that they have in life; all others are empty.
TEXTS = {
    "auth_hash": "repeat(md5(number::text), 2)",
    "client_id": "'first-party'",
    "jti": "md5(number::text)",
    "session_data": "repeat(md5(number::text), 4)",
    "session_key": "md5(number::text)",
    "token": "repeat(md5(number::text), 8)",
    "user_agent": "'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0'",
}


class Tables(Refreshes):
    def fill(self, model: str, rows: int, **given: str) -> float:
        """Seconds that it took to insert so many rows of nobody's; `given` is SQL."""
        from django.apps import apps
        from django.db import connection

        table = apps.get_model(model)
        values = {}
        for field in table._meta.concrete_fields:
            kind = field.get_internal_type()
            default = "NULL" if field.null else TEXTS.get(field.name, DEFAULTS.get(kind, ""))
            values[field.column] = given.get(
                field.column, default or ("''" if "Char" in kind or "Text" in kind else "0")
            )
        began = time.perf_counter()
        with connection.cursor() as cursor:
            cursor.execute("SET synchronous_commit = off")
            cursor.execute(
                f"INSERT INTO {table._meta.db_table} ({', '.join(values)}) "
                f"SELECT {', '.join(values.values())} FROM generate_series(1, %s) AS number",
                [rows],
            )
            cursor.execute("SET synchronous_commit = on")
            cursor.execute(f"VACUUM ANALYZE {table._meta.db_table}")
        return time.perf_counter() - began

    def prune(self, command: str, rows: int) -> dict[str, float]:
        """What it costs to delete so many rows: seconds on the wall's clock and of this processor, and the megabytes
        that this process held beyond what it held before."""
        from django.apps import apps
        from django.core.management import call_command

        for model, given in OVER[command]:
            self.fill(model, rows, **given)
        apps.get_model(OVER[command][0][0])._default_manager.exists()
        before, began, began_here = _peak(), time.perf_counter(), time.process_time()
        with open("/dev/null", "w") as nowhere:
            call_command(command, **({"stdout": nowhere} if command == "ironclad_prune" else {}))
        took = {"seconds": time.perf_counter() - began, "processor": time.process_time() - began_here}
        left = sum(apps.get_model(model)._default_manager.count() for model, _ in OVER[command])
        assert not left, f"{left} rows are left"
        return took | {"megabytes": _peak() - before}

    def ended(self, count: int) -> dict[str, float]:
        """So many more sessions ended a minute ago, and this process reads them all: seconds of that, and
        nanoseconds of a look-up of one that lives."""
        from django_ironclad.sessions.revoked import RevokedSessions

        self.fill("ironclad.Session", count, revoked_at="now() - interval '70 seconds'")
        revoked_sessions = RevokedSessions()
        began = time.perf_counter()
        revoked_sessions.freshen()
        read = time.perf_counter() - began
        # Texts that have no hash yet, as a token's has not.
        several = [str(uuid.uuid4()) for _ in range(100_000)]
        best = min(_look_up([sid[:18] + sid[18:] for sid in several], revoked_sessions) for _ in range(3))
        return {"read": read, "nanoseconds": best, "megabytes": self._traced_set()}

    def _traced_set(self) -> float:
        from django_ironclad.sessions.revoked import RevokedSessions

        gc.collect()
        tracemalloc.start()
        revoked_sessions = RevokedSessions()
        revoked_sessions.freshen()
        gc.collect()
        held, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return held / 1e6

    def read_ended(self) -> bool:
        """So that `authenticate` looks sessions up among all that have ended."""
        from django_ironclad.sessions.revoked import revoked_sessions

        revoked_sessions._forget()
        revoked_sessions.freshen()
        return True

    def remember(self, few: int, many: int) -> dict[str, float]:
        """Bytes that verified tokens take: each of a few, and all once there were many."""
        from django_ironclad import auth
        from django_ironclad.models import Session
        from django_ironclad.sessions import issuing

        session = Session.objects.select_related("user").filter(user=self.users[0])[0]

        def verify(count: int) -> None:
            for _ in range(count):
                auth.verify(issuing.issue(session, session.user, ["registrar"]).access_token)

        verify(10)
        gc.collect()
        tracemalloc.start()
        verify(few)
        gc.collect()
        of_few = tracemalloc.get_traced_memory()[0]
        verify(many - few)
        gc.collect()
        of_many = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        return {"each": of_few / few, "all": of_many / 1e6}

    def verify_together(self, threads: int, count: int, *, shared: bool = True) -> float:
        """Processor seconds of verifying a token that is known, by so many threads at once, as many times in all;
        unless it is `shared`, each thread has a memory of tokens to itself."""
        from django_ironclad.keyring.configured import get_verifier

        token = self.everybody()[0][0]["HTTP_AUTHORIZATION"].removeprefix("Bearer ")

        def verify(verifier: Any) -> None:
            for _ in range(count // threads):
                verifier.verify(token, now=time.time())

        known = get_verifier()
        each = (known if shared else replace(known, _recent={}, _older={}) for _ in range(threads))
        several = [threading.Thread(target=verify, args=(verifier,)) for verifier in each]
        began = time.process_time()
        for thread in several:
            thread.start()
        for thread in several:
            thread.join()
        return (time.process_time() - began) / (count // threads * threads)


def _look_up(sids: list[str], revoked_sessions: Any) -> float:
    began = time.thread_time_ns()
    for sid in sids:
        sid in revoked_sessions  # noqa: B015
    return (time.thread_time_ns() - began) / len(sids)


def _peak() -> float:
    """Megabytes that this process has held at most."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)
