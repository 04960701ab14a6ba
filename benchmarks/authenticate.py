"""The authentication class alone, in process: tokens seen before, and tokens seen for the first time."""

from __future__ import annotations

from .bench import Bench, asks, bars, micro, title
from .report import Section, Table, Target
from .rounds import Figure, beside, ratios, rounds

BASE = "simplejwt-stateless"
CLASSES = ["ironclad", "tokenforge", BASE, "allauth", "simplejwt", "drf-jwt", "knox", "drf-token", "dj-rest-auth"]
CLASSES += ["allauth-stateful", "ironclad-strict"]
KEYS = ["ironclad-eddsa", "ironclad-es256", "ironclad-rs256"]
#: Whose tokens are remembered; others verify each time.
REMEMBERED = ["ironclad", *KEYS]


def authenticate(bench: Bench) -> Section:
    with bench.workers(*CLASSES, *KEYS) as several:
        again = rounds(several, bench.turns, "authenticate", count=200)
        ours = [each for each in several if each.name in REMEMBERED]
        first = rounds(ours, bench.turns, "authenticate", count=200, fresh=True)
        statements = {process.name: process.do("queries") for process in several}
    with bench.workers("ironclad-strict", "simplejwt", database="postgresql", people=20) as several:
        real = rounds(several, bench.turns, "authenticate", count=200)
    found = ratios(again, BASE)
    of_first = {name: beside(values, again[BASE]) for name, values in first.items()}
    rows = [
        (title(name), asks(name), str(statements[name]), micro(again[name]), str(found[name]))
        for name in sorted(again, key=lambda name: found[name].value)
    ]
    rows += [
        (f"{title(name)}, first sight", asks(name), str(statements[name]), micro(first[name]), str(of_first[name]))
        for name in first
    ]
    rows += [(f"{title(name)}, PostgreSQL", asks(name), str(statements[name]), micro(real[name]), "") for name in real]
    strict = "strict, of simplejwt with its user"
    return Section(
        title="Authenticate, in process",
        text="The authentication class alone, called on a request that is ready. A peer without a memory of tokens "
        "verifies each time. SQLite, where nothing else is said.",
        tables=[Table(("", "asks with each request", "statements", "µs", "beside simplejwt, stateless"), rows)],
        targets=[
            Target("HS256, seen again, of simplejwt's stateless authenticator", found["ironclad"], 0.03),
            Target("HS256, first sight", of_first["ironclad"], 0.12),
            Target("statements of a strict check", Figure.of([statements["ironclad-strict"]]), 1),
            Target(f"{strict}, SQLite", beside(again["ironclad-strict"], again["simplejwt"]), 0.25),
            Target(f"{strict}, PostgreSQL", beside(real["ironclad-strict"], real["simplejwt"]), 0.5),
        ],
        bars=bars(again),
        figures=bars(again) | bars(first, ", first sight") | bars(real, ", PostgreSQL"),
    )
