"""The tests' project. `DATABASE_URL`, `TEST_USER_MODEL` and `TEST_USE_TZ` choose what it runs on: see scripts/test."""

import os
from pathlib import Path

import dj_database_url

SECRET_KEY = "a-secret-key-of-the-tests-only-7f3b9c1e5d"
DEBUG = False
ALLOWED_HOSTS = ["testserver"]
# Without it, in a zone whose clocks change.
USE_TZ = os.environ.get("TEST_USE_TZ") != "0"
if not USE_TZ:
    TIME_ZONE = "Europe/Berlin"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ROOT_URLCONF = "tests.urls"
STATIC_URL = "static/"

INSTALLED_APPS = [
    "axes",
    "drf_spectacular",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "rest_framework",
    "django_ironclad",
    "tests.campus",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django_ironclad.middleware.BearerMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "axes.middleware.AxesMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

#: "auth.User", "campus.UUIDUser" or "campus.EmailUser".
AUTH_USER_MODEL = os.environ.get("TEST_USER_MODEL", "auth.User")
PASSWORD_HASHERS = [
    "tests.campus.hashers.QuickHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
# Only the tests that are about it switch it on.
AXES_ENABLED = False
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["django_ironclad.drf.BearerAuthentication"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
}

DATABASES = {"default": dj_database_url.config(default="sqlite://:memory:")}
if DATABASES["default"]["ENGINE"].endswith("mysql"):
    import pymysql

    # mysqlclient wants a compiler.
    pymysql.install_as_MySQLdb()
    DATABASES["default"]["TEST"] = {"CHARSET": "utf8mb4"}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file, so that threads race on it as they do in production.
    file = Path(os.environ.get("PYTEST_DEBUG_TEMPROOT", "/tmp")) / f"ironclad-tests-{os.getpid()}.sqlite3"
    DATABASES["default"] |= {
        "NAME": file,
        "TEST": {"NAME": file},
        "OPTIONS": {"init_command": "PRAGMA journal_mode=WAL;"},
    }
