"""An element put into a list or tuple as its neighbours are: on a line of its own, or behind a comma."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import libcst as cst

Several = TypeVar("Several", cst.List, cst.Tuple)


def texts(node: cst.List | cst.Tuple) -> list[str] | None:
    """Its elements if all of them are texts."""
    found = [each.value.evaluated_value if isinstance(each.value, cst.SimpleString) else None for each in node.elements]
    return [each for each in found if isinstance(each, str)] if all(isinstance(each, str) for each in found) else None


def put_before(node: Several, at: int, new: Sequence[str], *, replacing: bool = False) -> Several:
    """The list with `new` before its element `at`, in that one's quotes; with `replacing`, in its place."""
    old = cst.ensure_type(node.elements[at], cst.Element)
    quote = old.value.quote if isinstance(old.value, cst.SimpleString) else '"'
    comma = cst.Comma(whitespace_after=_gap(node, at))
    added: list[cst.Element] = [cst.Element(cst.SimpleString(f"{quote}{name}{quote}"), comma=comma) for name in new]
    if not replacing:
        added.append(old)
    elif added:
        # What stands behind the old one, a comment or nothing, belongs to what takes its place.
        added[-1] = added[-1].with_changes(comma=old.comma)
    return node.with_changes(elements=[*node.elements[:at], *added, *node.elements[at + 1 :]])


def _gap(node: cst.List | cst.Tuple, at: int) -> cst.BaseParenthesizableWhitespace:
    """What stands before an element, without a comment: that belongs to the element before."""
    before: cst.BaseParenthesizableWhitespace = cst.SimpleWhitespace(" ")
    if at:
        comma = node.elements[at - 1].comma
        before = comma.whitespace_after if isinstance(comma, cst.Comma) else before
    elif isinstance(node, cst.List):
        before = node.lbracket.whitespace_after
    elif node.lpar:
        before = node.lpar[0].whitespace_after
    if isinstance(before, cst.ParenthesizedWhitespace):
        return before.with_changes(first_line=cst.TrailingWhitespace(), empty_lines=[])
    return cst.SimpleWhitespace(" ")
