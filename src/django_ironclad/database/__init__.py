"""What Django's ORM lacks: statements compiled once, what is committed now, clocks, and where sessions are."""

from . import clocks, committed

__all__ = ["clocks", "committed"]
