"""One run of the benchmarks: how thorough it is, and the databases and processes that it lends out."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

from .candidates import CANDIDATES
from .databases import create
from .rounds import Figure, Process, number, say

#: Those that nobody guards have no people who log in.
OPEN = {"open", "open-plain", "open-ninja"}


class Bench:
    def __init__(self, *, full: bool, postgresql: str) -> None:
        self.full, self.postgresql = full, postgresql
        #: Of four rounds, two runs of one and the same thing miss each other in 3 % of all rows; of six, in 0.2 %.
        self.turns = 21 if full else 6

    @contextmanager
    def workers(self, *names: str, database: str = "sqlite", people: int = 200) -> Iterator[list[Process]]:
        """A process for each, on a database of its own, with so many people who are logged in."""
        with ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="ironclad-bench-"))
            say(f"{len(names)} processes start ({database})")
            several = []
            for name in names:
                file = name.replace("@", "-")
                url = f"sqlite:///{folder}/{file}.sqlite3" if database == "sqlite" else create(self.postgresql, file)
                several.append(Process(name, url))
                stack.callback(several[-1].close)
                if len(several) % 2 == 0:  # Two at a time, also where there are few processors.
                    several[-2].wait()
                    several[-1].wait()
            if len(several) % 2:
                several[-1].wait()
            for process in several:
                if process.name not in OPEN and people:
                    process.do("people", count=people)
            yield several


def title(name: str) -> str:
    return CANDIDATES[name].title


def asks(name: str) -> str:
    return CANDIDATES[name].asks


def micro(values: Sequence[float]) -> str:
    """The median of seconds, in µs."""
    return number(Figure.of(values).value * 1e6)


def bars(found: Mapping[str, Sequence[float]], suffix: str = "") -> dict[str, float]:
    """The medians of seconds, in µs, by the candidates' titles."""
    return {title(name) + suffix: Figure.of(values).value * 1e6 for name, values in found.items()}
