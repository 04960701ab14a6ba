"""What the set of ended sessions costs, the more of them there are."""

from __future__ import annotations

from ..bench import Bench, micro
from ..report import Section, Table, Target
from ..rounds import Figure, number, say

COUNTS = (1, 1_000, 1_000_000)


def revocation(bench: Bench) -> Section:
    rows, figures = [], {}
    there, found = 0, {}
    with bench.workers("ironclad", database="postgresql", people=50) as [process]:
        for count in COUNTS:
            say(f"{count:,} sessions have ended")
            found = process.do("ended", count=count - there)
            there = count
            process.do("read_ended")
            took = [process.do("authenticate", count=1_000) for _ in range(bench.turns)]
            first = [process.do("authenticate", count=200, fresh=True) for _ in range(bench.turns)]
            rows.append(
                (
                    f"{count:,}",
                    *(number(found[kind]) for kind in ("megabytes", "nanoseconds", "read")),
                    micro(took),
                    micro(first),
                )
            )
            figures |= {f"{kind}, {count}": found[kind] for kind in found}
            figures[f"authenticate, {count}"] = Figure.of(took).value * 1e6
    return Section(
        title="The set of ended sessions",
        text="Each process keeps the sessions in memory that ended within the life of an access token, and reads them "
        "anew at most once a second; a whole read is what it does at its start and twice a minute, all others read the "
        "last minute. Peers ask the database for each request, or do not know of an ended session at all.",
        tables=[
            Table(
                ("ended", "MB", "a look-up, ns", "a whole read, s", "authenticate, seen again, µs", "first sight, µs"),
                rows,
            )
        ],
        targets=[
            Target("a look-up among 1,000,000", Figure.of([found["nanoseconds"]]), 250, unit="ns"),
            Target("their memory", Figure.of([found["megabytes"]]), 80, unit="MB"),
        ],
        figures=figures,
    )
