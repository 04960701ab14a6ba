"""BROWSER TESTS ONLY: the demo with switches that make it fail on request (`campus.faults`)."""

from __future__ import annotations

from datetime import timedelta

from .settings_demo import *  # noqa: F403
from .settings_demo import IRONCLAD, MIDDLEWARE

# The grace that the client will meet.
IRONCLAD = {**IRONCLAD, "REUSE_GRACE": timedelta(seconds=10)}

MIDDLEWARE = ["campus.faults.Faults", *MIDDLEWARE]

# A good hash takes longer than all that is tried here.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
