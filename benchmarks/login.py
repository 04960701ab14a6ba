"""A login beyond its password."""

from __future__ import annotations

from .bench import Bench, bars, micro, title
from .entrances import ENTRANCES
from .report import Section, Table, Target
from .rounds import Figure, ratios, rounds

NAMES = list(ENTRANCES)
#: Django's own find the user, and store `last_login`.
DJANGOS = 2


def login(bench: Bench) -> Section:
    rows, targets = [], []
    plotted: dict[str, float] = {}
    for database in ("sqlite", "postgresql"):
        with bench.workers(*NAMES, database=database, people=50) as several:
            below = rounds(several, bench.turns, "login", count=20)
            whole = rounds(several, bench.turns, "enter", count=20)
            statements = {process.name: process.do("statements", what="enter") for process in several}
        beside = ratios(whole, "simplejwt")
        rows += [
            (title(name), database, str(statements[name]), micro(whole[name]), str(beside[name]), micro(below[name]))
            for name in NAMES
        ]
        plotted |= bars(whole, f", {database}")
        milliseconds = Figure.of([value * 1e3 for value in whole["ironclad"]])
        targets.append(Target(f"the whole login beyond the hash, {database}", milliseconds, 2, unit="ms"))
        more = Figure.of([statements["ironclad"] - DJANGOS])
        targets.append(Target(f"statements beyond Django's own two, {database}", more, 3))
    return Section(
        title="Login",
        text="The whole call of the login's view through WSGI, with a password whose hash (MD5) costs next to "
        "nothing, and the part below it, for somebody who has proved who they are. Processor time of the "
        "application. Peers that store nothing (drf-jwt) or make one token for ever (DRF's) do less. simplejwt "
        "does not store `last_login` by default; it and tokenforge look nobody's other sessions through.",
        tables=[Table(("", "database", "statements", "whole, µs", "beside simplejwt", "below the view, µs"), rows)],
        targets=targets,
        bars=plotted,
        figures=plotted,
    )
