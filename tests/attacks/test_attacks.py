"""Each case of `cases/` is an attack that must fail: against the verifier, and against the demo by HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from . import runner
from .runner import Case
from .service import Answer, Service, attacked
from .stories import DOORS, Story, at_every_door, claims_of

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


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with attacked(tmp_path_factory.mktemp("attacked") / "data") as service:
        yield service


@pytest.fixture(scope="module")
def good(service: Service) -> dict[str, Any]:
    """The claims of a session that lives."""
    story = Story(service, next(case for case in CASES if case.step))
    story.login("user")
    return claims_of(story.names["user_access"])


@pytest.fixture(scope="module")
def refused(service: Service) -> dict[str, Answer]:
    """How each door answers what is no token at all."""
    return {door: service.bearer(door, "no-token") for door in DOORS}


@pytest.mark.parametrize("case", [each for each in by("http") if each.values[0].token])
def test_every_door_withstands(case: Case, service: Service, good: dict[str, Any], refused: dict[str, Answer]) -> None:
    at_every_door(service, case, good, refused)


@pytest.mark.parametrize("case", [each for each in by("http") if each.values[0].step])
def test_the_demo_withstands(case: Case, service: Service) -> None:
    Story(service, case).tell()
