"""Imports of theirs become imports of ours, where every name that a file imports has a counterpart."""

from __future__ import annotations

import libcst as cst
from libcst.helpers import get_full_name_for_node

from ..counterparts import counterpart
from ..finding.imports import of_theirs
from ..packages import Package
from ..project import Project, Source


def rule(project: Project, source: Source, package: Package) -> cst.CSTTransformer | None:
    names = [name for _, of_one in of_theirs(source.tree, package) for name in of_one]
    if not names or not package.ours or not all(counterpart(package, name) for name in names):
        return None
    return _Imports(package, {name for name in names if counterpart(package, name)})


class _Imports(cst.CSTTransformer):
    def __init__(self, package: Package, proved: set[str]) -> None:
        super().__init__()
        self.package, self.proved = package, proved

    def leave_ImportFrom(self, original_node: cst.ImportFrom, updated_node: cst.ImportFrom) -> cst.ImportFrom:
        module = "" if updated_node.relative or updated_node.module is None else _name(updated_node.module)
        if isinstance(updated_node.names, cst.ImportStar) or not module:
            return updated_node
        if all(f"{module}.{_name(alias.name)}" in self.proved for alias in updated_node.names):
            return updated_node.with_changes(module=self._ours(module))
        return updated_node

    def leave_Import(self, original_node: cst.Import, updated_node: cst.Import) -> cst.Import:
        aliases = [
            alias.with_changes(name=self._ours(_name(alias.name))) if _name(alias.name) in self.proved else alias
            for alias in updated_node.names
        ]
        return updated_node.with_changes(names=aliases)

    def _ours(self, module: str) -> cst.Attribute | cst.Name:
        return cst.ensure_type(cst.parse_expression(f"{self.package.ours}{self.package.within(module)}"), cst.Attribute)


def _name(node: cst.CSTNode) -> str:
    return get_full_name_for_node(node) or ""
