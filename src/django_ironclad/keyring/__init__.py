"""The keys of this process."""

from . import configured

__all__ = ["configured"]
