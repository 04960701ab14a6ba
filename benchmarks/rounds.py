"""Candidates take turns, round by round, so that a busy machine is busy for all of them; what counts are ratios."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).parent.parent


class Process:
    """A worker, spoken with by lines of JSON. It is ready once `wait` has returned.

    What follows an @ in its name tells it from others of the same candidate.
    """

    def __init__(self, name: str, database: str) -> None:
        self.name, self.database = name, database
        command = [sys.executable, "-W", "ignore", "-m", "benchmarks.workers", name.partition("@")[0], database]
        self.process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def wait(self) -> None:
        self._read()

    def do(self, task: str, **arguments: Any) -> Any:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"do": task, **arguments}) + "\n")
        self.process.stdin.flush()
        return self._read()["answer"]

    def _read(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.name} ended with {self.process.wait()}: see what it said above.")
        return json.loads(line)

    def close(self) -> None:
        """It ends when its input does; one that is in the middle of something is killed."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            self.process.wait(3)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@dataclass(frozen=True)
class Figure:
    """The median over all rounds, the lowest of them and the highest."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Figure:
        return cls(median(values), min(values), max(values))

    def resolves(self, bound: float) -> bool:
        """Whether the noise leaves no doubt on which side of `bound` this is."""
        return self.low == self.high or not self.low <= bound <= self.high

    def __str__(self) -> str:
        middle = f" ({number(self.low)} – {number(self.high)})" if self.low != self.high else ""
        return number(self.value) + middle


def number(value: float) -> str:
    """Of three digits or, from a hundred on, whole; of two where it is very small."""
    if abs(value) >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.2g}" if abs(value) < 0.1 else f"{value:.{1 if abs(value) >= 10 else 2}f}"


def take_turns(names: Iterable[str], times: int, act: Callable[[str], Any]) -> dict[str, list[Any]]:
    """What `act` gave for each of them in each round, each time in another order."""
    several = list(names)
    found: dict[str, list[Any]] = {name: [] for name in several}
    for turn in range(times):
        say(f"round {turn + 1} of {times}, {len(several)} candidates")
        first = turn % len(several)
        for name in several[first:] + several[:first]:
            found[name].append(act(name))
    return found


def rounds(processes: Iterable[Process], times: int, what: str, **arguments: Any) -> dict[str, list[Any]]:
    """What each process answered in each round."""
    by_name = {process.name: process for process in processes}
    return take_turns(by_name, times, lambda name: by_name[name].do(what, **arguments))


def ratios(found: Mapping[str, Sequence[float]], base: str) -> dict[str, Figure]:
    """Each beside `base`, round by round."""
    return {name: beside(values, found[base]) for name, values in found.items()}


def beside(values: Sequence[float], base: Sequence[float]) -> Figure:
    """One beside another, round by round."""
    return Figure.of([value / of_base for value, of_base in zip(values, base, strict=True)])


def say(text: str) -> None:
    """Progress, for whoever waits."""
    print(f"  {text}", file=sys.stderr, flush=True)
