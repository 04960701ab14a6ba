"""`RefreshToken.for_user(…)` for an object that is made on the spot: a session belongs to a user."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from ..findings import Finding
from ..packages import Package
from ..project import Source

_STAND_INS: Final = ("types.SimpleNamespace", "unittest.mock.", "collections.namedtuple")


def find(source: Source, package: Package) -> Iterator[Finding]:
    own = {node.name for node in ast.walk(source.tree) if isinstance(node, ast.ClassDef) and not node.bases}
    made = {
        target.id
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Assign) and _is_made_up(source, node.value, own)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "for_user":
            theirs = package.within(source.dotted(node.func)) is not None
            if theirs and any(_is_made_up(source, each, own) or _is_of(each, made) for each in node.args):
                says = f"{source.shown(node)}: nobody is there to have a session; sign such a token yourself"
                yield Finding("M016", source.name, node.lineno, "by hand", says)


def _is_made_up(source: Source, node: ast.expr, own: set[str]) -> bool:
    if not isinstance(node, ast.Call):
        return False
    return source.dotted(node.func).startswith(_STAND_INS) or _is_of(node.func, own)


def _is_of(node: ast.expr, names: set[str]) -> bool:
    return isinstance(node, ast.Name) and node.id in names
