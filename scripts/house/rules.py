"""What keeps the house small and its doors the only way in: each breach with its place, and with what to do."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .plan import House
from .source import PACKAGE, Function, Module, Source, Taken

MOST_LINES: Final = 180
MOST_OF_A_FUNCTION: Final = 40
#: Who may go into which folder past its wing's door. The `__init__` of contrib can import nothing that is in it: that
#: wants products which not every project has.
_KEYS: Final = {("urls", ("http", "views")), ("apps", ("contrib",))}
#: A period within a docstring after which another sentence begins.
_SECOND: Final = re.compile(r"[.!?]\s+[A-Z`]")


@dataclass(frozen=True)
class Breach:
    path: Path
    line: int
    what: str
    do: str

    def __str__(self) -> str:
        return f"{self.path.as_posix()}:{self.line}: {self.what}. {self.do}."


def breaches(house: House) -> list[Breach]:
    """Everything that breaks a rule, by file and line."""
    found = [breach for source in house.sources() for breach in _too_long(source)]
    found += [breach for module in house.modules.values() for breach in _past_a_door(house, module)]
    found += [breach for module in house.modules.values() for breach in _private(house, module)]
    found += [breach for folder in house.folders() for breach in _bad_door(house, folder)]
    within = [Breach(each.path.relative_to(house.root), each.line, each.what, each.do) for each in found]
    return sorted(within, key=lambda each: (each.path, each.line, each.what))


def _too_long(source: Source) -> Iterator[Breach]:
    if source.length > MOST_LINES:
        what = f"the module has {source.length} lines, and {MOST_LINES} are allowed"
        yield Breach(source.path, 1, what, "It hides a second subject: move that into a module of its own")
    for function, lines in source.functions():
        if lines > MOST_OF_A_FUNCTION:
            what = f"{function.name}() has {lines} lines, and {MOST_OF_A_FUNCTION} are allowed"
            do = "Split it by subject; functions inside it are counted for themselves"
            yield Breach(source.path, function.lineno, what, do)


def _past_a_door(house: House, module: Module) -> Iterator[Breach]:
    """What a module takes of another wing and that one's `__init__` does not hand out."""
    wings: dict[str, Module] = {}
    for taken in module.takes():
        wing, *rooms = (*taken.of, taken.name) if taken.name else taken.of or ("",)
        door = house.modules.get((wing,))
        if door is None or not door.is_folder or (".".join(module.names), taken.of) in _KEYS:
            continue
        if wing == module.wing:
            if taken.of == (wing,) and not module.is_folder:
                yield from _by_its_own_door(house, module, taken)
        elif not taken.of:
            wings[taken.known_as] = door
        elif len(taken.of) == 1 and taken.name:
            yield from _not_handed_out(module, door, taken.name, taken.line)
        else:
            what = f"{'.'.join((wing, *rooms))} is taken past the door of {wing}"
            do = f"Take it of {wing} itself, whose __init__ names in `__all__` what is for others"
            yield Breach(module.path, taken.line, what, do)
    for name, attribute, line in _used(module.tree, wings):
        yield from _not_handed_out(module, wings[name], attribute, line)


def _private(house: House, module: Module) -> Iterator[Breach]:
    """What a module takes of another that is nobody's but that one's."""
    taken = list(module.takes())
    found = [(".".join(each.of), each.name, each.line) for each in taken]
    modules = {
        each.known_as: house.modules[(*each.of, each.name)] for each in taken if (*each.of, each.name) in house.modules
    }
    found += [(".".join(modules[name].names), attribute, line) for name, attribute, line in _used(module.tree, modules)]
    for of, name, line in found:
        if name.startswith("_") and not name.endswith("__"):
            what = f"{name!r} is private to {of or PACKAGE}"
            yield Breach(module.path, line, what, "Take what it is for, or let it have a public name")


def _not_handed_out(module: Module, door: Module, name: str, line: int) -> Iterator[Breach]:
    if name not in door.hands_out():
        what = f"{door.wing} hands out no {name!r}"
        do = f"Take what {door.wing}/__init__.py names in `__all__`; name it there if it is for others"
        yield Breach(module.path, line, what, do)


def _by_its_own_door(house: House, module: Module, taken: Taken) -> Iterator[Breach]:
    if taken.name not in house.rooms((module.wing,)):
        what = f"a room of {module.wing} takes {taken.name!r} by its own wing's door, which is a circle"
        yield Breach(module.path, taken.line, what, "Take it of the room where it is")


def _used(tree: ast.AST, names: dict[str, Module]) -> Iterator[tuple[str, str, int]]:
    """`name.attribute` for each of these names, where no function has made the name its own."""
    for node in ast.iter_child_nodes(tree):
        inside = names
        if isinstance(node, Function | ast.Lambda):
            own = {each.arg for each in ast.walk(node.args) if isinstance(each, ast.arg)}
            own |= {
                each.id for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)
            }
            inside = {name: wing for name, wing in names.items() if name not in own}
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in inside:
            yield node.value.id, node.attr, node.lineno
        yield from _used(node, inside)


def _bad_door(house: House, folder: Module) -> Iterator[Breach]:
    """What is wrong with an `__init__`."""
    path, bound = folder.path, folder.bound()
    said = ast.get_docstring(folder.tree) or ""
    if not said.endswith(".") or _SECOND.search(said):
        do = "Begin its __init__ with one sentence that says what lives there"
        yield Breach(path, 1, f"{'.'.join(folder.names)} does not say in one sentence what it is", do)
    for name, line in folder.named().items():
        if name not in bound:
            what = f"`__all__` names {name!r}, which is not there"
            yield Breach(path, line, what, "Import it, or take it out of `__all__`")
    for room in house.rooms(folder.names):
        line, is_the_room = bound.get(room, (0, True))
        if not is_the_room:
            what = f"{room!r} hides the room of the same name"
            yield Breach(path, line, what, "Give one of the two another name: the room, by what it does")
