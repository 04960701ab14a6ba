"""`get_token` and `validate` of their serializers, overridden."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from ..findings import Finding
from ..packages import Package
from ..project import Source

_SAYS: Final = {
    "get_token": "asked at the login, whose session keeps what it sets; IRONCLAD['CLAIMS'] is asked at each refresh",
    "validate": "what it adds to the answer stays in it",
}


def find(source: Source, package: Package) -> Iterator[Finding]:
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.ClassDef):
            continue
        bases = [package.within(source.dotted(base)) or "" for base in node.bases]
        if any(base.startswith(".serializers.") for base in bases):
            for each in node.body:
                if isinstance(each, ast.FunctionDef) and each.name in _SAYS:
                    says = f"{node.name}.{each.name}: {_SAYS[each.name]}"
                    yield Finding("M017", source.name, each.lineno, "to know", says)
