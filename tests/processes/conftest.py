"""One PostgreSQL for all of these tests."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from .servers import PostgreSQL, postgresql

#: These start a PostgreSQL of their own, and belong into the one run that has one.
if not os.environ.get("DATABASE_URL", "").startswith("postgres"):
    collect_ignore_glob = ["test_*"]

#: The full forms, which `scripts/stress` runs.
STRESS = bool(os.environ.get("STRESS"))


@pytest.fixture(scope="session")
def database() -> Iterator[PostgreSQL]:
    with postgresql() as server:
        yield server
