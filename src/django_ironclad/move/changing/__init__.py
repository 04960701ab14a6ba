"""What the codemod changes, by LibCST: one rule a room, each only what the report says will change."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import libcst

from ..packages import Package
from ..project import Project, Source
from . import apps, authenticators, imports, settings, strings

Rule = Callable[[Project, Source, Package], libcst.CSTTransformer | None]

#: Those that belong to the first phase: both kinds of tokens are read, and they still issue.
_FIRST: Final[tuple[Rule, ...]] = (
    # The first goes by lines, as they are before anything else changes.
    settings.rule,
    apps.rule,
    authenticators.rule,
    strings.first_rule,
)
_SECOND: Final[tuple[Rule, ...]] = (*_FIRST, strings.rule, imports.rule)


def changed(project: Project, package: Package, *, phase: int) -> Iterator[tuple[Source, str]]:
    """Each file that changes, with its new text. Comments, quotes and line ends stay."""
    words = (*package.modules, *package.settings, *package.beside, "APPS", "REST_FRAMEWORK")
    for source in project.naming(words):
        if not source.is_python:
            continue
        rules = _FIRST if phase == 1 else _SECOND
        transformers = [each for rule in rules if (each := rule(project, source, package)) is not None]
        if not transformers:
            continue
        module = libcst.parse_module(source.text)
        for transformer in transformers:
            needed = transformer.METADATA_DEPENDENCIES
            module = libcst.MetadataWrapper(module).visit(transformer) if needed else module.visit(transformer)
        if module.code != source.text:
            yield source, module.code
