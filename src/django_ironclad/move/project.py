"""The project's own Python files, read once each."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from .packages import Package

#: What is nobody's own code, besides virtual environments and whatever begins with a dot.
_FOREIGN: Final = {"__pycache__", "node_modules", "site-packages"}


@dataclass(frozen=True)
class Source:
    """One file. `name` is its path as the report shows it."""

    path: Path
    name: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """Raises SyntaxError."""
        return ast.parse(self.text)

    @cached_property
    def is_python(self) -> bool:
        try:
            return bool(self.tree)
        except (SyntaxError, UnicodeEncodeError):
            return False

    @cached_property
    def imported(self) -> dict[str, str]:
        """What each imported name stands for, dotted."""
        found = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    first = alias.name.partition(".")[0]
                    found[alias.asname or first] = alias.name if alias.asname else first
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                for alias in node.names:
                    found[alias.asname or alias.name] = f"{node.module}.{alias.name}"
        return found

    def dotted(self, node: ast.AST) -> str:
        """What an expression such as `tokens.RefreshToken` names, by this file's imports; "" for what names nothing."""
        if isinstance(node, ast.Name):
            return self.imported.get(node.id, "")
        if isinstance(node, ast.Attribute) and (of := self.dotted(node.value)):
            return f"{of}.{node.attr}"
        return ""

    def shown(self, node: ast.AST) -> str:
        """The first line of the code of a node."""
        return (ast.get_source_segment(self.text, node) or "").partition("\n")[0].strip()

    def names(self, package: Package) -> Iterator[tuple[ast.expr, str]]:
        """Each expression that names something of theirs, or its counterpart, with what `Package.within` says."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load):
                within = package.within(self.dotted(node))
                if within:
                    yield node, within


@dataclass(frozen=True)
class Project:
    """The Python files below these folders, and these files themselves."""

    paths: tuple[Path, ...]

    @cached_property
    def sources(self) -> list[Source]:
        found = {}
        here = Path.cwd()
        for path in self._files():
            shown = path.relative_to(here) if path.is_relative_to(here) else path
            # As Python itself reads a file: a text in another encoding is one that we leave alone.
            found[path] = Source(path, shown.as_posix(), path.read_bytes().decode("utf-8", "surrogateescape"))
        return list(found.values())

    @cached_property
    def _parsed(self) -> dict[str, list[Source]]:
        return {}

    def parsed(self, word: str) -> list[Source]:
        """The files with this word in their text that can be read as Python."""
        if word not in self._parsed:
            self._parsed[word] = [source for source in self.naming([word]) if source.is_python]
        return self._parsed[word]

    def naming(self, words: Iterable[str]) -> Iterator[Source]:
        """The files with one of these words in their text. Most have none, and are not parsed."""
        words = tuple(words)
        return (source for source in self.sources if any(word in source.text for word in words))

    def _files(self) -> Iterator[Path]:
        for path in self.paths:
            if path.is_file():
                yield path.resolve()
            for folder, folders, files in os.walk(path):
                here = Path(folder).resolve()
                folders[:] = sorted(name for name in folders if _is_own(here / name))
                yield from (here / name for name in sorted(files) if name.endswith(".py"))


def _is_own(folder: Path) -> bool:
    foreign = folder.name in _FOREIGN or folder.name.startswith(".")
    return not foreign and not (folder / "pyvenv.cfg").exists()
