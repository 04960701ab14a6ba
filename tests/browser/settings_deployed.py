"""BROWSER TESTS ONLY: the demo as somebody deploys it, with `__Host-`; `DEPLOYED`, in JSON, says what is otherwise."""

from __future__ import annotations

import json
import os
from datetime import timedelta

from campus.settings_demo import *  # noqa: F403
from campus.settings_demo import INSTALLED_APPS, IRONCLAD, MIDDLEWARE

_deployed = json.loads(os.environ.get("DEPLOYED", "{}"))

ALLOWED_HOSTS = ["app.example.test"]
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
INSTALLED_APPS = [*INSTALLED_APPS, "corsheaders"]
MIDDLEWARE = ["corsheaders.middleware.CorsMiddleware", *MIDDLEWARE]
# Longer than a test: what is refreshed, the test itself refreshes, and each time there is a next token.
IRONCLAD = {
    **IRONCLAD,
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=5),
    "REUSE_GRACE": timedelta(seconds=1),
    **_deployed.pop("IRONCLAD", {}),
}
PASSWORD_HASHERS = ["tests.campus.hashers.QuickHasher"]
globals().update(_deployed)
