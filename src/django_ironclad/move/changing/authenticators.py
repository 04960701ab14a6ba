"""Ours before an authenticator of theirs that stays: the first that knows a token takes it."""

from __future__ import annotations

import libcst as cst

from ..finding.authenticators import OURS
from ..packages import Package
from ..project import Project, Source
from .lists import Several, put_before, texts


def rule(project: Project, source: Source, package: Package) -> cst.CSTTransformer | None:
    return _Authenticators(package) if any(name in source.text for name in package.beside) else None


class _Authenticators(cst.CSTTransformer):
    def __init__(self, package: Package) -> None:
        super().__init__()
        self.package = package

    def leave_List(self, original_node: cst.List, updated_node: cst.List) -> cst.List:
        return self._put(updated_node)

    def leave_Tuple(self, original_node: cst.Tuple, updated_node: cst.Tuple) -> cst.Tuple:
        return self._put(updated_node)

    def _put(self, node: Several) -> Several:
        names = texts(node) or []
        at = next((at for at, name in enumerate(names) if name in self.package.beside), None)
        return node if at is None or OURS in names else put_before(node, at, [OURS])
