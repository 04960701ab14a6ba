"""Simulate everything and compare with docs/simulation.md: python -m simulation. With --write, write it there.

`python -m simulation game` solves the game instead.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from . import tables
from .game import bounds

PAGE = Path(__file__).parents[1] / "docs/simulation.md"


def simulated() -> Iterator[tuple[str, Iterable[str]]]:
    yield "clients", (*tables.header("signed out, per 1,000 days"), *map(tables.clients, tables.CLIENTS))
    yield "thieves", (*tables.header("found after, minutes"), *map(tables.thieves, tables.THIEVES))
    yield "sources", tables.sources()


def solved() -> Iterator[tuple[str, Iterable[str]]]:
    yield "bounds", bounds.thieves()
    yield "honest", bounds.honest()
    yield "plays", bounds.plays()
    yield "failovers", bounds.failovers()
    yield "seeds", bounds.seeds()


def main(arguments: list[str]) -> int:
    pages: dict[str, list[str]] = {}
    for name, found in solved() if "game" in arguments else simulated():
        for line in found:
            print(line, flush=True)
            pages.setdefault(name, []).append(line)
        print()
    # As it is by now: all that took minutes.
    said = text = PAGE.read_text()
    for name, lines in pages.items():
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
