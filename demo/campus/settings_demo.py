"""DEMO ONLY: what is loosened so that the campus runs on one's own machine, over plain http, with nothing set up."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

from django.core.management.utils import get_random_secret_key

from .settings import *  # noqa: F403
from .settings import DATA_DIR, IRONCLAD


def _kept_secret(path: Path) -> str:
    """The text in `path`, made at the first start, so that a restart signs nobody out. Only the owner may read it."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text()
    with open(descriptor, "w") as file:
        file.write(get_random_secret_key())
    return path.read_text()


DATA_DIR.mkdir(parents=True, exist_ok=True)
SECRET_KEY = _kept_secret(DATA_DIR / "secret_key")

# Reached by any name or address of this machine, and over plain http: cookies can be neither `Secure` nor `__Host-`.
ALLOWED_HOSTS = ["*"]
SECURE_SSL_REDIRECT = False
SECURE_HSTS_SECONDS = 0
SECURE_CROSS_ORIGIN_OPENER_POLICY = None  # browsers ignore it on plain http, with a warning
SESSION_COOKIE_SECURE = False
CSRF_COOKIE_SECURE = False

# Short, so that a refresh, and the end of a replayed token, can be watched; exact, because one machine has one clock.
IRONCLAD = {
    **IRONCLAD,
    "ACCESS_TOKEN_LIFETIME": timedelta(seconds=30),
    "LEEWAY": timedelta(0),
    "REUSE_GRACE": timedelta(seconds=1),
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {
        "file": {"class": "logging.FileHandler", "filename": DATA_DIR / "demo.log", "formatter": "line"},
        "terminal": {"class": "logging.StreamHandler", "level": "ERROR", "formatter": "line"},
    },
    "root": {"handlers": ["file", "terminal"], "level": "INFO"},
    "loggers": {
        # One line for each request; Django's own handlers would repeat them on the terminal.
        "django.server": {"handlers": ["file"], "propagate": False},
        "django": {"handlers": [], "level": "INFO"},
    },
}
