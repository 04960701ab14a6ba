"""The faults that can be put into a module: each changes one node of its syntax tree."""

from __future__ import annotations

import ast
import copy
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
    ast.Mod: ast.Mult,
}


@dataclass(frozen=True)
class Mutant:
    """A module with one fault in it."""

    #: The function that it is in, "" for the module itself, and what became of what: a name that outlives line numbers.
    where: str
    what: str
    line: int
    _tree: ast.Module = field(repr=False)
    _node: ast.AST = field(repr=False)
    _changed: ast.AST = field(repr=False)

    @property
    def name(self) -> str:
        return f"{self.where}: {self.what}" if self.where else self.what

    @property
    def source(self) -> str:
        memo = {id(self._node): self._changed}
        return ast.unparse(ast.fix_missing_locations(copy.deepcopy(self._tree, memo)))


def mutants(source: str) -> list[Mutant]:
    tree = ast.parse(source)
    seen: Counter[str] = Counter()
    found = []
    for where, node, changed, what in _faults(tree):
        seen[f"{where}{what}"] += 1
        number = seen[f"{where}{what}"]
        found.append(Mutant(where, what if number == 1 else f"{what} ({number})", node.lineno, tree, node, changed))
    return found


def _faults(tree: ast.Module) -> Iterator[tuple[str, ast.expr | ast.stmt, ast.AST, str]]:
    for where, node in _nodes(tree, ""):
        for changed in _changes(node):
            after = "removed" if isinstance(changed, ast.Pass) else _text(changed)
            if isinstance(node, ast.Call) and isinstance(changed, ast.Call):
                after = next(f"without {keyword.arg}" for keyword in node.keywords if keyword not in changed.keywords)
            yield where, node, changed, f"{_text(node)} → {after}"


def _text(node: ast.AST) -> str:
    if isinstance(node, ast.Try):
        node = node.handlers[0].type or node
    text = ast.unparse(node).splitlines()[0]
    return text if len(text) <= 90 else text[:87] + "…"


def _nodes(node: ast.AST, where: str, *, in_function: bool = False) -> Iterator[tuple[str, ast.expr | ast.stmt]]:
    """Whatever is run, with the function that it is in. Annotations, docstrings and words of errors are not."""
    for child in ast.iter_child_nodes(node):
        inner, deeper = where, in_function
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            # What a function defines goes by the name of the function.
            inner = where if in_function else f"{where}.{child.name}".lstrip(".")
            deeper = in_function or not isinstance(child, ast.ClassDef)
        if _is_said(node, child):
            continue
        if isinstance(child, (ast.expr, ast.stmt)):
            yield inner, child
        yield from _nodes(child, inner, in_function=deeper)


def _is_said(parent: ast.AST, node: ast.AST) -> bool:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
        return True
    if isinstance(node, (ast.JoinedStr, ast.Import, ast.ImportFrom)):
        return True
    if node is getattr(parent, "annotation", None) or node is getattr(parent, "returns", None):
        return True
    if isinstance(parent, (ast.FunctionDef, ast.ClassDef)) and node in parent.decorator_list:
        return True
    # What only a type checker reads.
    if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "Literal":
        return True
    if isinstance(parent, ast.Call) and ast.unparse(parent.func) == "cast" and node is parent.args[0]:
        return True
    # What an error says, and what a log line says.
    return isinstance(parent, ast.Raise) or (
        isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and "logger" in ast.unparse(node.func)
    )


def _changes(node: ast.expr | ast.stmt) -> Iterator[ast.AST]:
    match node:
        case ast.Compare(ops=ops):
            for at, operator in enumerate(ops):
                other = copy.deepcopy(node)
                other.ops[at] = _COMPARISONS[type(operator)]()
                yield other
        case ast.BoolOp(op=op):
            yield ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), node.values)
            for at in range(len(node.values)):
                rest = node.values[:at] + node.values[at + 1 :]
                yield rest[0] if len(rest) == 1 else ast.BoolOp(op, rest)
        case ast.UnaryOp(op=ast.Not() | ast.USub()):
            yield node.operand
        case ast.BinOp(op=op) if type(op) in _OPERATORS:
            yield ast.BinOp(node.left, _OPERATORS[type(op)](), node.right)
        case ast.Constant(value=bool()):
            yield ast.Constant(not node.value)
        case ast.Constant(value=int() | float()):
            yield ast.Constant(node.value + 1)
            yield ast.Constant(node.value - 1)
        case ast.Constant(value=str() | bytes()):
            yield ast.Constant(node.value + ("x" if isinstance(node.value, str) else b"x"))
        case ast.IfExp():
            yield node.body
            yield node.orelse
        case ast.If() | ast.While():
            other = copy.deepcopy(node)
            other.test = ast.Constant(isinstance(node, ast.If))
            yield other
            if isinstance(node, ast.If):
                other = copy.deepcopy(node)
                other.test = ast.Constant(value=False)
                yield other
        case ast.Return(value=ast.expr() as value) if not isinstance(value, ast.Constant):
            yield ast.Return(ast.Constant(None))
        case ast.Expr() | ast.Raise() | ast.AugAssign() | ast.Continue() | ast.Break():
            yield ast.Pass()
        case ast.Try(handlers=[ast.ExceptHandler(type=ast.Tuple(elts=kinds))]):
            for at in range(len(kinds)):
                other = copy.deepcopy(node)
                del other.handlers[0].type.elts[at]  # type: ignore[union-attr]
                yield other
        case ast.Call(keywords=[_, *_]):
            for at, keyword in enumerate(node.keywords):
                if keyword.arg is not None:
                    yield ast.Call(node.func, node.args, node.keywords[:at] + node.keywords[at + 1 :])
