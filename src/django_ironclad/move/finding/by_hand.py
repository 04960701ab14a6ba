"""Their authenticator called past DRF: in a middleware, a GraphQL view, a plain view."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..findings import Finding
from ..packages import Package
from ..project import Source


def find(source: Source, package: Package) -> Iterator[Finding]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call):
            within = package.within(source.dotted(node.func)) or ""
            if within.startswith((".authentication.", ".auth.")):
                says = (
                    f"{source.shown(node)}: goes on working where there is a counterpart; "
                    "BearerMiddleware sets request.user in every view of Django's"
                )
                yield Finding("M013", source.name, node.lineno, "to know", says)
