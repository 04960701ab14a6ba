"""Where a project with a replica reads and writes: Django's own example of a router."""

from __future__ import annotations

from typing import Any


class Replicas:
    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "replica"

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return "default"

    def allow_relation(self, one: Any, other: Any, **hints: Any) -> bool:
        return True
