"""What a project's user model is like: which classes it is, its keys and names as texts, its groups."""

from . import groups, naming

__all__ = ["groups", "naming"]
