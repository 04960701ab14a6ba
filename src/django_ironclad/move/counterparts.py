"""Which of their names ours has, read from our source: nothing is imported, and nothing promised that is not there."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from .packages import Package


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
    """Of its parents only the packages are imported, which hold nothing but a sentence."""
    try:
        spec = find_spec(module)
    except ModuleNotFoundError:
        return None
    return Path(spec.origin) if spec and spec.origin else None


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
