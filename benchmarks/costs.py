"""docs/costs.md, written from costs.md beside this file: its text, with the figures that were found last."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .capacity import capacity
from .rounds import say

TEMPLATE = Path(__file__).parent / "costs.md"
PAGE = Path(__file__).parent.parent / "docs/costs.md"


def write(found: dict[str, Any]) -> None:
    """Where something has never been measured, the page stays as it is."""
    try:
        PAGE.write_text(render(TEMPLATE.read_text(), found))
    except KeyError as missing:
        say(f"docs/costs.md is not written: there is no {missing} in results.json yet.")


def render(template: str, found: dict[str, Any]) -> str:
    """`{refresh[ironclad, HS256, wal]:.0f}` is the figure of this name of the benchmark `refresh`. Raises KeyError."""
    figures = {name: section["figures"] for name, section in found.items()}
    # Before and after the hours in which a million refreshes are measured.
    figures["most refreshes"] = figures.get("state-million") or figures["state"]
    return template.format_map({**figures, "capacity": capacity(figures)})
