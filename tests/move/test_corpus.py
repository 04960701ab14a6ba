"""The codemod on small projects as people have them: what it changed runs, what it left is in its report."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from django_ironclad.move import PACKAGES

from .projects import SmallProject, corpus, run

CORPUS = corpus()


def missing(project: SmallProject) -> str:
    """What this project wants and is not here."""
    package = PACKAGES[project.package]
    # Who reads tokens is what every project needs a counterpart of.
    wanted = [*package.modules, package.ours and f"{package.ours}.authentication"]
    return ", ".join(name for name in wanted if name and not is_there(name))


def is_there(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False


EACH = pytest.mark.parametrize(
    "project",
    [
        pytest.param(project, marks=pytest.mark.skipif(bool(why), reason=f"no {why} here"))
        for project in CORPUS
        for why in [missing(project)]
    ],
    ids=[project.name for project in CORPUS],
)


class Runs:
    """What each project answered before and after; the second is asked only once the first is there."""

    def __init__(self, root: Path) -> None:
        self.projects = [project for project in CORPUS if not missing(project)]
        self.folders = {project.name: project.write(root / project.name) for project in self.projects}
        self.before, self.after = self._run("before"), self._run("after")

    def _run(self, stage: str) -> dict[str, Any]:
        packages = {project.name: project.package for project in self.projects}
        settings = {project.name: project.expected.get("settings", "shop.settings") for project in self.projects}
        return run(stage, self.folders, packages, settings)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return Runs(tmp_path_factory.mktemp("corpus"))


def codes(report: dict[str, Any], *does: str) -> set[str]:
    return {finding["code"] for finding in report["findings"] if not does or finding["does"] in does}


def test_the_corpus_has_at_least_thirty_projects() -> None:
    assert len(CORPUS) >= 30


@EACH
def test_a_project_of_the_corpus_runs_before_the_move(project: SmallProject, runs: Runs) -> None:
    assert runs.before[project.name]["errors"] == []


@EACH
def test_the_report_says_what_will_change_and_what_is_known(project: SmallProject, runs: Runs) -> None:
    report = runs.before[project.name]["report"]
    in_files = codes(report, "changes") - {"M030", "M040"}

    assert in_files == project.codes("changes")
    assert codes(report) >= project.codes("known")
    assert runs.before[project.name]["code"] == (4 if report["verdict"] == "stopped" else 3)


@EACH
def test_what_it_left_is_in_its_report_and_nothing_that_would_change_by_itself(
    project: SmallProject, runs: Runs
) -> None:
    left = runs.before[project.name]["left"]

    assert codes(left, "by hand", "stops") == project.codes("left")
    assert codes(left, "changes") == set()


@EACH
def test_what_it_changed_runs(project: SmallProject, runs: Runs) -> None:
    errors = runs.after[project.name]["errors"]

    if project.expected.get("after") == "no":
        # It says so: something of what is left stands in the way.
        assert project.codes("left")
    else:
        assert errors == []


@EACH
def test_a_second_run_changes_nothing(project: SmallProject, runs: Runs) -> None:
    after = runs.after[project.name]

    assert after["diff"] == ""
    assert codes(after["report"], "changes") == set()
    assert after["code"] == {"done": 0, "work": 3, "stopped": 4}[after["report"]["verdict"]]
