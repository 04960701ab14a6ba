"""The demo with passwords that cost nothing to check: what is left is time for more requests."""

from campus.settings_demo import *  # noqa: F403

PASSWORD_HASHERS = ["tests.campus.hashers.QuickHasher"]
