"""The two tables: who is signed out for nothing, and how long a thief stays."""

from __future__ import annotations

import random
import statistics
from collections.abc import Iterator
from typing import Any, NamedTuple

from . import world
from .rules import RULES, TURN, Rule
from .world import DAY, MINUTE

SEED = 9
#: Days on which somebody is signed in, thefts, and days until a thief counts as never found: in each cell.
SESSION_DAYS, THEFTS, NEVER = 200, 25, 7

CLIENTS: dict[str, dict[str, Any]] = {
    f"{tabs} {'tab' if tabs == 1 else 'tabs'}, {lost} % lost{', a laptop' * sleeps}": {
        "tabs": tabs,
        "lost": lost / 100,
        "sleeps": sleeps,
    }
    for tabs in (1, 3, 6)
    for lost, sleeps in ((1, False), (3, False), (1, True))
}
THIEVES: dict[str, dict[str, Any]] = {
    "eager: at once, then each minute": {"later": (5, TURN - 5), "every": MINUTE},
    "stale: with the token before the current one": {"later": (TURN + 30, 2 * TURN - 5)},
    "stale: with an older one": {"later": (2 * TURN + 5, 10 * TURN)},
    "shadowing: at the victim's own turns, to within 4 s": {"later": (TURN, TURN), "way": 4.0},
    "shadowing: 11 to 19 s after the victim": {"later": (TURN + 11, TURN + 19)},
    "alternating: midway between the victim's turns": {"later": (TURN / 2, TURN / 2)},
    "alternating: so, once a day": {"later": (TURN / 2, TURN / 2), "every": DAY},
}


class Signed(NamedTuple):
    out: int
    days: int
    refreshes: int

    def __str__(self) -> str:
        return f"{self.out * 1000 / self.days:.0f}"


class Found(NamedTuple):
    #: Of those that were found.
    minutes: list[float]
    never: int

    def __str__(self) -> str:
        if not self.minutes:
            return "never"
        times = f"{statistics.median(self.minutes):.0f} ({max(self.minutes):.0f})"
        return f"{times}, never: {self.never} of {self.never + len(self.minutes)}" if self.never else times


def signed_out(row: str, rule: type[Rule], *, seed: int = SEED) -> Signed:
    out, refreshes = world.honest(rule, random.Random(f"{seed} {row}"), days=SESSION_DAYS, **CLIENTS[row])
    return Signed(out, SESSION_DAYS, refreshes)


def found(row: str, rule: type[Rule], *, seed: int = SEED) -> Found:
    chance = random.Random(f"{seed} {row}")
    times = [world.theft(rule, chance, days=NEVER, **THIEVES[row]) for _ in range(THEFTS)]
    return Found([time / MINUTE for time in times if time is not None], times.count(None))


def header(first: str) -> Iterator[str]:
    yield line(first, (rule.name for rule in RULES))
    yield "|---" * (1 + len(RULES)) + "|"


def line(first: str, cells: Any) -> str:
    return " | ".join(["| " + first, *map(str, cells)]) + " |"


def clients(row: str) -> str:
    return line(row, (signed_out(row, rule) for rule in RULES))


def thieves(row: str) -> str:
    return line(row, (found(row, rule) for rule in RULES))


def sources() -> Iterator[str]:
    for rule in RULES:
        yield f"- **[{rule.name}]({rule.source})**. {rule.reading}"
