"""Dotted names in texts, as settings and `mock.patch` have them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Final

from ..counterparts import counterpart
from ..findings import Finding
from ..packages import Package
from ..project import Source
from .imports import STAYS

_DOTTED: Final = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+\Z")


def find(source: Source, package: Package) -> Iterator[Finding]:
    if not package.ours:
        return
    skipped = {id(node) for node in _in_their_settings(source.tree, package)}
    for node in ast.walk(source.tree):
        if not (isinstance(node, ast.Constant) and isinstance(node.value, str)) or id(node) in skipped:
            continue
        if is_of_theirs(node.value, package):
            if ours := counterpart(package, node.value):
                yield Finding("M002", source.name, node.lineno, "changes", f"{node.value} → {ours}")
            else:
                yield Finding("M010", source.name, node.lineno, "by hand", f"{node.value}: no counterpart here")


def is_of_theirs(text: str, package: Package) -> bool:
    """Whether a text is the dotted name of something of theirs, and no app of INSTALLED_APPS."""
    within = package.within(text) if _DOTTED.match(text) else None
    return bool(within) and not text.startswith(package.ours) and not str(within).startswith(STAYS)


def _in_their_settings(tree: ast.Module, package: Package) -> Iterator[ast.AST]:
    """What describes the old tokens stays as it is, for whoever reads them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id in package.settings for target in node.targets
        ):
            yield from ast.walk(node.value)
