"""What the set costs when very many sessions ended at once, and how PostgreSQL finds them among all others."""

from __future__ import annotations

import gc
import json
import resource
import sys
import time
import tracemalloc
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_ironclad.database.waiting import committed_rows
from django_ironclad.models import Session
from django_ironclad.sessions import recent
from django_ironclad.sessions.recent import RECENT
from django_ironclad.sessions.revoked import RevokedSessions

from .conftest import STRESS

pytestmark = pytest.mark.django_db(transaction=True)

ROWS = 10_000_000 if STRESS else 20_000
ENDED = 1_000_000 if STRESS else 20_000
#: 1,000,000 in at most 80 MB, looked up in at most 250 ns; a smaller set may be a little roomier.
BYTES_PER_ENTRY = 80 if STRESS else 160

_INSERT = """
    INSERT INTO ironclad_session ({columns})
    SELECT {values} FROM generate_series(1, %s) AS number
"""


def insert(rows: int, revoked_at: str) -> None:
    """So many sessions of nobody's; `revoked_at` is SQL."""
    given: dict[str, Any] = {
        "id": "gen_random_uuid()",
        "seed": "decode(md5(number::text) || md5((-number)::text), 'hex')",
        "auth_hash": "repeat(md5(number::text), 2)",
        "client_id": "'first-party'",
        "user_id": "NULL",
        "expires_at": "now() + interval '90 days'",
        "revoked_at": revoked_at,
    }
    defaults = {"DateTimeField": "now()", "CharField": "''", "TextField": "''", "BooleanField": "false"}
    defaults |= dict.fromkeys(("GenericIPAddressField", "JSONField"), "NULL")
    values = {
        field.column: given.get(field.column, defaults.get(field.get_internal_type(), "0"))
        for field in Session._meta.concrete_fields
    }
    sql = _INSERT.format(columns=", ".join(values), values=", ".join(values.values()))
    with connection.cursor() as cursor:
        cursor.execute(sql, [rows])


def read_sql(period: Any) -> str:
    """The statement that the set itself sends."""
    with CaptureQueriesContext(connection) as queries:
        list(recent.ended_within(period))
    [query] = queries.captured_queries
    return str(query["sql"])


def explain(sql: str) -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}")
        [answer] = cursor.fetchone()
    plan: dict[str, Any] = (json.loads(answer) if isinstance(answer, str) else answer)[0]
    return plan


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for child in plan.get("Plans", []) for node in nodes(child))]


def test_the_read_is_an_index_scan_among_however_many_sessions(measured: Callable[[object], None]) -> None:
    """Most live, many ended long ago, a thousandth within the last minute."""
    before = time.monotonic()
    insert(ROWS * 8 // 10, "NULL")
    insert(ROWS * 2 // 10, "now() - interval '1 day' - number * interval '1 ms'")
    insert(ROWS // 1000, "now()")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE ironclad_session")
    inserted = time.monotonic() - before

    for period in (RECENT, recent.window()):
        answer = explain(read_sql(period))
        scans = [node for node in nodes(answer["Plan"]) if "Scan" in node["Node Type"]]
        assert all("Index" in node["Node Type"] or node["Node Type"] == "Bitmap Heap Scan" for node in scans), answer
        assert {node["Index Name"] for node in scans if "Index Name" in node} == {"ironclad_session_revoked"}
        started = time.perf_counter()
        found = len(recent.keys_of(committed_rows(recent.ended_within(period))))
        took = time.perf_counter() - started
        assert found == ROWS // 1000
        measured(
            f"{ROWS:,} rows (inserted in {inserted:.0f} s), last {period.total_seconds():.0f} s: "
            f"{' over '.join(node['Node Type'] for node in nodes(answer['Plan']))}, "
            f"{answer['Execution Time']:.2f} ms in PostgreSQL, {took * 1000:.1f} ms in all for {found:,} sessions"
        )


def test_memory_and_look_ups_with_very_many_ended_sessions(measured: Callable[[object], None]) -> None:
    insert(ENDED, "now()")
    missing = [str(uuid.uuid4()) for _ in range(100_000)]
    revoked_sessions = RevokedSessions()
    peak_before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    revoked_sessions.freshen()
    full = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak_before

    assert len(revoked_sessions._read.keys) == ENDED
    # A list of all ids, and no second set: what is looked up below exists already.
    with connection.cursor() as cursor:
        cursor.execute("SELECT id::text FROM ironclad_session LIMIT 100000")
        present = [sid for (sid,) in cursor.fetchall()]
    assert all(sid in revoked_sessions for sid in present)
    assert not any(sid in revoked_sessions for sid in missing)
    nanoseconds = {name: look_up_time(revoked_sessions, sids) for name, sids in (("ended", present), ("live", missing))}

    keys = revoked_sessions._read.keys
    exactly = (sys.getsizeof(keys) + sum(map(sys.getsizeof, keys))) / ENDED
    assert exactly <= BYTES_PER_ENTRY
    traced, again = traced_size()
    assert traced / ENDED <= BYTES_PER_ENTRY
    measured(
        f"{ENDED:,} ended sessions: {traced / 1e6:.1f} MB by tracemalloc ({exactly:.0f} bytes each), "
        f"peak of the process +{peak / 1024:.0f} MiB while reading; full read {full:.2f} s (traced: {again:.2f} s); "
        f"`in`: {nanoseconds['ended']:.0f} ns for an ended, {nanoseconds['live']:.0f} ns for a living session"
    )


def look_up_time(revoked_sessions: RevokedSessions, sids: list[str]) -> float:
    """Processor time of one in ns, the least of several rounds, loop included. The texts have no hash yet."""
    best = float("inf")
    for _ in range(5):
        fresh = [sid[:18] + sid[18:] for sid in sids]
        started = time.thread_time_ns()
        for sid in fresh:
            sid in revoked_sessions  # noqa: B015
        best = min(best, (time.thread_time_ns() - started) / len(fresh))
    return best


def traced_size() -> tuple[int, float]:
    gc.collect()
    tracemalloc.start()
    try:
        started = time.perf_counter()
        revoked_sessions = RevokedSessions()
        revoked_sessions.freshen()
        took = time.perf_counter() - started
        gc.collect()
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return size, took
