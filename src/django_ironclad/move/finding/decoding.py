"""Tokens decoded or made past every library: `jwt.decode(token, settings.SECRET_KEY, …)`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from ..findings import Finding
from ..packages import Package
from ..project import Source

#: By whom, and what to write instead.
_INSTEAD: Final = {
    "decode": "django_ironclad.auth.verify(token) reads what is issued from now on; another service reads jwks.json",
    "encode": "django_ironclad.auth.login(user) issues tokens; what you sign yourself nobody accepts",
}
_KEYS: Final = ("SECRET_KEY", "SIGNING_KEY", "VERIFYING_KEY", "PUBLIC_KEY", "PRIVATE_KEY")


def find(source: Source, package: Package) -> Iterator[Finding]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call):
            module, _, name = source.dotted(node.func).rpartition(".")
            if module in {"jwt", "jose.jwt", "authlib.jose.jwt"} and name in _INSTEAD:
                # With another key it may be anybody's token, such as Apple's.
                ours = any(key in (ast.get_source_segment(source.text, node) or "") for key in _KEYS)
                says = f"{source.shown(node.func)}(…): {_INSTEAD[name]}"
                yield Finding("M011", source.name, node.lineno, "by hand" if ours else "to know", says)
