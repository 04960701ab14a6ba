"""A project as somebody deploys it; `PROCESS_SETTINGS`, in JSON, says how this host differs from the others."""

import json
import os
from datetime import timedelta
from typing import Any

from tests.settings import *  # noqa: F403
from tests.settings import DATABASES, PASSWORD_HASHERS

_host = json.loads(os.environ.get("PROCESS_SETTINGS", "{}"))

ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "tests.processes.urls"
WSGI_APPLICATION = "tests.processes.wsgi.application"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "rest_framework",
    "django_ironclad",
    "tests.campus",
]
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
TEMPLATES: list[dict[str, Any]] = []
MIDDLEWARE = [
    "tests.processes.reports.middleware",
    "django_ironclad.middleware.BearerMiddleware",
]
#: Seconds, as JSON has no timedelta.
IRONCLAD: dict[str, Any] = {name: timedelta(seconds=seconds) for name, seconds in _host.get("IRONCLAD", {}).items()}
if "REALM" in _host:
    IRONCLAD["REALM"] = lambda request: _host["REALM"]

PASSWORD_HASHERS = _host.get("PASSWORD_HASHERS", PASSWORD_HASHERS)

DATABASES["default"] |= _host.get("DATABASE", {})
# As a project has them that wants no request to wait for a database that is gone.
DATABASES["default"].setdefault("OPTIONS", {}).update(
    {"connect_timeout": 2, "tcp_user_timeout": 1000, "options": "-c statement_timeout=30s"}
)
if "REPLICA" in _host:
    DATABASES["replica"] = DATABASES["default"] | _host["REPLICA"]
    DATABASE_ROUTERS = ["tests.processes.routing.Replicas"]
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {"asyncio": {"level": "WARNING"}},
}
