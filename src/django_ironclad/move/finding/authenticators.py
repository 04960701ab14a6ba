"""An authenticator of theirs that stays, named where ours has to stand before it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from ..findings import Finding
from ..packages import Package
from ..project import Source

OURS: Final = "django_ironclad.drf.BearerAuthentication"


def find(source: Source, package: Package) -> Iterator[Finding]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.List | ast.Tuple) and isinstance(node.ctx, ast.Load):
            named = [_named(source, each) for each in node.elts]
            if set(named) & set(package.beside) and OURS not in named:
                changes = all(isinstance(each, ast.Constant) for each in node.elts)
                says = f"{source.shown(node)}: {OURS} goes before it, so that both kinds of tokens are read"
                yield Finding("M005", source.name, node.lineno, "changes" if changes else "by hand", says)


def _named(source: Source, node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    return source.dotted(node)
