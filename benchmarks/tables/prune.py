"""The rows of what was over long ago are deleted."""

from __future__ import annotations

from ..bench import Bench, title
from ..report import Section, Table, Target
from ..rounds import Figure, number, rounds

COMMANDS = {"ironclad": "ironclad_prune", "simplejwt": "flushexpiredtokens", "session": "clearsessions"}


def prune(bench: Bench) -> Section:
    count = 1_000_000 if bench.full else 20_000
    rows, found = [], {}
    for name, command in COMMANDS.items():
        # One after the other: each has the disk for itself, and a process that has not grown yet.
        with bench.workers(name, database="postgresql", people=0) as [process]:
            every = rounds([process], 2 if bench.full else 5, "prune", command=command, rows=count)[name]
        took = Figure.of([each["seconds"] for each in every])
        # Later rounds find the process grown.
        found[name] = took, every[0]["megabytes"]
        processor = Figure.of([each["processor"] for each in every])
        rows.append((title(name), f"`{command}`", str(took), str(processor), number(found[name][1])))
    took, megabytes = found["ironclad"]
    per_million = Figure(*(value * 1_000_000 / count for value in (took.value, took.low, took.high)))
    return Section(
        title="Pruning",
        text=f"{count:,} rows that are over, of simplejwt's tokens the same number in either of its tables, "
        "PostgreSQL. Seconds by the wall's clock, and of the command's own processor; megabytes beyond the idle "
        "process. Ours goes in batches of 5,000 and rests after each for as long as that took, so that others "
        "are served meanwhile; `clearsessions` is one DELETE. knox deletes expired tokens when their user comes "
        "again, tokenforge and allauth have no command of their own.",
        tables=[Table(("", "command", "seconds", "processor seconds", "MB"), rows)],
        targets=[
            Target("1,000,000 sessions" + ("" if bench.full else ", from this"), per_million, 10, unit="s"),
            Target("memory", Figure.of([megabytes]), 60, unit="MB"),
        ],
        figures={f"{title(name)}, seconds": took.value for name, (took, _) in found.items()},
    )
