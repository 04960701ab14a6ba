"""Bars as SVG, on a ground of their own, so that they can be read on light and on dark pages."""

from __future__ import annotations

from html import escape

from .rounds import number

STYLE = """<style>
text{font:13px system-ui,sans-serif;fill:#24292f}.bar{fill:#8c959f}.ours{fill:#0969da}.ground{fill:#fff}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.bar{fill:#6e7681}.ours{fill:#4493f8}.ground{fill:#0d1117}}
</style>"""


def plot(bars: dict[str, float], unit: str) -> str:
    """The least on top."""
    ordered = sorted(bars.items(), key=lambda bar: bar[1])
    most, height = max(bars.values()), 26 * len(ordered) + 10
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 {height}" width="760" height="{height}" role="img">',
        STYLE,
        '<rect class="ground" width="100%" height="100%" rx="4"/>',
    ]
    for place, (title, value) in enumerate(ordered):
        top, width = 26 * place + 6, max(1.0, 350 * value / most)
        kind = "ours" if title.startswith("ironclad") else "bar"
        lines.append(f'<text x="300" y="{top + 14}" text-anchor="end">{escape(title)}</text>')
        lines.append(f'<rect class="{kind}" x="310" y="{top}" width="{width:.0f}" height="18" rx="2"/>')
        lines.append(f'<text x="{318 + width:.0f}" y="{top + 14}">{number(value)} {escape(unit)}</text>')
    return "\n".join([*lines, "</svg>"]) + "\n"
