"""Phase 0 of a move: everything that it is about, and nothing changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from django.core.exceptions import ImproperlyConfigured

from . import apps, finding, served, services, tokens, translating, written
from .findings import CODES, Does, Finding
from .packages import Package
from .project import Project

#: The sections of the text, by the codes that they have.
_SECTIONS: Final = {
    "What stops the move": None,
    "Settings": ("M030", "M031", "M032", "M034"),
    "Code": ("M001", "M023"),
    "URLs": ("M040", "M040"),
    "Tokens alive": ("M041", "M042"),
    "Others": ("M043", "M050"),
}
#: What a line begins with.
_MARKS: Final[dict[Does, str]] = {"changes": "+", "by hand": "!", "to know": " ", "stops": "X"}

Verdict = Literal["done", "work", "stopped"]


@dataclass(frozen=True)
class Report:
    package: Package
    findings: list[Finding]

    @property
    def verdict(self) -> Verdict:
        """`work`: something changes, or has to be changed by hand."""
        done = {finding.does for finding in self.findings}
        return "stopped" if "stops" in done else "work" if done & {"changes", "by hand"} else "done"

    def as_json(self) -> dict[str, Any]:
        findings = [finding.as_json() for finding in self.findings]
        return {"version": 1, "from": self.package.name, "verdict": self.verdict, "findings": findings}

    def lines(self) -> Iterator[str]:
        """The report as a person reads it: a mark, a code, a place, a sentence."""
        for title in _SECTIONS:
            found = [finding for finding in self.findings if _section(finding) == title]
            if found:
                yield ""
                yield title
                for each in found:
                    yield f"  {_MARKS[each.does]} {each.code} {each.place}  {each.says}"
        counted = {does: sum(each.does == does for each in self.findings) for does in _MARKS}
        yield ""
        yield (
            f"{counted['changes']} changes by themselves (+), {counted['by hand']} by hand (!), "
            f"{counted['stops']} in the way (X), {counted['to know']} to know."
        )


def report(project: Project, package: Package, *, rewritten: bool = False) -> Report:
    """What a move from this package is about. Nothing is changed.

    `rewritten`: files have been written since Django read them, so that its settings and URLs say what was to change.
    """
    in_files = [*finding.find(project, package), *apps.find(project, package), *written.find(project, package)]
    by_hand = any(each.code == "M004" and each.does == "by hand" for each in in_files)
    found = [
        *(_translated(each, by_hand=by_hand) for each in translating.find(package)),
        *in_files,
        *services.find(package),
        *tokens.find(package),
    ]
    try:
        found += served.find(package)
    except (ImproperlyConfigured, ImportError) as error:
        found.append(Finding("M050", "ROOT_URLCONF", 0, "by hand", f"the URLs could not be read: {error}"))
    stale = {each for each in found if rewritten and each.does == "changes" and each.code in {"M030", "M040"}}
    return Report(package, sorted({*found} - stale))


def _translated(finding: Finding, *, by_hand: bool) -> Finding:
    """What nobody can write into the file that it is from is written by hand."""
    return replace(finding, does="by hand") if by_hand and finding.does == "changes" else finding


def _section(finding: Finding) -> str:
    if finding.does == "stops":
        return "What stops the move"
    code = finding.code
    for title, codes in _SECTIONS.items():
        if codes and (code in codes or (title in {"Code", "Others"} and codes[0] <= code <= codes[1])):
            return title
    return "Settings"


__all__ = ["CODES", "Report", "report"]
