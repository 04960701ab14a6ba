"""What was measured, as a page: tables, plots, and the targets beside what was found."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .rounds import Ratio

FOLDER = Path(__file__).parent
#: What was found last, by the name of the benchmark: so that one can be repeated alone.
FOUND = FOLDER / "results.json"
ORDER = ("authenticate", "call", "refresh")

HEAD = """# What it costs

Measured by `./scripts/bench`. All candidates ran in the same minutes, taking turns round by round, each in a process of
its own; a figure is the median of the rounds, in processor time. What counts are the ratios: each is the median of the
single rounds' ratios, with the middle half of them in brackets. Where a bound lies within the brackets, the noise does
not resolve it. How each candidate is configured: [candidates.py](candidates.py).

"""


@dataclass(frozen=True)
class Section:
    title: str
    text: str
    header: tuple[str, ...]
    rows: list[tuple[str, ...]]
    #: What is asked, its bound in words, what was found, and the bound.
    targets: list[tuple[str, str, Ratio, float]]
    bars: dict[str, float] = field(default_factory=dict)
    unit: str = ""


def write(name: str, section: Section) -> None:
    found = json.loads(FOUND.read_text()) if FOUND.exists() else {}
    found[name] = {
        **asdict(section),
        "machine": _machine(),
        "verdicts": [_verdict(*target) for target in section.targets],
    }
    FOUND.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    if section.bars:
        (FOLDER / f"{name}.svg").write_text(_plot(section.bars, section.unit))
    (FOLDER / "RESULTS.md").write_text(HEAD + "\n".join(_page(each, found[each]) for each in ORDER if each in found))


def _page(name: str, found: dict[str, Any]) -> str:
    lines = [
        f"## {found['title']}",
        "",
        found["text"],
        "",
        f"*{found['machine']}*",
        "",
        _table(found["header"], found["rows"]),
    ]
    if found["bars"]:
        lines += ["", f"![{found['title']}, {found['unit']}, less is better]({name}.svg)"]
    if found["verdicts"]:
        lines += ["", _table(("target", "bound", "found", ""), found["verdicts"])]
    return "\n".join(lines) + "\n"


def _table(header: Any, rows: Any) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def _verdict(target: str, bound: str, found: Ratio, limit: float) -> tuple[str, str, str, str]:
    verdict = "met" if found.value <= limit else "**not met**"
    return target, bound, str(found), verdict if found.resolves(limit) else f"{verdict}, within the noise"


def _machine() -> str:
    model = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else ():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    load = os.getloadavg()[0]
    python = platform.python_version()
    return f"{os.cpu_count()} × {model}, {platform.system()}, Python {python}, at a load of {load:.1f}"


def _plot(bars: dict[str, float], unit: str) -> str:
    """Bars, the least on top; the text has the page's colour, in light and in dark."""
    ordered = sorted(bars.items(), key=lambda bar: bar[1])
    most, height = max(bars.values()), 26 * len(ordered) + 10
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 {height}" width="760" height="{height}" role="img">',
        "<style>text{font:13px system-ui,sans-serif;fill:#24292f}rect{fill:#8c959f}.ours{fill:#0969da}",
        "@media(prefers-color-scheme:dark){text{fill:#e6edf3}rect{fill:#6e7681}.ours{fill:#4493f8}}</style>",
    ]
    for number, (title, value) in enumerate(ordered):
        top, width = 26 * number + 6, max(1.0, 400 * value / most)
        ours = ' class="ours"' if title.startswith("ironclad") else ""
        lines.append(f'<text x="250" y="{top + 14}" text-anchor="end">{title}</text>')
        lines.append(f'<rect{ours} x="260" y="{top}" width="{width:.0f}" height="18" rx="2"/>')
        lines.append(f'<text x="{268 + width:.0f}" y="{top + 14}">{value:.3g} {unit}</text>')
    return "\n".join([*lines, "</svg>"]) + "\n"
