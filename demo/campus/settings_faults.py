"""BROWSER TESTS ONLY: the demo with switches that make it fail on request (`campus.faults`)."""

from __future__ import annotations

from .settings_demo import *  # noqa: F403
from .settings_demo import MIDDLEWARE

MIDDLEWARE = ["campus.faults.Faults", *MIDDLEWARE]
