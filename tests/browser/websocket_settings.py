"""BROWSER TESTS ONLY: the demo with tokens so short that a websocket outlives several."""

from __future__ import annotations

from datetime import timedelta

from campus.settings_demo import *  # noqa: F403
from campus.settings_demo import IRONCLAD

IRONCLAD = {**IRONCLAD, "ACCESS_TOKEN_LIFETIME": timedelta(seconds=6)}
