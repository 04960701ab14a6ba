"""Dotted names in texts become ours, where there is a counterpart."""

from __future__ import annotations

from collections.abc import Callable

import libcst as cst

from ..counterparts import counterpart
from ..finding.strings import is_of_theirs
from ..packages import Package
from ..project import Project, Source


def first_rule(project: Project, source: Source, package: Package) -> cst.CSTTransformer | None:
    """Of the first phase: only who reads tokens."""
    return _rule(source, package, lambda text: ".authentication." in text)


def rule(project: Project, source: Source, package: Package) -> cst.CSTTransformer | None:
    return _rule(source, package, lambda text: True)


def _rule(source: Source, package: Package, wanted: Callable[[str], bool]) -> cst.CSTTransformer | None:
    if not package.ours or not any(f"{module}." in source.text for module in package.modules):
        return None
    return _Strings(package, wanted)


class _Strings(cst.CSTTransformer):
    def __init__(self, package: Package, wanted: Callable[[str], bool]) -> None:
        super().__init__()
        self.package, self.wanted = package, wanted

    def visit_Assign(self, node: cst.Assign) -> bool:
        # What describes the old tokens stays as it is, for whoever reads them.
        names = {each.target.value for each in node.targets if isinstance(each.target, cst.Name)}
        return not names & set(self.package.settings)

    def leave_SimpleString(self, original_node: cst.SimpleString, updated_node: cst.SimpleString) -> cst.SimpleString:
        text = updated_node.evaluated_value
        if not isinstance(text, str) or not is_of_theirs(text, self.package) or not self.wanted(text):
            return updated_node
        ours = counterpart(self.package, text)
        return updated_node.with_changes(value=updated_node.value.replace(text, ours)) if ours else updated_node
