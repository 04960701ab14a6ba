"""What a worker process of a web server holds, and what verified tokens take of it."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import psutil

from .bench import Bench, title
from .report import Section, Table, Target
from .rounds import Figure, beside, number, say, take_turns
from .servers import requests, started

NAMES = ["open", "ironclad", "simplejwt-stateless", "simplejwt", "tokenforge", "knox"]
SERVER = "gunicorn"
THREADS = 64
#: How many verify at once, and whether one memory of tokens serves them all.
TOGETHER: dict[str, dict[str, Any]] = {
    "alone": {"threads": 1},
    "crowd": {"threads": THREADS},
    "apart": {"threads": THREADS, "shared": False},
}


def memory(bench: Bench) -> Section:
    count = 10_000 if bench.full else 1_000
    many = 1_000_000 if bench.full else 10_000
    held = {}
    with ExitStack() as stack:
        several = stack.enter_context(bench.workers(*NAMES, database="postgresql", people=200))
        prepared = {process.name: process for process in several}
        with started(SERVER, NAMES, prepared) as running:
            for name in NAMES:
                server, sent = running[name], requests(prepared[name])
                server.answer(sent[:1], count=10, clients=1)
                worker = psutil.Process(server.processes()[-1])
                first = worker.memory_full_info().uss
                say(f"{name}: {count:,} requests")
                server.answer(sent, count=count, clients=8)
                held[name] = first / 1e6, worker.memory_full_info().uss / 1e6
        ours = prepared["ironclad"]
        say(f"{many:,} different tokens are verified")
        remembered = ours.do("remember", few=2_000, many=many)
        took = take_turns(TOGETHER, bench.turns, lambda how: ours.do("verify_together", **TOGETHER[how], count=100_000))
    rows = [
        (title(name), number(first), number(last), number(last - held["open"][1]))
        for name, (first, last) in held.items()
    ]
    return Section(
        title="Memory of a worker process",
        text=f"{SERVER}, megabytes that belong to the worker alone (USS: what one more worker takes), after ten "
        f"requests and after {count:,} of 200 people. Ours remembers tokens that it has verified: "
        f"{number(remembered['each'])} bytes for each, {number(remembered['all'])} MB once it had seen {many:,} "
        f"different ones. From {THREADS} threads at once, one that is known takes "
        f"{beside(took['crowd'], took['alone'])} times the processor time that it takes from one, and "
        f"{beside(took['crowd'], took['apart'])} times what it takes where each thread remembers for itself.",
        tables=[Table(("", "MB at the start", "later", "beyond unprotected"), rows)],
        targets=[
            Target("a verified token", Figure.of([remembered["each"]]), 1024, unit="B"),
            Target("all that are remembered", Figure.of([remembered["all"]]), 10, unit="MB"),
        ],
        figures={f"{title(name)}, beyond unprotected": last - held["open"][1] for name, (_, last) in held.items()}
        | {title(name): last for name, (_, last) in held.items()}
        | {f"a token, {kind}": value for kind, value in remembered.items()},
    )
