"""Where the project's files give their settings a value, and the members of IRONCLAD that stand beside each."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal

from django.conf import settings

from .findings import Finding
from .packages import Package
from .project import Project, Source
from .translating import Translation, given_to, translated

OURS: Final = "IRONCLAD"
_COMMENT: Final = re.compile(r"\s*,?[ \t]*(#[^\r\n]*)")


@dataclass(frozen=True)
class Statement:
    """One statement that gives members: the whole dictionary, more of them, or one; or what nobody can tell."""

    node: ast.stmt
    kind: Literal["whole", "more", "one", "unknown"]
    members: Mapping[str, ast.expr]


def find(project: Project, package: Package) -> Iterator[Finding]:
    if is_there(project):
        return
    told = partial(Finding, "M004")
    for setting, moved in to_write(package):
        given = [(source, each) for source in project.parsed(setting) for each in statements(source, setting)]
        if not given:
            yield told(OURS, 0, "by hand", "no file was found where it could stand; write it as the settings below say")
        for source, each in given:
            line = each.node.lineno
            if not is_proved(project, setting):
                says = "it cannot be told from here what is in it; write IRONCLAD as the settings below say"
                # Not the statement itself: there may be a secret in it.
                yield told(source.name, line, "by hand", f"{setting}: {says}")
            elif text := beside(source, each, moved):
                yield told(source.name, line, "changes", f"+ {text.partition('{')[0].strip()} …")
        known = {name for _, each in given for name in each.members}
        for name in sorted(given_to(setting).keys() & {each.name for each in moved} - known):
            yield told(f"{setting}[{name!r}]", 0, "by hand", "no file gives it a value; write it into IRONCLAD")


def to_write(package: Package) -> Iterator[tuple[str, list[Translation]]]:
    """Behind which setting's statements ours go, and what of it is taken over.

    Where theirs is not set, its silence is: behind what says who reads tokens.
    """
    for setting, members in translated(package):
        if moved := [each for each in members if each.to]:
            yield (setting if hasattr(settings, setting) else "REST_FRAMEWORK"), moved


def is_there(project: Project) -> bool:
    """Whether somebody has given IRONCLAD a value, the codemod itself included: then it is theirs to change."""
    return any(list(statements(source, OURS)) for source in project.parsed(OURS))


def is_proved(project: Project, setting: str) -> bool:
    """Whether each statement is one that can be read, and no file names the setting by an import."""
    sources = project.parsed(setting)
    found = [each.kind for source in sources for each in statements(source, setting)]
    return "whole" in found and "unknown" not in found and not any(setting in source.imported for source in sources)


def statements(source: Source, setting: str) -> Iterator[Statement]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if len(targets) == 1 and _is_named(targets[0], setting):
                yield _of_value(node, node.value, setting)
            elif len(targets) == 1 and isinstance(targets[0], ast.Subscript) and _is_named(targets[0].value, setting):
                name = targets[0].slice
                known = isinstance(name, ast.Constant) and isinstance(node, ast.Assign)
                members = {str(name.value): node.value} if isinstance(name, ast.Constant) and known else {}
                yield Statement(node, "one" if known else "unknown", members)
        elif isinstance(node, ast.Delete):
            if any(isinstance(each, ast.Subscript) and _is_named(each.value, setting) for each in node.targets):
                yield Statement(node, "unknown", {})
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            function = node.value.func
            if isinstance(function, ast.Attribute) and _is_named(function.value, setting):
                yield _of_call(node, node.value, setting)


def _of_value(node: ast.stmt, value: ast.expr, setting: str) -> Statement:
    more = isinstance(node, ast.AugAssign)
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.BitOr) and _is_named(value.left, setting):
        more, value = True, value.right
    members: dict[str, ast.expr] = {}
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "dict" and not value.args:
        return Statement(node, "more" if more else "whole", _keywords(value))
    if not isinstance(value, ast.Dict):
        return Statement(node, "unknown", {})
    for key, each in zip(value.keys, value.values, strict=True):
        if key is None and _is_named(each, setting):
            more = True
        elif isinstance(key, ast.Constant):
            members[str(key.value)] = each
        else:
            return Statement(node, "unknown", {})
    return Statement(node, "more" if more else "whole", members)


def _of_call(node: ast.stmt, call: ast.Call, setting: str) -> Statement:
    if isinstance(call.func, ast.Attribute) and call.func.attr == "update" and len(call.args) <= 1:
        inner = _of_value(node, call.args[0], setting) if call.args else Statement(node, "more", {})
        if inner.kind != "unknown" and all(each.arg for each in call.keywords):
            return Statement(node, "more", {**inner.members, **_keywords(call)})
    return Statement(node, "unknown", {})


def _keywords(call: ast.Call) -> dict[str, ast.expr]:
    return {each.arg: each.value for each in call.keywords if each.arg}


def _is_named(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def beside(source: Source, statement: Statement, moved: Iterable[Translation]) -> str:
    """The statement of ours that stands behind one of theirs; "" where nothing of it is taken over."""
    lines = []
    for each in moved:
        value = statement.members.get(each.name)
        if value is not None:
            text = ast.get_source_segment(source.text, value) or ""
            lines += [(name, f"[{text}]" if name == "KEYS" else text, _comment(source, value)) for name in each.to]
        elif each.literal and statement.kind == "whole":
            lines += [(name, each.literal, "") for name in each.to]
    if not lines:
        return ""
    if statement.kind == "one":
        return "\n".join(f'{OURS}["{name}"] = {text}{comment}' for name, text, comment in lines)
    first = f"{OURS} = {{" if statement.kind == "whole" else f"{OURS} = {{\n    **{OURS},"
    return "\n".join([first, *(f'    "{name}": {text},{comment}' for name, text, comment in lines), "}"])


def _comment(source: Source, node: ast.expr) -> str:
    """What is remarked behind a value, on its line."""
    line = source.text.splitlines()[(node.end_lineno or 1) - 1].encode()
    found = _COMMENT.match(line[node.end_col_offset :].decode())
    return f"  {found[1]}" if found else ""
