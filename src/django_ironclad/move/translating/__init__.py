"""What becomes of their settings, by the values that Django has loaded, whatever files and variables they come from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings

from ..findings import Finding
from ..packages import Package
from . import drf_jwt, others, simplejwt
from .translation import Translation

_TRANSLATE = {"SIMPLE_JWT": simplejwt.translate, "NINJA_JWT": simplejwt.translate, "JWT_AUTH": drf_jwt.translate}


def given_to(setting: str) -> Mapping[str, Any]:
    """The setting's members, none where it is not set."""
    found = getattr(settings, setting, None)
    return found if isinstance(found, Mapping) else {}


def translated(package: Package) -> Iterator[tuple[str, list[Translation]]]:
    """Each of the package's settings, with its members one by one, and with whatever its silence means."""
    given = [setting for setting in package.settings if hasattr(settings, setting)]
    for setting in given or package.settings[:1]:
        translate = _TRANSLATE.get(setting) or others.translate(setting)
        yield setting, list(translate(given_to(setting)))


def find(package: Package) -> Iterator[Finding]:
    for setting, members in translated(package):
        yield from (each.finding(setting) for each in members)


__all__ = ["Translation", "find", "given_to", "translated"]
