"""One PostgreSQL for all of these tests, and the figures that they measured, at the end."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from .servers import PostgreSQL, postgresql

#: These start a PostgreSQL of their own, and belong into the one run that has one.
if not os.environ.get("DATABASE_URL", "").startswith("postgres"):
    collect_ignore_glob = ["test_*"]

#: The full forms, which `scripts/stress` runs.
STRESS = bool(os.environ.get("STRESS"))

_figures: list[str] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _figures:
        terminalreporter.section("measured")
        for figure in _figures:
            terminalreporter.line(figure)


@pytest.fixture
def measured(request: pytest.FixtureRequest) -> Callable[[object], None]:
    """Say what was measured; it is printed at the end of the run."""
    return lambda figure: _figures.append(f"{request.node.name}: {figure}")


@pytest.fixture(scope="session")
def database() -> Iterator[PostgreSQL]:
    with postgresql() as server:
        yield server
