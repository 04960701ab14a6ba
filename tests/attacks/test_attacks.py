"""Each case of `cases/` is an attack that must fail: against the verifier, and against the demo by HTTP."""

from __future__ import annotations

import pytest

from . import runner
from .runner import Case

CASES = list(runner.cases())


def by(backend: runner.Backend) -> list[object]:
    return [pytest.param(case, id=case.name) for case in CASES if backend in case.backends]


@pytest.fixture(scope="module")
def rings() -> dict[str, runner.KeyRing]:
    return runner.rings()


def test_there_are_more_than_two_hundred_attacks_each_with_a_name_of_its_own() -> None:
    assert len({case.name for case in CASES}) == len(CASES) > 200


@pytest.mark.parametrize("case", by("verifier"))
def test_the_verifier_withstands(case: Case, rings: dict[str, runner.KeyRing]) -> None:
    runner.verify(case, rings)
