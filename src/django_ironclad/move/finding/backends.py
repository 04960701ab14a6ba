"""Their token backend, by which a project signs or reads past the token classes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ..findings import Finding
from ..packages import Package
from ..project import Source

_NAMES: Final = {".state.token_backend", ".backends.TokenBackend"}


def find(source: Source, package: Package) -> Iterator[Finding]:
    for node, within in source.names(package):
        if within in _NAMES:
            says = f"{source.shown(node)}: django_ironclad.auth.verify(text) reads a token, auth.login(user) issues one"
            yield Finding("M021", source.name, node.lineno, "by hand", says)
