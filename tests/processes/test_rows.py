"""A session is one row, however often it is refreshed; beside it, what the same work leaves behind with simplejwt."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from .conftest import STRESS
from .servers import ROOT, PostgreSQL

SESSIONS, TIMES = (10_000, 100) if STRESS else (50, 5)
#: At most, with its indexes. Of a few sessions the pages are not full.
BYTES_PER_SESSION = 500 if STRESS else 5_000
#: `scripts/stress rows` makes it.
PEERS = ROOT / "benchmarks/.venv/bin/python"


@dataclass(frozen=True)
class Measured:
    """The tables that the refreshes filled, after so many of them and so many seconds."""

    refreshes: int
    seconds: int
    rows: int
    table_bytes: int
    index_bytes: int

    @property
    def bytes(self) -> int:
        return self.table_bytes + self.index_bytes

    def __str__(self) -> str:
        return (
            f"{self.refreshes:,} refreshes of {SESSIONS:,} sessions: {self.rows:,} rows, {self.table_bytes:,} bytes of "
            f"tables, {self.index_bytes:,} of indexes, {self.bytes / SESSIONS:,.0f} bytes a session ({self.seconds} s)"
        )


@pytest.fixture
def fill(database: PostgreSQL, capsys: pytest.CaptureFixture[str]) -> Callable[[str, Path], list[Measured]]:
    """Log in and refresh by this package and this Python; what there was on the way."""

    def fill(which: str, python: Path) -> list[Measured]:
        database.execute(f"CREATE DATABASE {which}")
        url = database.url.removesuffix("postgres") + which
        rows = ROOT / "benchmarks/tables/rows.py"
        command = ["env", f"DATABASE_URL={url}", python, rows, which, str(SESSIONS), str(TIMES)]
        every = []
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            for line in process.stdout:
                every.append(Measured(**json.loads(line)))
                if STRESS:  # It takes hours.
                    with capsys.disabled():
                        sys.stdout.write(f"{which}: {every[-1]}\n")
                        sys.stdout.flush()
        assert process.returncode == 0
        return every

    return fill


def test_however_often_a_session_is_refreshed_it_is_one_row(
    database: PostgreSQL, fill: Callable[[str, Path], list[Measured]], measured: Callable[[object], None]
) -> None:
    ours = fill("ironclad", Path(sys.executable))
    measured(f"ironclad: {ours[-1]}")
    assert ours[-1].refreshes == SESSIONS * TIMES
    assert {each.rows for each in ours} == {SESSIONS}
    assert ours[-1].bytes <= BYTES_PER_SESSION * SESSIONS
    with database.connect(dbname="ironclad") as connection:
        rows = connection.execute("SELECT generation, count(*) FROM ironclad_session GROUP BY generation").fetchall()
    assert rows == [(TIMES, SESSIONS)]

    if STRESS:
        theirs = fill("simplejwt", PEERS)
        first, *_, last = theirs
        measured(f"simplejwt, with rotation and blacklist: {last}")
        # A row for each token that was given out, and one for each that was used.
        assert last.rows == SESSIONS + 2 * last.refreshes
        measured(
            f"simplejwt's grow by {(last.bytes - first.bytes) / last.refreshes:.0f} bytes a refresh, ours by "
            f"{(ours[-1].bytes - ours[0].bytes) / ours[-1].refreshes:.2f}; there are {last.rows / ours[-1].rows:.0f} "
            f"times as many rows and {last.bytes / ours[-1].bytes:.0f} times as many bytes"
        )
