"""The fewest lost answers by which tabs that share a store, and take no lock, are signed out without any thief.

Any tab sends at any time what the store holds then, as often as it likes; a request takes up to 5 s, an answer up to
`slow` times 5 s, or is lost, which costs 1; tabs store what they get in the order in which it comes. Nature is the
adversary, and Dijkstra finds her cheapest way.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from .candidates import DAY, Candidate, State, moved

#: Seconds.
TICK = 5


class Tab(NamedTuple):
    """idle, asks or hears, with which token; and the ticks that are left until it has arrived."""

    does: str = "idle"
    token: str = ""
    left: int = 0


class Browser(NamedTuple):
    row: State
    age: int
    store: str
    tabs: tuple[Tab, ...]


@dataclass
class Tabs:
    rule: Candidate
    number: int
    slow: int = 1
    #: Everybody may also sleep for more than a day.
    sleep: bool = False
    #: Where there is no refresh token in an answer, a compatible endpoint writes the one that came.
    gives_back: bool = False

    def fewest(self) -> tuple[int | None, int]:
        """The lost answers, None where nobody is ever signed out; and how many states were seen."""
        row, _ = self.rule.starts[0]
        first = Browser(row, self.rule.cap, "C", (Tab(),) * self.number)
        best, done, count = {first: 0}, set(), 0
        todo: list[tuple[int, int, Browser | None]] = [(0, 0, first)]
        while todo:
            cost, _, state = heapq.heappop(todo)
            if state is None:
                return cost, len(best)
            if state in done:
                continue
            done.add(state)
            for more, after in self._steps(state):
                count += 1
                if after is None:
                    heapq.heappush(todo, (cost + more, count, None))
                elif cost + more < best.get(after, cost + more + 1):
                    best[after] = cost + more
                    heapq.heappush(todo, (cost + more, count, after))
        return None, len(best)

    def _steps(self, state: Browser) -> Iterator[tuple[int, Browser | None]]:
        """What costs how much, and leads where; None is that somebody was refused."""
        row, age, store, tabs = state
        for tab in set(tabs):
            rest = list(tabs)
            rest.remove(tab)
            if tab.does == "idle":
                yield 0, _browser(row, age, store, [*rest, Tab("asks", store, 1)])
            elif tab.does == "hears":
                yield 0, _browser(row, age, tab.token or store, [*rest, Tab()])
            else:
                yield from self._arrives(state, tab.token, rest)
        if all(tab.left > 0 or tab.does == "idle" for tab in tabs):
            later = [Tab(does, token, max(0, left - 1)) for does, token, left in tabs]
            yield 0, _browser(row, age if age == DAY else min(age + TICK, self.rule.cap), store, later)
        if all(tab.does == "idle" for tab in tabs):
            yield 0, Browser(self.rule.elapse(row, 1), self.rule.cap, store, tabs)
            if self.sleep:
                yield 0, Browser(self.rule.elapse(row, 300), DAY, store, tabs)

    def _arrives(self, state: Browser, token: str, rest: list[Tab]) -> Iterator[tuple[int, Browser | None]]:
        reply, row = self.rule.ask(state.row, token, state.age) if token in ("C", "P") else ("refuse", state.row)
        if reply == "refuse":
            yield 0, None
            return
        store, *tokens = moved([state.store, *(tab.token for tab in rest)], reply)
        age = 0 if reply in ("rotate", "late") else state.age
        others = [tab._replace(token=token) for tab, token in zip(rest, tokens, strict=True)]
        told = "C" if reply != "withhold" else token if self.gives_back else ""
        yield 1, _browser(row, age, store, [*others, Tab()])
        yield 0, _browser(row, age, store, [*others, Tab("hears", told, self.slow)])


def _browser(row: State, age: int, store: str, tabs: list[Tab]) -> Browser:
    return Browser(row, age, store, tuple(sorted(tabs)))
