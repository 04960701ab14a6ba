"""One table of cases on every surface: the same status, the same error, the same challenge, the same SQL."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import override_settings

from ..conftest import Person
from .surfaces import SURFACES, Surface
from .table import CASES, Case
from .world import World

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.frameworks.surfaces")]


@pytest.fixture(autouse=True)
def scopes() -> Iterator[None]:
    with override_settings(IRONCLAD={"SCOPES": lambda user, groups: ["read", "write"]}):
        yield


def _name(surface: Surface) -> str:
    return surface.name if getattr(surface, "middleware", True) else f"{surface.name} without the middleware"


@pytest.mark.parametrize("surface", SURFACES, ids=_name)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_surface_answers_the_same(case: Case, surface: Surface, ada: Person, has_groups: bool) -> None:
    if case.groups and not has_groups:
        pytest.skip("this user model has no groups")
    if case.http and not surface.http:
        pytest.skip("only HTTP has this")

    assert surface.call(case, World(ada)) == case.expected


def test_the_table_is_no_smaller_than_it_was() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 65
