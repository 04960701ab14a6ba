"""Imports of their modules: those with a counterpart change by themselves, a file's all together or none."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..counterparts import counterpart
from ..findings import Finding
from ..packages import Package
from ..project import Source

#: Their tables stay where they are, and so does whoever imports them.
STAYS = ".token_blacklist"


def find(source: Source, package: Package) -> Iterator[Finding]:
    if not package.ours:
        return
    found = list(of_theirs(source.tree, package))
    missing = {name for _, names in found for name in names if not counterpart(package, name)}
    for node, names in found:
        without = [name for name in names if name in missing]
        if without:
            says = f"{', '.join(without)}: no counterpart here; the imports of this file stay as they are"
            yield Finding("M010", source.name, node.lineno, "by hand", says)
        elif missing:
            yield Finding("M001", source.name, node.lineno, "by hand", f"{source.shown(node)}: stays with the others")
        else:
            yield Finding("M001", source.name, node.lineno, "changes", source.shown(node))


def of_theirs(tree: ast.Module, package: Package) -> Iterator[tuple[ast.stmt, list[str]]]:
    """Each import statement of theirs that is to change, with the names that it needs a counterpart of.

    `import rest_framework_simplejwt.views` binds their package itself, and `*` everything: nothing of ours is that.
    """
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name if alias.asname else f"{alias.name}.*" for alias in node.names]
        theirs = [name for name in names if package.within(name) is not None and not name.startswith(package.ours)]
        if isinstance(node, ast.Import | ast.ImportFrom) and not all(_stays(name, package) for name in theirs):
            yield node, theirs


def _stays(name: str, package: Package) -> bool:
    return str(package.within(name)).startswith(STAYS)
