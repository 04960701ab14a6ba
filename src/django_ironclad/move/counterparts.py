"""Which of their names ours has, read from our source: nothing is imported, and nothing promised that is not there."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Final

from .packages import Package

#: What holds the whole package.
_ROOT: Final = Path(__file__).parents[2]


def counterpart(package: Package, dotted: str) -> str | None:
    """Our dotted name in the place of one of theirs, or None."""
    within = package.within(dotted)
    if not package.ours or within is None or dotted.startswith(package.ours):
        return None
    ours = f"{package.ours}{within}"
    module, _, name = ours.rpartition(".")
    if _file(ours) or name in _bound(module):
        return ours
    return None


def is_there(package: Package) -> bool:
    """Whether we have a compatibility module for this package."""
    return bool(package.ours and _file(package.ours))


def has_models(package: Package) -> bool:
    """Whether our compatibility module is an app of its own."""
    return is_there(package) and bool(_file(f"{package.ours}.models") or _file(f"{package.ours}.apps"))


@lru_cache(maxsize=64)
def _file(module: str) -> Path | None:
    """Where a module of ours is. `find_spec` would import what it is in, and that has models of no app yet."""
    path = _ROOT.joinpath(*module.split("."))
    files = (path.with_name(f"{path.name}.py"), path / "__init__.py")
    return next((file for file in files if file.is_file()), None)


@lru_cache(maxsize=64)
def _bound(module: str) -> frozenset[str]:
    """The names that a module's own statements give to whoever imports it."""
    file = _file(module)
    if file is None:
        return frozenset()
    return frozenset(_names(ast.parse(file.read_text()).body))


def _names(statements: Iterable[ast.stmt]) -> Iterator[str]:
    for node in statements:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name))
        elif isinstance(node, ast.If):
            yield from _names([*node.body, *node.orelse])
