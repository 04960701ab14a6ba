"""`python -m scripts.house.draw` writes the picture and the table of docs/architecture.md; `--check` only compares."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Final

from .floors import LINE, Box, laid_out, steps
from .plan import ROOT, House

PICTURE: Final = Path("docs/architecture.svg")
PAGE: Final = Path("docs/architecture.md")
#: Between these two lines of the page stands the table.
_BEGIN, _END = "<!-- written by scripts/house/draw.py -->\n", "<!-- until here -->\n"

_STYLE: Final = """<style>
text{font:12px system-ui,sans-serif;fill:#57606a;text-anchor:middle}.name{font-weight:600;fill:#1f2328}
.ground{fill:#fff}.wing{fill:#ddf4ff;stroke:#54aeff}.door{fill:#f6f8fa;stroke:#d0d7de}
path{fill:none;stroke:#8c959f;stroke-width:1.2}.head{fill:#8c959f;stroke:none}
@media(prefers-color-scheme:dark){text{fill:#9198a1}.name{fill:#f0f6fc}
.ground{fill:#0d1117}.wing{fill:#121d2f;stroke:#1f6feb}.door{fill:#151b23;stroke:#3d444d}
path{stroke:#656c76}.head{fill:#656c76}}
</style>
<marker id="head" viewBox="0 0 6 6" refX="5" refY="3" markerWidth="6" markerHeight="6" orient="auto">
<path class="head" d="M0 0 6 3 0 6z"/></marker>"""


def picture(house: House) -> str:
    floors, width = laid_out(house)
    height = max(box.y + box.height for floor in floors for box in floor) + 10
    arrows = [path for floor in floors for box in floor for path in _paths(box, floor)]
    boxes = [line for floor in floors for box in floor if not box.is_lane for line in _drawn(box)]
    size = f'viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}"'
    title = "<title>The wings and doors of django_ironclad, floor by floor</title>"
    ground = '<rect class="ground" width="100%" height="100%" rx="6"/>'
    opening = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">'
    return "\n".join([opening, title, _STYLE, ground, *arrows, *boxes, "</svg>\n"])


def _drawn(box: Box) -> Iterator[str]:
    kind = "wing" if box.is_wing else "door"
    yield (
        f'<rect class="{kind}" x="{box.x - box.width / 2:.0f}" y="{box.y:.0f}" width="{box.width:.0f}" '
        f'height="{box.height:.0f}" rx="5"/>'
    )
    for number, line in enumerate(box.lines):
        name = ' class="name"' if not number else ""
        yield f'<text{name} x="{box.x:.0f}" y="{box.y + LINE * (number + 1):.0f}">{escape(line)}</text>'


def _paths(box: Box, floor: list[Box]) -> Iterator[str]:
    """From this box or lane to each that it is joined to on the next floor; and a lane's own way by this one."""
    bottom = box.y + max(each.height for each in floor) if box.is_lane else box.y + box.height
    if box.is_lane:
        yield f'<path d="M{box.x:.0f} {box.y:.0f}V{bottom:.0f}"/>'
    for lower in box.below:
        start, end = box.x + _aside(box, box.below, lower), lower.x + _aside(lower, lower.above, box)
        middle = (lower.y + max(bottom, lower.y - 26)) / 2
        head = "" if lower.is_lane else ' marker-end="url(#head)"'
        tip = lower.y - (0 if lower.is_lane else 1)
        curve = f"M{start:.0f} {bottom:.0f}C{start:.0f} {middle:.0f} {end:.0f} {middle:.0f} {end:.0f} {tip:.0f}"
        yield f'<path d="{curve}"{head}/>'


def _aside(box: Box, joined: list[Box], one: Box) -> float:
    """How far from the middle of `box` its line to `one` begins or ends: side by side with those to the others."""
    if box.is_lane:
        return 0
    place = sorted(joined, key=lambda each: each.x).index(one)
    step = min(14.0, (box.width - 16) / len(joined))
    return step * (place - (len(joined) - 1) / 2)


def table(house: House) -> str:
    """The wings, the highest first, each with its sentence and its rooms."""
    rows = ["| wing | what lives there | its rooms |", "|---|---|---|"]
    wings = {wing.wing: wing for wing in house.wings()}
    for name in (name for floor in house.floors() for name in floor if name in wings):
        said = " ".join((ast.get_docstring(wings[name].tree) or "").split())
        rows.append(f"| `{name}/` | {said} | {steps(house, name)} |")
    return "\n".join(rows) + "\n"


def page(text: str, house: House) -> str:
    """The page with the table of today."""
    before, begin, rest = text.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    return before + begin + table(house) + end + after


def stale(house: House, *, write: bool = False) -> list[str]:
    """The files that are not as the code is; with `write` they are, afterwards."""
    texts = {PICTURE: picture(house), PAGE: page((house.root / PAGE).read_text(), house)}
    found = [
        file
        for file, text in texts.items()
        if not (house.root / file).exists() or (house.root / file).read_text() != text
    ]
    for file in found if write else ():
        (house.root / file).write_text(texts[file])
    return [file.as_posix() for file in found]


if __name__ == "__main__":
    check = "--check" in sys.argv[1:]
    old = stale(House(ROOT), write=not check)
    if check and old:
        sys.exit(f"{' and '.join(old)} show another house than src: python -m scripts.house.draw")
