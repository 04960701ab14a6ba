"""The codemod, for who has LibCST: django-ironclad[move]."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import unified_diff

from .packages import Package
from .project import Project, Source


class LibCSTMissing(Exception):
    """The extra `move` is not installed."""


def rewritten(project: Project, package: Package, *, phase: int) -> list[tuple[Source, str]]:
    """Each file that changes, with its new text. Raises LibCSTMissing."""
    try:
        from .changing import changed
    except ImportError:
        raise LibCSTMissing("The changes need LibCST: pip install 'django-ironclad[move]'") from None
    return list(changed(project, package, phase=phase))


def diff(changes: list[tuple[Source, str]]) -> Iterator[str]:
    """As `git apply` takes it."""
    for source, text in changes:
        name = source.name.lstrip("/")
        before, after = source.text.splitlines(keepends=True), text.splitlines(keepends=True)
        for line in unified_diff(before, after, f"a/{name}", f"b/{name}"):
            yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def write(changes: list[tuple[Source, str]]) -> None:
    for source, text in changes:
        source.path.write_bytes(text.encode("utf-8", "surrogateescape"))
