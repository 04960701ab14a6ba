"""A project with two tenants. `TENANTS` says what each has of its own: a database, a schema, or its host only."""

import json
import os
from typing import Any

import dj_database_url

SHAPE = os.environ["TENANTS"]
_host = json.loads(os.environ.get("PROCESS_SETTINGS", "{}"))

SECRET_KEY = "a-secret-key-of-the-tests-only-7f3b9c1e5d"
ALLOWED_HOSTS = ["*"]
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ROOT_URLCONF = "tests.tenants.urls"
PASSWORD_HASHERS = ["tests.campus.hashers.QuickHasher"]
USERS = _host.get("USERS", ["django.contrib.auth", "django.contrib.contenttypes", "django_ironclad"])
MIDDLEWARE = [
    "tests.processes.reports.middleware",
    "tests.tenants.routing.by_host" if SHAPE == "databases" else "django_tenants.middleware.main.TenantMainMiddleware",
    "django_ironclad.middleware.BearerMiddleware",
]
REST_FRAMEWORK = {"DEFAULT_AUTHENTICATION_CLASSES": ["django_ironclad.drf.BearerAuthentication"]}
IRONCLAD: dict[str, Any] = {"REALM": "tests.tenants.routing.realm_of"}
if "REALM" in _host:
    IRONCLAD = {"REALM": _host["REALM"]}

_database: dict[str, Any] = {**dj_database_url.config(), **_host.get("DATABASE", {})}
if SHAPE == "databases":
    INSTALLED_APPS = [*USERS, "rest_framework"]
    DATABASES = {"default": _database}
    for _name in ("acme", "globex"):
        _files = _database["ENGINE"].endswith("sqlite3")
        DATABASES[_name] = {**_database, "NAME": f"{_database['NAME']}-{_name}" if _files else _name}
    DATABASE_ROUTERS = ["tests.tenants.routing.Router"]
else:
    # Each tenant with users of its own, or all with the same.
    SHARED_APPS = ["django_tenants", "tests.tenants.tenancy", *(USERS if SHAPE == "shared" else [])]
    TENANT_APPS = ["django.contrib.messages"] if SHAPE == "shared" else USERS
    if "SHARED" in _host:
        SHARED_APPS += _host["SHARED"]
        TENANT_APPS = [app for app in TENANT_APPS if app not in _host["SHARED"]]
    INSTALLED_APPS = [*SHARED_APPS, *(app for app in TENANT_APPS if app not in SHARED_APPS), "rest_framework"]
    DATABASES = {"default": {**_database, "ENGINE": "django_tenants.postgresql_backend"}}
    DATABASE_ROUTERS = ["django_tenants.routers.TenantSyncRouter"]
    TENANT_MODEL, TENANT_DOMAIN_MODEL = "tenancy.Tenant", "tenancy.Domain"
