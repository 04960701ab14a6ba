"""Simulate everything and compare with docs/simulation.md: python -m simulation. With --write, write it there."""

from __future__ import annotations

import sys
from pathlib import Path

from . import tables

PAGE = Path(__file__).parents[1] / "docs/simulation.md"


def main(arguments: list[str]) -> int:
    said = PAGE.read_text()
    text = said
    for name, lines in (
        ("clients", [*tables.header("signed out, per 1,000 days"), *map(tables.clients, tables.CLIENTS)]),
        ("thieves", [*tables.header("found after, minutes"), *map(tables.thieves, tables.THIEVES)]),
        ("sources", list(tables.sources())),
    ):
        print("\n".join(lines), end="\n\n")
        before, begin, rest = text.partition(f"<!-- {name} -->\n")
        _, end, after = rest.partition(f"<!-- end of {name} -->\n")
        text = "".join([before, begin, "\n".join(lines), "\n", end, after])
    if "--write" in arguments:
        PAGE.write_text(text)
    elif text != said:
        print(f"{PAGE.name} says something else; --write writes this there.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
