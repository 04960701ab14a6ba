"""A file of Python as its source says: how long it is, what it imports of the package, what it names."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

PACKAGE: Final = "django_ironclad"

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Source:
    """A file of Python."""

    path: Path

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @property
    def length(self) -> int:
        return len(self.text.splitlines())

    def functions(self) -> Iterator[tuple[Function, int]]:
        """Each function with its lines, those of the functions inside it left out."""
        functions = [node for node in ast.walk(self.tree) if isinstance(node, Function)]
        for function in functions:
            inner = [each for each in ast.walk(function) if isinstance(each, Function) and each is not function]
            of_others = {line for each in inner for line in _lines(each)}
            yield function, len(set(range(function.lineno, _end(function) + 1)) - of_others)


def _lines(function: Function) -> range:
    return range(min([function.lineno, *(each.lineno for each in function.decorator_list)]), _end(function) + 1)


def _end(node: ast.stmt) -> int:
    return node.end_lineno or node.lineno


@dataclass(frozen=True)
class Taken:
    """What an import takes: `name` of the module `of`, whose names below the package are these; () is the package."""

    of: tuple[str, ...]
    #: "" where the module itself is imported.
    name: str
    known_as: str
    line: int


@dataclass(frozen=True)
class Module(Source):
    """A module of the package. `names` are those below it: `("sessions", "refresh")`; a folder is its `__init__`."""

    names: tuple[str, ...]
    is_folder: bool

    @property
    def wing(self) -> str:
        return self.names[0] if self.names else ""

    def takes(self) -> Iterator[Taken]:
        """What this module imports of the package, wherever in it."""
        here = self.names if self.is_folder else self.names[:-1]
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for each in node.names:
                    if each.name.split(".")[0] == PACKAGE:
                        yield Taken(tuple(each.name.split(".")[1:]), "", "", node.lineno)
            elif isinstance(node, ast.ImportFrom):
                below = tuple(node.module.split(".")) if node.module else ()
                if node.level:
                    of = here[: len(here) - node.level + 1] + below
                elif below[0] == PACKAGE:
                    of = below[1:]
                else:
                    continue
                for each in node.names:
                    yield Taken(of, each.name, each.asname or each.name, node.lineno)

    def bound(self) -> dict[str, tuple[int, bool]]:
        """Each name that this module has at its top, the line, and whether it is a room of its own, imported."""
        found: dict[str, tuple[int, bool]] = {}
        for node in _top(self.tree.body):
            if isinstance(node, ast.ClassDef | Function):
                found[node.name] = node.lineno, False
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                found |= {target.id: (node.lineno, False) for target in targets if isinstance(target, ast.Name)}
            elif isinstance(node, ast.ImportFrom | ast.Import):
                own = isinstance(node, ast.ImportFrom) and node.level == 1 and not node.module
                found |= {each.asname or each.name: (node.lineno, own) for each in node.names}
        return found

    def named(self) -> dict[str, int]:
        """The names in `__all__`, each with its line."""
        for node in self.tree.body:
            if isinstance(node, ast.Assign) and any(getattr(each, "id", "") == "__all__" for each in node.targets):
                texts = [each for each in ast.walk(node.value) if isinstance(each, ast.Constant)]
                return {str(each.value): each.lineno for each in texts}
        return {}

    def hands_out(self) -> set[str]:
        """What others may take of this folder: its `__all__`, or else the public names that it makes itself."""
        if named := self.named():
            return set(named)
        imported = {each.asname or each.name for node in _top(self.tree.body) for each in getattr(node, "names", ())}
        return {name for name in self.bound().keys() - imported if not name.startswith("_")}


def _top(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a module, also below an `if` or a `try` of its own."""
    for node in body:
        yield node
        if isinstance(node, ast.If | ast.Try):
            yield from _top([*node.body, *node.orelse])
