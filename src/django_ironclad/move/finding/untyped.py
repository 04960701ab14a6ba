"""`UntypedToken(text)`, by which websockets and endpoints of one's own look at a token."""

from __future__ import annotations

from collections.abc import Iterator

from ..findings import Finding
from ..packages import Package
from ..project import Source


def find(source: Source, package: Package) -> Iterator[Finding]:
    for node, within in source.names(package):
        if within == ".tokens.UntypedToken":
            says = (
                "UntypedToken: django_ironclad.auth.authenticate(text) finds the user, too, and refuses whose session "
                "has ended; for websockets there is django_ironclad.channels"
            )
            yield Finding("M014", source.name, node.lineno, "to know", says)
