"""What of a project's code a move is about: one rule a room, each read from the syntax tree alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from ..findings import Finding
from ..packages import Package
from ..project import Project, Source
from . import (
    authenticators,
    backends,
    by_hand,
    cookies,
    decoding,
    imports,
    made_up,
    overrides,
    relations,
    settings_read,
    stateless,
    strings,
    tables,
    token_classes,
    untyped,
)

Rule = Callable[[Source, Package], Iterator[Finding]]

RULES: Final[tuple[Rule, ...]] = (
    imports.find,
    strings.find,
    authenticators.find,
    decoding.find,
    cookies.find,
    by_hand.find,
    untyped.find,
    tables.find,
    made_up.find,
    overrides.find,
    token_classes.find,
    stateless.find,
    settings_read.find,
    backends.find,
    relations.find,
)

#: A file that has none of these words, nor a name of the package, is not about tokens.
_WORDS: Final = ("jwt", "token_blacklist", "TokenAuthentication")


def find(project: Project, package: Package) -> Iterator[Finding]:
    """Everything that the rules find in the files of a project, each once."""
    for source in project.naming((*package.modules, package.ours or package.modules[0], *package.settings, *_WORDS)):
        if source.is_python:
            yield from sorted({finding for rule in RULES for finding in rule(source, package)})
        else:
            yield Finding("M023", source.name, 0, "by hand", "no Python that can be read here; look at it yourself")
