"""Their tables of tokens in queries: those know nothing of ours."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from ..findings import Finding
from ..packages import Package
from ..project import Source

_TABLES: Final = {
    ".token_blacklist.models.OutstandingToken",
    ".token_blacklist.models.BlacklistedToken",
    ".blacklist.models.BlacklistedToken",
    ".models.AuthToken",
    ".models.Token",
}


def find(source: Source, package: Package) -> Iterator[Finding]:
    for node, within in source.names(package):
        if isinstance(node, ast.Name | ast.Attribute) and within in _TABLES:
            says = (
                f"{source.shown(node)}: knows the old tokens only; sessions.revoke_all(user) ends every session, "
                "sessions.revoke(sid) one, and ironclad_prune cleans up"
            )
            # Those of a package that stays beside ours go on.
            yield Finding("M015", source.name, node.lineno, "to know" if package.beside else "by hand", says)
