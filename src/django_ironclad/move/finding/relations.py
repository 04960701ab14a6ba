"""Relations of the project's own models to their tables, and migrations that wait for theirs."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from ..findings import Finding
from ..packages import Package
from ..project import Source

_LABELS: Final = ("token_blacklist", "knox", "authtoken")
_FIELDS: Final = {"ForeignKey", "OneToOneField", "ManyToManyField"}


def find(source: Source, package: Package) -> Iterator[Finding]:
    says = "their tables can go only when this relation has: keep the session's id (request.auth.sid) instead"
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and _name(node.func) in _FIELDS and node.args:
            to = node.args[0]
            named = str(to.value) if isinstance(to, ast.Constant) else package.within(source.dotted(to)) or ""
            if named.partition(".")[0] in _LABELS or ".models." in named:
                yield Finding("M022", source.name, node.lineno, "by hand", f"{source.shown(node)}: {says}")
        elif isinstance(node, ast.Tuple) and node.elts and _text(node.elts[0]) in _LABELS and len(node.elts) == 2:
            yield Finding("M022", source.name, node.lineno, "to know", f"{source.shown(node)}: {says}")


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _text(node: ast.expr) -> str:
    return str(node.value) if isinstance(node, ast.Constant) else ""
