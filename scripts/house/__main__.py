"""`python -m scripts.house`: what breaks a rule of the house, one line each; and how large it is."""

from __future__ import annotations

import sys

from .plan import House
from .rules import breaches


def main() -> int:
    house = House()
    found = breaches(house)
    if found:
        sys.stderr.writelines(f"{breach}\n" for breach in found)
        return 1
    rooms = [module for module in house.modules.values() if len(module.names) > 1 and not module.is_folder]
    longest = max(house.sources(), key=lambda source: source.length)
    lines, name = max((lines, function.name) for source in house.sources() for function, lines in source.functions())
    sys.stdout.write(
        f"{len(house.wings())} wings and {len(house.arrows()) - len(house.wings())} doors on {len(house.floors())} "
        f"floors, {len(rooms)} rooms in them; the longest module is {longest.path.relative_to(house.root)} "
        f"({longest.length} lines), the longest function {name}() ({lines}).\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
