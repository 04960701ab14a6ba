"""Their users without a row: `TokenUser`, and the authenticators that make one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ..findings import Finding
from ..packages import Package
from ..project import Source

_NAMES: Final = {
    ".models.TokenUser",
    ".authentication.JWTStatelessUserAuthentication",
    ".authentication.JWTTokenUserAuthentication",
}


def find(source: Source, package: Package) -> Iterator[Finding]:
    for node, within in source.names(package):
        if within in _NAMES:
            says = (
                f"{source.shown(node)}: request.user is lazy with us, and needs no query until something is asked that "
                "the token does not say"
            )
            yield Finding("M019", source.name, node.lineno, "to know", says)
