"""How many of his victim's turns a thief survives who knows every time in the row, and presents whatever he likes.

A turn: the victim is away, then asks by one of the scripts. Before, between and after that the thief comes as it suits
him best; so are the script and the absence, which are of nobody's choice. What is refused ends the session.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from .candidates import DAY, Candidate, State, moved
from .graph import explore, longest
from .scripts import FEW_MOMENTS, PLAIN, Script


class Play(NamedTuple):
    """In the midst of a turn: the row and its age, what the victim's store holds, read at second 0, and has coming."""

    row: State
    age: int
    store: str
    read: str
    coming: str
    thief: str
    won: bool


class Turn(NamedTuple):
    """Between two turns."""

    row: State
    age: int
    store: str
    thief: str


@dataclass
class Game:
    rule: Candidate
    scripts: Mapping[str, Script] = field(default_factory=lambda: PLAIN)
    gaps: Sequence[int] = (1,)
    #: When the thief may come, in seconds from the victim's first request; and in the absence before that, each so
    #: many, 0 never: to find that a thief stays for ever, it is enough to find one who does not even use that.
    moments: Sequence[int] = FEW_MOMENTS
    grid: int = 30
    _turns: dict[Turn, list[tuple[Turn, bool]]] = field(default_factory=dict)

    def bound(self, silent: int = 0) -> tuple[int | None, int]:
        """The victim's turns up to the last in which he got something, None without end; and how many states there are.

        He may come away with nothing for at most `silent` turns in a row.
        """

        def steps(node: tuple[Turn, int]) -> Iterator[tuple[tuple[Turn, int], bool]]:
            here, quiet = node
            if here not in self._turns:
                self._turns[here] = list(self._turn(here))
            for there, won in self._turns[here]:
                if won or quiet < silent:
                    yield (there, 0 if won else quiet + 1), won

        starts = [(start, 0) for start in self._starts()]
        edges = explore(starts, steps)
        return longest(edges, starts), len(edges)

    def _starts(self) -> Iterator[Turn]:
        """Whenever he copied it: he has the current token, its parent, or both, and the victim has either."""
        for row, tokens in self.rule.starts:
            for thief in {"C", tokens, tokens[-1]}:
                for store in tokens:
                    yield Turn(row, self.rule.cap, store, thief)

    def _turn(self, here: Turn) -> Iterator[tuple[Turn, bool]]:
        """Every way in which a turn may go that leaves the session alive."""
        seen = set()
        for gap in self.gaps:
            begin = self._away([Play(here.row, here.age, here.store, "", "", here.thief, False)], gap)
            for script in self.scripts.values():
                for play in self._follow(begin, script):
                    after = (Turn(play.row, play.age, play.store, play.thief), play.won)
                    if play.thief and after not in seen:
                        seen.add(after)
                        yield after

    def _follow(self, plays: Iterable[Play], script: Script) -> list[Play]:
        acts = sorted([(second, 0, "", "") for second in self.moments] + [(s, 1, what, a) for s, what, a in script])
        plays, last = list(plays), self.moments[0]
        for second, victim, what, answer in acts:
            plays, last = self._older(plays, second - last), second
            plays = self._victim(plays, what, answer) if victim else self._thief(plays)
        return self._older(plays, 56 - last)

    def _present(self, play: Play, token: str) -> tuple[str, Play] | None:
        """What is answered, and what is then; None where it is refused. The new token is "C", whoever has it."""
        reply, row = self.rule.ask(play.row, token, play.age) if token in ("C", "P") else ("refuse", play.row)
        if reply == "refuse":
            return None
        if reply not in ("rotate", "late"):
            return reply, Play(row, *play[1:])
        store, read, coming, *thief = moved([play.store, play.read, play.coming, *play.thief], reply)
        return reply, Play(row, 0, store, read, coming, "".join(sorted(set(thief) - {"D"})), play.won)

    def _thief(self, plays: Iterable[Play]) -> list[Play]:
        """He presents nothing, one token, or two, one after the other. What ends it is no better than not to come."""
        found = dict.fromkeys(plays, 0)
        todo = list(found)
        for play in todo:
            for token in play.thief if found[play] < 2 else "":
                answered = self._present(play, token)
                if answered:
                    reply, after = answered
                    has = after.thief if reply == "withhold" or "C" in after.thief else "C" + after.thief
                    after = Play(*after[:5], has, True)
                    if after not in found:
                        found[after] = found[play] + 1
                        todo.append(after)
        return todo

    def _victim(self, plays: Iterable[Play], what: str, answer: str) -> list[Play]:
        after = (self._victim_acts(play, what, answer) for play in plays)
        return list(dict.fromkeys(play for play in after if play))

    def _victim_acts(self, play: Play, what: str, answer: str) -> Play | None:
        if what == "store":
            return play._replace(store=play.coming or play.store, read="", coming="")
        if what == "ask":
            play = play._replace(read=play.store)
        answered = self._present(play, play.read)
        if answered is None:
            return None
        reply, after = answered
        got = "" if reply == "withhold" else "C"
        if answer == "held":
            return after._replace(coming=got)
        return after._replace(store=got or after.store) if answer == "kept" else after

    def _older(self, plays: Iterable[Play], seconds: int) -> list[Play]:
        cap = self.rule.cap
        older = (
            Play(row, age if age == DAY else min(age + seconds, cap), store, read, coming, thief, won)
            for row, age, store, read, coming, thief, won in plays
        )
        return list(dict.fromkeys(older))

    def _away(self, plays: Iterable[Play], turns: int) -> list[Play]:
        """From 56 s after the victim's request to the first moment before the next, so many turns later."""
        plays = [play._replace(row=self.rule.elapse(play.row, turns)) for play in plays]
        left = 300 - 56 + self.moments[0]
        if turns > 1 and self.grid:
            # As often as he likes.
            found = dict.fromkeys(plays)
            todo = list(found)
            for play in todo:
                for pause in (30, 130):
                    new = [after for after in self._older(self._thief([play]), pause) if after not in found]
                    found |= dict.fromkeys(new)
                    todo += new
            plays = todo
        if turns >= 288:
            plays += [play._replace(age=DAY) for play in plays]
        while left > self.grid > 0:
            plays, left = self._thief(self._older(plays, self.grid)), left - self.grid
        return self._older(plays, left)
