"""What the game says, as lines of docs/simulation.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from ..rules import RULES, Rule
from .candidates import Former, Ours
from .failover import Failovers
from .honest import Tabs
from .otherwise import decide_otherwise
from .plays import PLAYS, Refilling, Server
from .scripts import FEW_MOMENTS, GAPS, PLAIN, SCRIPTS, Script
from .seed import is_anybody_signed_out
from .thief import Game

#: When a thief may come in the turn of a victim who has tabs and loses answers: one moment in each class of ages.
MOMENTS: Final[Sequence[int]] = (-25, -15, -5, -1, 1, 3, 6, 9, 12, 15, 18, 26)
VICTIMS: Final[Mapping[str, tuple[Mapping[str, Script], Sequence[int]]]] = {
    "works, loses nothing": (PLAIN, GAPS["works"]),
    "comes once an hour": (PLAIN, GAPS["hourly"]),
    "comes at any time, sleeps for days": (PLAIN, GAPS["any"]),
    "so, loses answers and has two tabs": (SCRIPTS, GAPS["any"]),
}
#: Against the rule that forgives with time a thief who comes at these moments only is enough.
ENDLESS: Final[Mapping[str, Sequence[int]]] = {"works, loses nothing": (-15, -5), "comes once an hour": (-5, 5)}
#: Tabs, the ticks of 5 s that an answer may take, whether they sleep for days.
BROWSERS: Final = [
    (1, 1, False),
    (1, 1, True),
    (2, 1, True),
    (3, 1, False),
    (4, 1, False),
    (2, 4, False),
    (3, 4, False),
    (2, 5, False),
]
#: As many turns as that is nobody's life: 60 days of them.
FOR_EVER: Final = 60 * 288


def said(turns: int | None) -> str:
    return "never" if turns is None else str(turns)


def thieves() -> Iterator[str]:
    yield "| the victim | a thief who comes every turn | 1 in 2 | 1 in 12 | where a budget refills |"
    yield "|---|---|---|---|---|"
    for victim, (scripts, gaps) in VICTIMS.items():
        game = Game(Ours(), scripts, gaps, FEW_MOMENTS if scripts is PLAIN else MOMENTS)
        ours = [said(game.bound(silent)[0]) for silent in (0, 1, 11)]
        yield f"| {victim} | {' | '.join(ours)} | {former(victim) if victim in ENDLESS else ''} |"


def former(victim: str) -> str:
    return said(Game(Former(), PLAIN, VICTIMS[victim][1], ENDLESS[victim], grid=0).bound()[0])


def honest() -> Iterator[str]:
    yield "| tabs without a lock | lost answers | so, where a budget refills | so, where the old token is given back |"
    yield "|---|---|---|---|"
    for tabs, slow, sleep in BROWSERS:
        what = f"{tabs} tab{'s' * (tabs > 1)}, answers within {5 * slow} s{', sleep for days' * sleep}"
        cells = [
            Tabs(Ours(), tabs, slow, sleep).fewest()[0],
            Tabs(Former(), tabs, slow, sleep).fewest()[0],
            Tabs(Ours(), tabs, slow, sleep, gives_back=True).fewest()[0],
        ]
        yield f"| {what} | {' | '.join(map(said, cells))} |"


def plays() -> Iterator[str]:
    rules: list[type[Rule]] = [*RULES, Refilling]
    yield f"| found at turn | {' | '.join(rule.name for rule in rules)} |"
    yield "|---" * (1 + len(rules)) + "|"
    for name in PLAYS:
        yield f"| {name} | {' | '.join(said(played(name, Server(rule()))) for rule in rules)} |"


def played(name: str, server: Any, turns: int = FOR_EVER) -> int | None:
    return PLAYS[name](server.refresh, server.first, turns=turns if name[0] != "5" else turns // 12)


def failovers(most: int = 2) -> Iterator[str]:
    yield "| limits | honest, lost answers | a thief without a failover | with one | with two |"
    yield "|---|---|---|---|---|"
    for repeated, doubts in ((1, 3),):
        solved = Failovers(decide_otherwise(MAX_REPEATED=repeated, MAX_DOUBTS=doubts))
        turns = [said(solved.thief(number)) for number in range(most + 1)]
        yield f"| {repeated} repeated, {doubts} doubts | {said(solved.honest())} | {' | '.join(turns)} |"


def seeds() -> Iterator[str]:
    yield "| a password is changed in one of them | can somebody be signed out without a lost answer? |"
    yield "|---|---|"
    for tabs, lock in ((2, True), (4, True), (1, False), (2, False)):
        signed_out = is_anybody_signed_out(tabs=tabs, lock=lock)
        yield f"| {tabs} tab{'s' * (tabs > 1)}, {'a' if lock else 'no'} lock | {'yes' if signed_out else 'no'} |"
