"""Candidates take turns, round by round, so that a busy machine is busy for all of them; what counts are ratios."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Any

ROOT = Path(__file__).parent.parent


class Process:
    """A worker, spoken with by lines of JSON."""

    def __init__(self, name: str, database: str) -> None:
        self.name = name
        command = [sys.executable, "-m", "benchmarks.worker", name, database]
        self.process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
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
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


@dataclass(frozen=True)
class Ratio:
    """The median over all rounds, and the middle half of them."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Ratio:
        low, _, high = quantiles(values, n=4) if len(values) > 1 else (values[0], values[0], values[0])
        return cls(median(values), low, high)

    def resolves(self, bound: float) -> bool:
        """Whether the noise leaves no doubt on which side of `bound` this is."""
        return not self.low <= bound <= self.high

    def __str__(self) -> str:
        return f"{self.value:.2f} ({self.low:.2f} – {self.high:.2f})"


def rounds(processes: Iterable[Process], times: int, what: str, **arguments: Any) -> dict[str, list[float]]:
    """What each measured in each round. They take turns, in another order each time."""
    several = list(processes)
    found: dict[str, list[float]] = {process.name: [] for process in several}
    for number in range(times):
        turn = number % len(several)
        for process in several[turn:] + several[:turn]:
            found[process.name].append(process.do(what, **arguments))
    return found


def ratios(found: dict[str, list[float]], base: str) -> dict[str, Ratio]:
    """Each beside `base`, round by round."""
    return {
        name: Ratio.of([value / of_base for value, of_base in zip(values, found[base], strict=True)])
        for name, values in found.items()
    }
