"""A statement that gives IRONCLAD its members, behind each that gives theirs: with the same expressions."""

from __future__ import annotations

import libcst as cst
from libcst.metadata import PositionProvider

from .. import written
from ..packages import Package
from ..project import Project, Source


def rule(project: Project, source: Source, package: Package) -> cst.CSTTransformer | None:
    if written.is_there(project):
        return None
    new: dict[int, str] = {}
    for setting, moved in written.to_write(package):
        if written.is_proved(project, setting):
            for each in written.statements(source, setting):
                if text := written.beside(source, each, moved):
                    new[each.node.lineno] = text
    return _Beside(new) if new else None


class _Beside(cst.CSTTransformer):
    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self, new: dict[int, str]) -> None:
        super().__init__()
        self.new = new

    def visit_Module(self, node: cst.Module) -> None:
        self.config, self.newline = node.config_for_parsing, node.default_newline

    def leave_SimpleStatementLine(
        self, original_node: cst.SimpleStatementLine, updated_node: cst.SimpleStatementLine
    ) -> cst.SimpleStatementLine | cst.FlattenSentinel[cst.BaseStatement]:
        line = self.get_metadata(PositionProvider, original_node).start.line
        if line not in self.new or len(original_node.body) > 1:
            return updated_node
        text = self.newline.join([*self.new[line].split("\n"), ""])
        module = cst.parse_module(text, config=self.config)
        return cst.FlattenSentinel([updated_node, *module.body])
