"""Where INSTALLED_APPS is written down, in however many lists, and what has to be added to which."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from django.apps import apps as installed

from .counterparts import has_models, is_there
from .findings import Finding
from .packages import Package
from .project import Project, Source

OURS: Final = "django_ironclad"
#: How every name of a list of apps ends.
WORD: Final = "APPS"


def find(project: Project, package: Package) -> Iterator[Finding]:
    """The lists that change; or, where there is none that says so, what to do by hand."""
    sources = project.parsed(WORD)
    marker, missing = marker_in(sources, package), missing_in(sources, package)
    absent = [name for name in missing if not installed.is_installed(name)]
    if absent and not marker:
        says = f"no list of apps was found that can be proved to be one; add {', '.join(absent)} to it"
        yield Finding("M003", "INSTALLED_APPS", 0, "by hand", says)
    for source in sources:
        for line, texts in lists_of_apps(source.tree):
            if marker in texts and (change := changed(texts, marker, package, missing)) != texts:
                says = ", ".join(name for name in change if name not in texts)
                gone = ", ".join(name for name in texts if name not in change)
                yield Finding("M003", source.name, line, "changes", f"+ {says}" + (f" - {gone}" if gone else ""))


def lists_of_apps(tree: ast.Module) -> Iterator[tuple[int, list[str]]]:
    """Each list or tuple of texts that a name such as INSTALLED_APPS or THIRD_PARTY_APPS is given."""
    for node in ast.walk(tree):
        targets = node.targets if isinstance(node, ast.Assign) else []
        if isinstance(node, ast.AugAssign | ast.AnnAssign):
            targets = [node.target]
        if any(isinstance(each, ast.Name) and each.id.endswith(WORD) for each in targets):
            for each in ast.walk(node):
                if isinstance(each, ast.List | ast.Tuple) and all(map(_is_text, each.elts)):
                    yield each.lineno, [str(each.value) for each in each.elts if isinstance(each, ast.Constant)]


def marker_in(sources: list[Source], package: Package) -> str:
    """The app beside which ours belong: their own, or the first of these that somebody lists; "" for none."""
    written = {text for source in sources for _, texts in lists_of_apps(source.tree) for text in texts}
    theirs = [*package.apps, *package.modules, *(f"{module}.token_blacklist" for module in package.modules)]
    others = ["rest_framework", "ninja", "django.contrib.auth"]
    return next((name for name in (*theirs, *others) if name in written), "")


def missing_in(sources: list[Source], package: Package) -> list[str]:
    """Ours, and that of the compatibility module if it is an app, where no list has them."""
    wanted = [OURS, package.ours] if has_models(package) else [OURS]
    written = {text for source in sources for _, texts in lists_of_apps(source.tree) for text in texts}
    return [name for name in wanted if name not in written]


def changed(texts: list[str], marker: str, package: Package, missing: list[str]) -> list[str]:
    """A list as it should be: ours before the marker, or in its place where that is the app that ours replaces."""
    new = [name for name in missing if name not in texts]
    at = texts.index(marker)
    # Their app has no tables: it has nothing to do any more where ours has their names.
    goes = marker in package.apps and is_there(package)
    return [*texts[:at], *new, *([] if goes else [marker]), *texts[at + 1 :]]


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)
