"""A database that loses its last writes, up to three generations of a session, beside a thief and beside nobody.

Here tokens are numbers, as in the package. Small limits are solved, for the states are many: what they say grows by
as many turns as there are doubts with each failover.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import cache
from typing import NamedTuple

from django_ironclad.tokens.refresh import RefreshToken
from django_ironclad.tokens.reuse import Decision, Line, Refuse, Repeat, Rotate, Withhold

from .candidates import GRACE, NOW
from .graph import explore, longest

#: An age at which no pause is left.
OLD = 100
#: Any generation from which three can be lost.
HERE = 50

Token = tuple[int, int]


class Row(NamedTuple):
    generation: int
    branch: int = 0
    parent_branch: int = 0
    repeated: bool = False
    doubts: int = 0


class World(NamedTuple):
    """The row, those that a failover may bring back, its age, and who holds which tokens."""

    row: Row
    past: tuple[Row, ...]
    age: int
    victim: Token
    thief: tuple[Token, ...]
    failovers: int
    won: bool = False


#: In one turn: who comes, so many seconds after whoever came before.
ORDERS: list[list[tuple[int, str]]] = [
    [(OLD, "v")],
    [(OLD, "t"), (5, "v")],
    [(OLD, "t"), (15, "v")],
    [(OLD, "t"), (OLD, "v")],
    [(OLD, "v"), (5, "t")],
    [(OLD, "v"), (15, "t")],
    [(OLD, "t"), (5, "t"), (OLD, "v")],
    [(OLD, "t"), (OLD, "t"), (5, "v")],
    [(OLD, "t"), (OLD, "t"), (15, "v")],
    [(OLD, "t"), (5, "v"), (3, "t")],
    [(OLD, "t"), (15, "v"), (OLD, "t")],
    [(OLD, "t"), (OLD, "t"), (OLD, "v")],
]


class Failovers:
    def __init__(self, decide: Callable[..., Decision]) -> None:
        self._decide = decide
        self._ask = cache(self._asked)

    def _asked(self, row: Row, token: Token, age: int) -> tuple[Token | None, Row, bool] | None:
        """The answer's token if it has one, the row and whether it moved; None where it is refused."""
        rotated_at = NOW - timedelta(seconds=age)
        line = Line(row.generation, row.branch, row.parent_branch, rotated_at, row.repeated, row.doubts)
        match self._decide(line, RefreshToken("", *token), now=NOW, grace=GRACE):
            case Refuse():
                return None
            case Withhold():
                return None, row, False
            case Rotate(generation=generation, branch=branch, parent_branch=parent, doubts=doubts):
                return (generation, branch), Row(generation, branch, parent, False, doubts), True
            case Repeat(generation=generation, branch=branch, doubts=told):
                row = row if told is None else row._replace(repeated=True, doubts=told)
                return (generation, branch), row, False
        raise AssertionError

    def present(self, world: World, token: Token) -> tuple[Token | None, World] | None:
        asked = self._ask(world.row, token, world.age)
        if asked is None:
            return None
        told, row, has_moved = asked
        past = world.past if row == world.row else (world.row, *world.past)[:3]
        return told, world._replace(row=row, past=past, age=0 if has_moved else world.age)

    def thief(self, failovers: int) -> int | None:
        """The victim's turns that a thief survives, if so many failovers happen when it suits him best."""
        login, second = Row(HERE), Row(HERE + 1)
        starts = [
            World(login, (), OLD, (HERE, 0), ((HERE, 0),), failovers),
            World(second, (login,), OLD, (HERE + 1, 0), ((HERE, 0), (HERE + 1, 0)), failovers),
        ]
        return longest(explore(starts, self._turns), starts)

    def _turns(self, world: World) -> set[tuple[World, bool]]:
        found = set()
        for order in ORDERS:
            worlds = {world._replace(won=False)}
            for seconds, who in order:
                worlds = {after for each in worlds for after in self._comes(each, seconds, who)}
            found |= {(_as_seen_from_the_row(each._replace(won=False)), True) for each in worlds if each.won}
        return found

    def _comes(self, world: World, seconds: int, who: str) -> Iterator[World]:
        for failed in [world, *_failovers(world)]:
            waited = failed._replace(age=min(failed.age + seconds, OLD))
            for token in (waited.victim,) if who == "v" else waited.thief:
                answered = self.present(waited, token)
                if answered and who == "v":
                    yield answered[1]._replace(victim=answered[0] or waited.victim)
                elif answered:
                    told = {answered[0]} if answered[0] else set()
                    yield answered[1]._replace(thief=tuple(sorted({*waited.thief, *told})), won=True)

    def honest(self) -> int | None:
        """The fewest lost answers by which one client is refused, when failovers lose writes after each answer."""
        first = World(Row(HERE), (), OLD, (HERE, 0), (), 1)
        best, count = {first: 0}, 0
        todo: list[tuple[int, int, World | None]] = [(0, 0, first)]
        while todo:
            cost, _, world = heapq.heappop(todo)
            if world is None:
                return cost
            if cost > best[world]:
                continue
            for more, after in self._alone(world):
                count += 1
                if after is None:
                    heapq.heappush(todo, (cost + more, count, None))
                elif cost + more < best.get(after, cost + more + 1):
                    best[after] = cost + more
                    heapq.heappush(todo, (cost + more, count, after))
        return None

    def _alone(self, world: World) -> Iterator[tuple[int, World | None]]:
        yield from ((0, failed) for failed in _failovers(world))
        for seconds in (5, 15, OLD):
            answered = self.present(world._replace(age=min(world.age + seconds, OLD)), world.victim)
            if answered is None:
                yield 0, None
                continue
            told, after = answered
            yield 0, _as_seen_from_the_row(after._replace(victim=told or world.victim, failovers=1), young=True)
            yield 1, _as_seen_from_the_row(after, young=True)


def _failovers(world: World) -> Iterator[World]:
    if world.failovers:
        for number, row in enumerate(world.past):
            if row.generation >= world.row.generation - 3:
                past = world.past[number + 1 :]
                yield world._replace(row=row, past=past, age=OLD, failovers=world.failovers - 1)


def _as_seen_from_the_row(world: World, *, young: bool = False) -> World:
    """What is the same looks the same: generations count from the row's, and what is refused for ever is forgotten."""
    by = HERE - world.row.generation
    past = world.past if world.failovers or young else ()
    rows = (world.row, *past)
    good = {(r.generation, r.branch) for r in rows} | {(r.generation - 1, r.parent_branch) for r in rows}
    newest = (world.row.generation, world.row.branch)
    stolen = sorted((g + by, b) for g, b in world.thief if (g, b) in good or (g, b) > newest)
    return World(
        world.row._replace(generation=HERE),
        tuple(row._replace(generation=row.generation + by) for row in past),
        world.age if young else OLD,
        (world.victim[0] + by, world.victim[1]),
        tuple(stolen),
        world.failovers,
    )
