"""A rotating refresh, on both databases: its latency, what it makes the database do, and many at once."""

from __future__ import annotations

from .bench import Bench, bars, micro, title
from .report import Section, Table, Target
from .rounds import Figure, number, ratios, rounds

NAMES = ["ironclad", "simplejwt", "tokenforge", "allauth"]
CLIENTS = (8, 32)


def refresh(bench: Bench) -> Section:
    alone: list[tuple[str, ...]] = []
    targets: list[Target] = []
    plotted: dict[str, float] = {}
    figures: dict[str, float] = {}
    for database in ("sqlite", "postgresql"):
        with bench.workers(*NAMES, database=database, people=50) as several:
            found = rounds(several, bench.turns, "rotate", count=50 if bench.full else 20)
            statements = {process.name: process.do("statements", what="rotate") for process in several}
            if database == "postgresql":
                # Whatever else PostgreSQL writes meanwhile, such as what autovacuum does, comes with one of them.
                times = 5 if bench.full else 3
                written = rounds(several, times, "written", count=500 if bench.full else 50)
                # All the clients' of a round are fewer than SESSIONS_PER_USER of each of the fifty.
                each = 40 if bench.full else 2
                many = {clients: rounds(several, 5, "together", clients=clients, each=each) for clients in CLIENTS}
        beside = ratios(found, "simplejwt")
        alone += [
            (title(name), database, str(statements[name]), micro(found[name]), str(beside[name])) for name in NAMES
        ]
        plotted |= bars(found, f", {database}")
        targets.append(Target(f"a refresh beside simplejwt's, {database}", beside["ironclad"], 1 / 6))
        targets.append(Target(f"statements of a refresh, {database}", Figure.of([statements["ironclad"]]), 2))

    middle = {
        name: {kind: Figure.of([each[kind] for each in every]) for kind in every[0]} for name, every in written.items()
    }
    work = [
        (
            title(name),
            *(str(found[kind]) for kind in ("wal", "first_wal")),
            *(number(found[kind].value) for kind in ("inserted", "updated", "deleted")),
            number(found["seconds"].value * 1e6),
        )
        for name, found in middle.items()
    ]
    at_once, faster = [], {}
    for clients, rates in many.items():
        faster[clients] = ratios(rates, "simplejwt")
        for name, values in rates.items():
            figures[f"{title(name)}, {clients} clients"] = Figure.of(values).value
            at_once.append((title(name), str(clients), str(Figure.of(values)), str(faster[clients][name])))
    ours = middle["ironclad"]
    targets += [
        Target("WAL of a refresh", ours["wal"], 300, unit="B"),
        Target("rows that a refresh adds", ours["inserted"], 0),
        Target("rate at 32 clients, of simplejwt's", faster[32]["ironclad"], 6, at_least=True),
    ]
    for name, found in middle.items():
        figures |= {f"{title(name)}, {kind}": figure.value for kind, figure in found.items()}
    return Section(
        title="Refresh",
        text="A refresh that rotates, by the function below the package's view. The first table is processor time of "
        "the application; what PostgreSQL's own process takes is in the second, with what it writes: bytes of "
        "its log (WAL) for sessions that were refreshed before, and for the first after a checkpoint, when "
        "whole pages are logged (`full_page_writes`). Third: as many threads of one process as there are "
        "clients, each with sessions and a connection of its own, by the wall's clock.",
        tables=[
            Table(("", "database", "statements", "µs", "beside simplejwt"), alone),
            Table(
                ("", "WAL, bytes", "after a checkpoint", "rows inserted", "updated", "deleted", "PostgreSQL, µs"), work
            ),
            Table(("", "clients", "refreshes/s", "beside simplejwt"), at_once),
        ],
        targets=targets,
        bars=plotted,
        figures=plotted | figures,
    )
