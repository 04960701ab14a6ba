"""Subclasses of their authenticator that read the token from a cookie, and whether they check for forged requests."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from ..findings import Finding
from ..packages import Package
from ..project import Source

_CHECKS: Final = {"CSRFCheck", "enforce_csrf", "csrf_protect", "CsrfViewMiddleware"}


def find(source: Source, package: Package) -> Iterator[Finding]:
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.ClassDef) or not is_authenticator(source, package, node):
            continue
        names = {each.attr for each in ast.walk(node) if isinstance(each, ast.Attribute)}
        names |= {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
        if "COOKIES" in names:
            checks = "it checks for forged requests" if names & _CHECKS else "nothing in it checks for forged requests"
            says = (
                f"class {node.name} reads a cookie, and {checks}; take our cookie transport, whose access token "
                "no cookie carries"
            )
            yield Finding("M012", source.name, node.lineno, "by hand", says)


def is_authenticator(source: Source, package: Package, node: ast.ClassDef) -> bool:
    bases = [package.within(source.dotted(base)) or "" for base in node.bases]
    return any(base.startswith(".authentication.") for base in bases)
