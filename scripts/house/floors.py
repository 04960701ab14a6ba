"""Where each wing and door of the picture stands: floor by floor, beside the lanes of what passes a floor by."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from math import fsum
from typing import Final

from .plan import House

LEAST_WIDTH: Final = 500
LINE: Final = 16
#: Between two things of a floor, and between two floors.
_GAP, _STAIRS = 8, 26
_MARGIN: Final = 10
#: So many characters of rooms stand in a line; and what one takes, of the bold names and of the others.
_CHARACTERS, _BOLD, _PLAIN = 60, 8.2, 6.6


@dataclass(eq=False)
class Box:
    """A wing or a door; or the lane of an arrow that passes this floor, which has no lines."""

    name: str
    lines: list[str]
    is_wing: bool = False
    above: list[Box] = field(default_factory=list)
    below: list[Box] = field(default_factory=list)
    x: float = LEAST_WIDTH / 2
    y: float = 0

    @property
    def is_lane(self) -> bool:
        return not self.lines

    @cached_property
    def width(self) -> float:
        if self.is_lane:
            return 6
        title, *rooms = self.lines
        return 12 + max([_BOLD * len(title), *(_PLAIN * len(line) for line in rooms)])

    @property
    def height(self) -> float:
        return LINE * len(self.lines) + 10


def needed(arrows: dict[str, set[str]]) -> dict[str, set[str]]:
    """The arrows without those that follow from others."""

    def reached(start: Iterable[str]) -> set[str]:
        found, todo = set[str](), list(start)
        while todo:
            if (name := todo.pop()) not in found:
                found.add(name)
                todo += arrows[name]
        return found

    return {
        name: {to for to in targets if not any(to in reached(arrows[other]) for other in targets)}
        for name, targets in arrows.items()
    }


def steps(house: House, wing: str) -> str:
    """The rooms of a wing: each step of its ladder may take of those after it."""
    return " › ".join(" ".join(sorted(step)) for step in house.ladder(wing))


def laid_out(house: House) -> tuple[list[list[Box]], float]:
    """The boxes and lanes of each floor, in their places, and the width that they need."""
    floors = [[_box(house, name) for name in floor] for floor in house.floors()]
    _connect(floors, needed(house.arrows()))
    width = max([LEAST_WIDTH, *(fsum(box.width + _GAP for box in floor) + 2 * _MARGIN for floor in floors)])
    for _ in range(40):
        for floor in [*floors, *reversed(floors)]:
            _settle(floor, width)
    y = float(_MARGIN)
    for floor in floors:
        for box in floor:
            box.y = y
        y += max(box.height for box in floor) + _STAIRS
    return floors, width


def _box(house: House, name: str) -> Box:
    """A wing shows its rooms, a whole step in a line where it fits; a door is a door."""
    if name not in {wing.wing for wing in house.wings()}:
        return Box(name, [name])
    whole = steps(house, name).replace(" ", "\xa0").replace("\xa0›\xa0", "\xa0› ")
    return Box(name, [name, *(line.replace("\xa0", " ") for line in textwrap.wrap(whole, _CHARACTERS))], is_wing=True)


def _connect(floors: list[list[Box]], arrows: dict[str, set[str]]) -> None:
    """Each arrow goes from a floor to the next, by a lane where it passes one: one lane for all that go to one box."""
    at = {box.name: number for number, floor in enumerate(floors) for box in floor}
    boxes = {box.name: box for floor in floors for box in floor}
    lanes: dict[tuple[str, int], Box] = {}
    for name, targets in arrows.items():
        for target in sorted(targets):
            upper = boxes[name]
            for number in range(at[name] + 1, at[target]):
                lane = lanes.get((target, number))
                if lane is None:
                    lane = lanes[target, number] = Box(target, [])
                    floors[number].append(lane)
                _join(upper, lane)
                upper = lane
            _join(upper, boxes[target])


def _join(upper: Box, lower: Box) -> None:
    if lower not in upper.below:
        upper.below.append(lower)
        lower.above.append(upper)


def _settle(floor: list[Box], width: float) -> None:
    """Each as near as it can be to what it is joined to, boxes to the middle as well, and none over another."""
    for box in floor:
        # Not `sum`, which rounds otherwise since Python 3.12: the picture is the same everywhere.
        near = [each.x for each in (*box.above, *box.below)] + [width / 2] * (not box.is_lane)
        box.x = fsum(near) / len(near)
    floor.sort(key=lambda box: box.x)
    to_the_right = _apart(floor, 1)
    to_the_left = _apart(floor[::-1], -1)[::-1]
    for box, right, left in zip(floor, to_the_right, to_the_left, strict=True):
        box.x = (right + left) / 2
    edge = width - _MARGIN
    for box in reversed(floor):
        box.x = min(box.x, edge - box.width / 2)
        edge = box.x - box.width / 2 - _GAP
    edge = float(_MARGIN)
    for box in floor:
        box.x = max(box.x, edge + box.width / 2)
        edge = box.x + box.width / 2 + _GAP


def _apart(boxes: list[Box], way: int) -> list[float]:
    """Where each would be if the first stayed and every other gave way to the one before."""
    places = [boxes[0].x]
    for one, other in pairwise(boxes):
        least = places[-1] + way * ((one.width + other.width) / 2 + _GAP)
        places.append(max(other.x, least) if way > 0 else min(other.x, least))
    return places
