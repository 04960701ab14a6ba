"""Fixtures by pytest's own entry point, `ironclad_login` and `ironclad_events`: nothing is imported before its use."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .testing import Event, Login


@pytest.fixture
def ironclad_login(db: None) -> Callable[..., Login]:
    """`django_ironclad.testing.login`: `ironclad_login(ada, scope="grades:read").on(client)`."""
    from . import testing

    return testing.login


@pytest.fixture
def ironclad_events() -> Iterator[list[Event]]:
    """What becomes of sessions during the test: see `django_ironclad.testing.recorded`."""
    from . import testing

    with testing.recorded() as events:
        yield events
