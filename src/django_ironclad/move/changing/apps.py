"""Ours in INSTALLED_APPS: before the app it belongs to, or in the place of the one that it replaces."""

from __future__ import annotations

import libcst as cst

from .. import apps
from ..packages import Package
from ..project import Project, Source
from .lists import Several, put_before, texts


def rule(project: Project, source: Source, package: Package) -> cst.CSTTransformer | None:
    sources = project.parsed(apps.WORD)
    marker, missing = apps.marker_in(sources, package), apps.missing_in(sources, package)
    found = [names for _, names in apps.lists_of_apps(source.tree) if marker in names]
    return _Apps(marker, missing, package) if found else None


class _Apps(cst.CSTTransformer):
    def __init__(self, marker: str, missing: list[str], package: Package) -> None:
        super().__init__()
        self.marker, self.missing, self.package, self.within = marker, missing, package, 0

    def visit_Assign(self, node: cst.Assign) -> None:
        self.within += any(_is_of_apps(each.target) for each in node.targets)

    def leave_Assign(self, original_node: cst.Assign, updated_node: cst.Assign) -> cst.Assign:
        self.within -= any(_is_of_apps(each.target) for each in original_node.targets)
        return updated_node

    def visit_AnnAssign(self, node: cst.AnnAssign) -> None:
        self.within += _is_of_apps(node.target)

    def leave_AnnAssign(self, original_node: cst.AnnAssign, updated_node: cst.AnnAssign) -> cst.AnnAssign:
        self.within -= _is_of_apps(original_node.target)
        return updated_node

    def visit_AugAssign(self, node: cst.AugAssign) -> None:
        self.within += _is_of_apps(node.target)

    def leave_AugAssign(self, original_node: cst.AugAssign, updated_node: cst.AugAssign) -> cst.AugAssign:
        self.within -= _is_of_apps(original_node.target)
        return updated_node

    def leave_List(self, original_node: cst.List, updated_node: cst.List) -> cst.List:
        return self._put(updated_node)

    def leave_Tuple(self, original_node: cst.Tuple, updated_node: cst.Tuple) -> cst.Tuple:
        return self._put(updated_node)

    def _put(self, node: Several) -> Several:
        names = texts(node) if self.within else None
        if names is None or self.marker not in names:
            return node
        wanted = apps.changed(names, self.marker, self.package, self.missing)
        new = [name for name in wanted if name not in names]
        if not new and self.marker in wanted:
            return node
        return put_before(node, names.index(self.marker), new, replacing=self.marker not in wanted)


def _is_of_apps(target: cst.BaseExpression) -> bool:
    return isinstance(target, cst.Name) and target.value.endswith(apps.WORD)
