"""Their settings, read by the project's own code: `settings.SIMPLE_JWT["ACCESS_TOKEN_LIFETIME"]`, `api_settings`."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..findings import Finding
from ..packages import Package
from ..project import Source


def find(source: Source, package: Package) -> Iterator[Finding]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.keyword) and node.arg in package.settings:
            says = f"{node.arg}=…: what IRONCLAD says counts now, here too"
            yield Finding("M020", source.name, node.lineno, "by hand", says)
        if not isinstance(node, ast.Attribute | ast.Name) or not isinstance(node.ctx, ast.Load):
            continue
        of_django = isinstance(node, ast.Attribute) and source.dotted(node.value) in {
            "django.conf.settings",
            "rest_framework.settings",
        }
        if of_django and isinstance(node, ast.Attribute) and node.attr in package.settings:
            says = f"{source.shown(node)}: read django_ironclad.conf.get_settings() for what IRONCLAD says now"
            yield Finding("M020", source.name, node.lineno, "by hand", says)
        elif package.within(source.dotted(node)) == ".settings.api_settings":
            says = "api_settings: read django_ironclad.conf.get_settings() for what IRONCLAD says now"
            yield Finding("M020", source.name, node.lineno, "by hand", says)
