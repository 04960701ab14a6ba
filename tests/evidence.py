"""The tests that the documents name as evidence must exist, and must have run: `python -m tests.evidence FOLDER`.

A document names a test as `tests/test_x.py::test_name`, one of the browser client as `client/tests/x.test.ts::title`.
Where the environment variable `EVIDENCE` names a folder, a run of pytest writes there what passed and what was skipped;
Vitest's JSON reporter does the same. With `EVIDENCE_REQUIRED`, a skipped test is as bad as none.
"""

from __future__ import annotations

import ast
import json
import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
_NAME = re.compile(r"`((?:tests/[\w/]+\.py|client/tests/[\w.]+\.ts)::[^`]+)`")

#: Of this run: the tests that passed, and why others were skipped. A test with several parameters is one.
_passed: set[str] = set()
_skipped: dict[str, str] = {}


def named() -> dict[str, set[str]]:
    """Each test that a document names, with the documents that do."""
    documents = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
    found: dict[str, set[str]] = {}
    for document in documents:
        for name in _NAME.findall(document.read_text()):
            found.setdefault(name, set()).add(document.relative_to(ROOT).as_posix())
    return found


def missing(names: Iterable[str]) -> list[str]:
    """Those for which there is no such function, or no such title, in no such file."""
    return [name for name in sorted(names) if not _exists(*name.split("::", 1))]


def _exists(file: str, name: str) -> bool:
    path = ROOT / file
    if not path.is_file():
        return False
    if path.suffix == ".ts":
        return f'test("{name}"' in path.read_text()
    functions = ast.FunctionDef | ast.AsyncFunctionDef
    return any(isinstance(node, functions) and node.name == name for node in ast.parse(path.read_text()).body)


def pytest_runtest_logreport(report: Any) -> None:
    name = report.nodeid.partition("[")[0]
    if report.skipped:
        _skipped[name] = report.longrepr[2] if isinstance(report.longrepr, tuple) else "skipped"
    elif report.when == "call" and report.passed:
        _passed.add(name)


def pytest_sessionfinish(session: Any) -> None:
    folder = os.environ.get("EVIDENCE")
    if folder:
        text = json.dumps({"passed": sorted(_passed), "skipped": _skipped})
        Path(folder, f"pytest-{os.getpid()}.json").write_text(text)


def ran(folder: Path) -> tuple[set[str], dict[str, str]]:
    """What passed in any of the runs, and why others were skipped."""
    passed: set[str] = set()
    skipped: dict[str, str] = {}
    for file in folder.glob("*.json"):
        run = json.loads(file.read_text())
        if "testResults" in run:  # Vitest's
            for file_of_tests in run["testResults"]:
                path = Path(file_of_tests["name"]).resolve().relative_to(ROOT).as_posix()
                tests = file_of_tests["assertionResults"]
                passed |= {f"{path}::{test['title']}" for test in tests if test["status"] == "passed"}
        else:
            passed |= set(run["passed"])
            skipped |= run["skipped"]
    return passed, skipped


def judge(folder: Path, *, required: bool) -> tuple[list[str], int]:
    """What there is to say, and the exit code: 1 where a named test did not run or, if `required`, was skipped."""
    names = named()
    passed, skipped = ran(folder)
    absent = {name: skipped.get(name, "it did not run") for name in sorted(names.keys() - passed)}
    said = [f"{name}, named in {', '.join(sorted(names[name]))}: {why}" for name, why in absent.items()]
    said.append(f"{len(names) - len(absent)} of the {len(names)} tests that the documents name ran and passed.")
    return said, int(any(required or name not in skipped for name in absent))


if __name__ == "__main__":
    lines, code = judge(Path(sys.argv[1]), required=bool(os.environ.get("EVIDENCE_REQUIRED")))
    sys.stdout.writelines(f"{line}\n" for line in lines)
    sys.exit(code)
