"""What is left in the tables after many refreshes of many sessions, by rows.py."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from ..bench import Bench
from ..databases import create
from ..report import Section, Table, Target
from ..rounds import ROOT, Figure, number, say

MEBIBYTE = 2**20


def state(bench: Bench) -> Section:
    sessions, times = (2_000, 20) if bench.full else (200, 3)
    return section({which: measure(bench, which, sessions, times) for which in ("ironclad", "simplejwt")})


def state_million(bench: Bench) -> Section:
    """1,000,000 refreshes of 20,000 sessions: hours of them, nearly all of simplejwt's."""
    return section({which: measure(bench, which, 20_000, 50) for which in ("ironclad", "simplejwt")})


def measure(bench: Bench, which: str, sessions: int, times: int) -> dict[str, Any]:
    """The last line of rows.py."""
    environment = {**os.environ, "DATABASE_URL": create(bench.postgresql, f"state-{which}")}
    program = str(ROOT / "benchmarks/tables/rows.py")
    command = [sys.executable, "-W", "ignore", program, which, str(sessions), str(times)]
    last = ""
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            last = line
            say(f"{which}: {json.loads(line)['refreshes']:,} of {sessions * times:,} refreshes")
    if process.returncode:
        raise SystemExit(f"rows.py {which} ended with {process.returncode}: see what it said above.")
    return {"sessions": sessions, **json.loads(last)}


def section(found: dict[str, dict[str, Any]]) -> Section:
    """Of the last lines of rows.py for ironclad and simplejwt, each with how many `sessions` there were."""
    rows, figures = [], {}
    for which, last in found.items():
        held = last["table_bytes"] + last["index_bytes"]
        figures |= {f"{which}, bytes": held, f"{which}, rows": last["rows"]}
        figures[f"{which}, bytes of a session"] = held / last["sessions"]
        figures[f"{which}, bytes of its rows"] = last["table_bytes"] / last["sessions"]
        counted = (f"{last[what]:,}" for what in ("sessions", "refreshes", "rows"))
        weighed = f"{held / MEBIBYTE:,.1f}", number(held / last["sessions"])
        rows.append((which, *counted, *weighed))
    ours = found["ironclad"]
    # A page has 8 KiB, and a few sessions fill none of a dozen of them.
    judged = ours["sessions"] >= 10_000
    figures["refreshes"] = ours["refreshes"]
    return Section(
        title="What is left after many refreshes",
        text="Each session is refreshed as often as the others, on PostgreSQL, autovacuum as it comes; simplejwt with "
        "rotation and its blacklist, and nobody flushes. Tables with their indexes."
        + (
            ""
            if judged
            else " So few sessions do not fill their pages: `./scripts/bench state-million` is what counts."
        ),
        tables=[
            Table(("", "sessions", "refreshes", "rows", "MiB", "bytes of each session"), rows),
        ],
        targets=[
            Target("rows of a session", Figure.of([ours["rows"] / ours["sessions"]]), 1),
            *(
                [
                    Target(
                        "a session with its indexes", Figure.of([figures["ironclad, bytes of a session"]]), 500, "B"
                    ),
                    Target(
                        f"{ours['sessions']:,} sessions after {ours['refreshes']:,} refreshes",
                        Figure.of([figures["ironclad, bytes"] / MEBIBYTE]),
                        25,
                        "MiB",
                    ),
                ]
                if judged
                else []
            ),
        ],
        figures=figures,
    )
