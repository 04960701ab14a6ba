"""How the cost grows: with the rows there are, and with the clients who come at once."""

from __future__ import annotations

from functools import partial

from ..bench import Bench, micro, title
from ..databases import free_bytes
from ..report import Section, Table
from ..rounds import Figure, number, ratios, rounds, say, take_turns
from ..servers import FIRST, requests, started
from ..web.load import Load
from ..web.serving import Server

#: What a row takes with its indexes and its log while they are filled, generously.
BYTES_PER_ROW = 2_000
SERVERS = {FIRST: ["open", "ironclad"], "uvicorn": ["open-plain", "ironclad-plain"]}


def growth(bench: Bench) -> Section:
    figures: dict[str, float] = {}
    by_rows = _by_rows(bench, figures)
    by_clients = _by_clients(bench, figures)
    return Section(
        title="How the cost grows",
        text="With the sessions there are: a refresh on PostgreSQL, by the function below the view, in processor "
        "time of the application and of PostgreSQL's process; all rows are in memory. With the clients who come "
        "at once: one worker process, PostgreSQL, by the wall's clock; the clients run on the same machine. "
        "With the sessions that ended lately: [the set](#the-set-of-ended-sessions).",
        tables=[
            Table(("session rows", "refresh, µs", "beside the fewest", "PostgreSQL, µs", "WAL, bytes"), by_rows),
            Table(("server", "", "clients", "requests/s", "of unprotected", "median, ms", "p99, ms"), by_clients),
        ],
        figures=figures,
    )


def _by_rows(bench: Bench, figures: dict[str, float]) -> list[tuple[str, ...]]:
    counts = [1_000, 100_000] + ([10_000_000] if bench.full else [])
    if free_bytes(bench.postgresql) < BYTES_PER_ROW * sum(counts):
        say(f"the disk has no {BYTES_PER_ROW * sum(counts) / 1e9:.0f} GB left: fewer rows")
        counts = counts[:2]
    with bench.workers(*(f"ironclad@{count}" for count in counts), database="postgresql", people=50) as several:
        for process, count in zip(several, counts, strict=True):
            say(f"{count:,} rows are inserted")
            process.do("fill", model="ironclad.Session", rows=count, expires_at="now() + interval '90 days'")
        found = rounds(several, bench.turns, "rotate", count=100)
        written = rounds(several, 1, "written", count=100)
    beside = ratios(found, f"ironclad@{counts[0]}")
    rows = []
    for count in counts:
        name = f"ironclad@{count}"
        figures[f"refresh, {count} rows"] = Figure.of(found[name]).value * 1e6
        figures[f"refresh, {count} rows, PostgreSQL"] = written[name][0]["seconds"] * 1e6
        database = number(written[name][0]["seconds"] * 1e6), number(written[name][0]["wal"])
        rows.append((f"{count:,}", micro(found[name]), str(beside[name]), *database))
    return rows


def _by_clients(bench: Bench, figures: dict[str, float]) -> list[tuple[str, ...]]:
    several_clients = (1, 2, 4, 8, 16, 32, 64) if bench.full else (1, 64)
    count = 2_000 if bench.full else 150
    measured = SERVERS if bench.full else {FIRST: SERVERS[FIRST]}
    names = [name for group in measured.values() for name in group]
    rows = []
    with bench.workers(*names, database="postgresql", people=100) as processes:
        prepared = {process.name: process for process in processes}
        for server, group in measured.items():
            with started(server, group, prepared) as running:

                def act(name: str, clients: int, running: dict[str, Server] = running) -> Load:
                    return running[name].answer(requests(prepared[name]), count=count, clients=clients)[0]

                for name in group:
                    act(name, 64)  # The first requests import, connect and compile.
                for clients in several_clients:
                    found = take_turns(group, 6, partial(act, clients=clients))
                    rows += _at_once(server, clients, found, figures)
    return rows


def _at_once(
    server: str, clients: int, found: dict[str, list[Load]], figures: dict[str, float]
) -> list[tuple[str, ...]]:
    rates = {name: [load.rate for load in loads] for name, loads in found.items()}
    rows = []
    for name, of_open in ratios(rates, next(iter(rates))).items():
        rate = Figure.of(rates[name]).value
        half, nearly = (Figure.of([load.quantile(share) * 1e3 for load in found[name]]).value for share in (0.5, 0.99))
        rows.append((server, title(name), str(clients), number(rate), str(of_open), number(half), number(nearly)))
        figures[f"{server}, {title(name)}, {clients} clients"] = rate
        figures[f"{server}, {title(name)}, {clients} clients, p99"] = nearly
    return rows
