"""Twenty send the same refresh token at once."""

from __future__ import annotations

from .bench import Bench, title
from .report import Section, Table, Target
from .rounds import Figure, rounds

NAMES = ["ironclad", "simplejwt", "tokenforge", "allauth"]
RACERS = 20


def race(bench: Bench) -> Section:
    rows, targets = [], []
    for database in ("sqlite", "postgresql"):
        with bench.workers(*NAMES, database=database, people=1) as several:
            found = rounds(several, 11 if bench.full else 3, "race", racers=RACERS)
        for name, races in found.items():
            figures = [Figure.of([each[kind] for each in races]) for kind in ("answers", "successors", "good")]
            rows.append((title(name), database, *map(str, figures)))
            if name == "ironclad":
                targets.append(Target(f"answers, {database}", figures[0], RACERS, at_least=True))
                targets.append(Target(f"successors, {database}", figures[1], 1))
    return Section(
        title="Twenty racing refreshes",
        text=f"{RACERS} threads send the same refresh token at once, as a browser does that restores its tabs. Good "
        "is a successor that can be refreshed afterwards; where none is, the person has been signed out, and "
        "where several are, a thief who took part has a session of his own.",
        tables=[Table(("", "database", "answers", "different successors", "of them good"), rows)],
        targets=targets,
    )
