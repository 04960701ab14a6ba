"""The documents name tests as evidence: none that is not there; whether they ran, scripts/test asks at its end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .. import evidence


def test_every_test_that_a_document_names_is_there() -> None:
    names = evidence.named()

    assert len(names) > 150
    assert any(name.startswith("client/tests/") for name in names)
    assert evidence.missing(names) == []


def test_a_name_that_no_test_has_is_found_out() -> None:
    here = "tests/project/test_evidence.py::test_a_name_that_no_test_has_is_found_out"
    wrong = [
        "tests/project/test_evidence.py::test_nothing",
        "tests/nowhere.py::test_x",
        "client/tests/auth.test.ts::nothing",
    ]

    assert evidence.missing([here, *wrong]) == sorted(wrong)


NAMED = {"tests/a.py::test_a": {"x.md"}, "tests/a.py::test_b": {"x.md"}, "client/tests/a.test.ts::c": {"y.md"}}
RUNS: dict[str, dict[str, Any]] = {
    "sqlite": {"passed": ["tests/a.py::test_a"], "skipped": {"tests/a.py::test_b": "Skipped: only on PostgreSQL"}},
    "postgresql": {"passed": ["tests/a.py::test_b"], "skipped": {}},
    "client": {
        "testResults": [
            {
                "name": str(evidence.ROOT / "client/tests/a.test.ts"),
                "assertionResults": [{"title": "c", "status": "passed"}, {"title": "d", "status": "failed"}],
            }
        ]
    },
}


@pytest.mark.parametrize(
    ("runs", "absent", "codes"),
    [
        (["sqlite", "postgresql", "client"], [], (0, 0)),
        (["sqlite", "client"], ["tests/a.py::test_b, named in x.md: Skipped: only on PostgreSQL"], (0, 1)),
        (["sqlite", "postgresql"], ["client/tests/a.test.ts::c, named in y.md: it did not run"], (1, 1)),
        (["postgresql", "client"], ["tests/a.py::test_a, named in x.md: it did not run"], (1, 1)),
    ],
)
def test_a_named_test_must_have_passed_in_one_of_the_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runs: list[str], absent: list[str], codes: tuple[int, int]
) -> None:
    monkeypatch.setattr(evidence, "named", lambda: NAMED)
    for run in runs:
        (tmp_path / f"{run}.json").write_text(json.dumps(RUNS[run]))

    judged = [evidence.judge(tmp_path, required=required) for required in (False, True)]

    assert tuple(code for _, code in judged) == codes
    for said, _ in judged:
        assert said == [*absent, f"{3 - len(absent)} of the 3 tests that the documents name ran and passed."]
