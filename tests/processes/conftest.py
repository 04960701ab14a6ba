"""One PostgreSQL for all of these tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from .servers import PostgreSQL, postgresql

#: These start a PostgreSQL of their own, and belong into the one run that has one.
if not os.environ.get("DATABASE_URL", "").startswith("postgres"):
    collect_ignore_glob = ["test_*"]

#: The full forms, which `scripts/stress` runs.
STRESS = bool(os.environ.get("STRESS"))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marked before `-m` asks."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker("processes")


@pytest.fixture(scope="session")
def database() -> Iterator[PostgreSQL]:
    with postgresql() as server:
        yield server
