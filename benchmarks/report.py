"""What was measured, as a page: tables, plots, and the targets beside what was found."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from . import costs
from .plot import plot
from .rounds import Figure, number

FOLDER = Path(__file__).parent

HEAD = """# What it costs

Measured by `./scripts/bench`. All candidates of a table ran in the same minutes, taking turns round by round, each in a
process of its own; a figure is the median of the rounds, in processor time where nothing else is said. What counts are
the ratios: each is the median of the single rounds' ratios, with the lowest and the highest in brackets. Where a bound
lies within the brackets, the noise does not resolve it. How each candidate is configured:
[candidates.py](candidates.py). What follows from all this: [docs/costs.md](../docs/costs.md).

"""


@dataclass(frozen=True)
class Target:
    """What is asked: at most, or at least, `limit`."""

    what: str
    found: Figure
    limit: float
    unit: str = ""
    at_least: bool = False

    def row(self) -> tuple[str, str, str, str]:
        """As a line of the table, with its verdict."""
        value = self.found.value
        verdict = "met" if (value >= self.limit if self.at_least else value <= self.limit) else "**not met**"
        if not self.found.resolves(self.limit):
            verdict += ", within the noise"
        bound = f"{'≥' if self.at_least else '≤'} {number(self.limit)} {self.unit}"
        return self.what, bound.strip(), f"{self.found} {self.unit}".strip(), verdict


@dataclass(frozen=True)
class Table:
    header: tuple[str, ...]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Section:
    title: str
    text: str
    tables: list[Table]
    targets: list[Target] = field(default_factory=list)
    bars: dict[str, float] = field(default_factory=dict)
    unit: str = "µs"
    #: What others reckon with, by name: see costs.py.
    figures: dict[str, float] = field(default_factory=dict)


def write(name: str, section: Section, *, order: Sequence[str], folder: Path = FOLDER) -> None:
    """Keep what was found, in the place of what was found by this name before, and write every page anew."""
    kept = folder / "results.json"
    found = json.loads(kept.read_text()) if kept.exists() else {}
    found[name] = {
        **asdict(section),
        "machine": _machine(),
        "targets": [target.row() for target in section.targets],
    }
    found = {each: found[each] for each in order if each in found}
    kept.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    if section.bars:
        (folder / f"{name}.svg").write_text(plot(section.bars, section.unit))
    (folder / "RESULTS.md").write_text(page(found))
    costs.write(found)


def page(found: dict[str, Any]) -> str:
    """RESULTS.md, of what results.json holds."""
    return HEAD + "\n".join(_section(name, section) for name, section in found.items())


def _section(name: str, found: dict[str, Any]) -> str:
    lines = [f"## {found['title']}", "", found["text"], "", f"*{found['machine']}*"]
    for table in found["tables"]:
        lines += ["", _table(table["header"], table["rows"])]
    if found["bars"]:
        lines += ["", f"![{found['title']}, {found['unit']}, less is better]({name}.svg)"]
    if found["targets"]:
        lines += ["", _table(("target", "bound", "found", ""), found["targets"])]
    return "\n".join(lines) + "\n"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def _machine() -> str:
    model = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else ():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    load = os.getloadavg()[0]
    python = platform.python_version()
    return f"{os.cpu_count()} × {model}, {platform.system()}, Python {python}, at a load of {load:.1f}"
