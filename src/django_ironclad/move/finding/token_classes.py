"""Token classes of one's own: a kind of token is no setting of ours."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from ..findings import Finding
from ..packages import Package
from ..project import Source

_NAMES: Final = ("Token", "AccessToken", "RefreshToken", "SlidingToken", "BlacklistMixin")
_BASES: Final = {f".tokens.{name}" for name in _NAMES}


def find(source: Source, package: Package) -> Iterator[Finding]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ClassDef) and any(package.within(source.dotted(base)) in _BASES for base in node.bases):
            says = (
                f"class {node.name}: for a link in a mail take django.core.signing, for a lifetime of its own "
                "auth.login(…, access_lifetime=…), for a claim IRONCLAD['CLAIMS']"
            )
            yield Finding("M018", source.name, node.lineno, "by hand", says)
