"""The keys of this process."""

from . import configured
from .configured import KeyFileMissing, get_key_ring, get_refresh_secrets, get_verifier, key_files

__all__ = ["KeyFileMissing", "configured", "get_key_ring", "get_refresh_secrets", "get_verifier", "key_files"]
