"""Each system check, provoked; and a project that does as the README says hears none of ours."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from django.conf import settings
from django.core.checks import run_checks
from django.db import connection
from django.test import override_settings

from django_ironclad import checks

ROOT = Path(__file__).parents[1]
SAFE: dict[str, Any] = {
    "SECRET_KEY": "0123456789abcdef" * 4,
    "SESSION_COOKIE_SECURE": True,
    "AUTH_PASSWORD_VALIDATORS": [{"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"}],
}


def heard(*, deploy: bool = False) -> set[str]:
    messages = run_checks(include_deployment_checks=deploy)
    ours = [message for message in messages if message.id.startswith("ironclad.")]
    assert all(message.hint for message in ours)
    return {message.id.removeprefix("ironclad.") for message in ours}


def pem(private: Any) -> str:
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return str(private.private_bytes(encoding, form, serialization.NoEncryption()).decode())


ED25519 = pem(ed25519.Ed25519PrivateKey.generate())
URL = "https://api.example.org"


@pytest.fixture(autouse=True)
def _database_is_fine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever database these tests run on: its settings are the subject of one test only."""
    options = dict.fromkeys(checks.TIMEOUTS.get(connection.vendor, ()), 2)
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", options)
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", 60)


def test_these_settings_are_fine() -> None:
    assert heard() == set()
    with override_settings(**SAFE):
        assert heard(deploy=True) == set()


def test_the_middleware_stands_before_djangos_csrf_check() -> None:
    with override_settings(MIDDLEWARE=sorted(settings.MIDDLEWARE, key=lambda path: "Bearer" in path)):
        assert heard() == {"E001"}


def test_something_has_to_look_at_tokens() -> None:
    without = [path for path in settings.MIDDLEWARE if "Bearer" not in path]
    with override_settings(MIDDLEWARE=without):
        assert heard() == set()
        with override_settings(REST_FRAMEWORK={}):
            assert heard() == {"W006"}
    with override_settings(REST_FRAMEWORK={}):
        assert heard() == set()


class Elsewhere:
    """A router that sends sessions away."""

    def db_for_write(self, model: type[Any], **_: object) -> str | None:
        return "elsewhere" if model._meta.app_label == "ironclad" else None


def test_sessions_and_users_share_a_database() -> None:
    with override_settings(DATABASE_ROUTERS=["tests.test_checks.Elsewhere"]):
        assert {message.id for message in checks.check_settings()} == {"ironclad.E004"}


WILD = ["https://*.example.org"]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"IRONCLAD": {"COOKIE_SAMESITE": "None"}, "SESSION_COOKIE_SECURE": False}, {"E002"}),
        ({"IRONCLAD": {"COOKIE_SAMESITE": "None"}}, set()),
        ({"IRONCLAD": {"COOKIE_SAMESITE": "None"}, "CSRF_TRUSTED_ORIGINS": WILD}, {"E003"}),
        ({"IRONCLAD": {"COOKIE_SAMESITE": "None", "TRANSPORTS": ["body"]}, "CSRF_TRUSTED_ORIGINS": WILD}, set()),
        ({"CSRF_TRUSTED_ORIGINS": WILD}, set()),
        ({"CORS_ALLOW_ALL_ORIGINS": True}, set()),
        ({"CORS_ALLOW_ALL_ORIGINS": True, "CORS_ALLOW_CREDENTIALS": True}, {"E005"}),
    ],
)
def test_what_is_unsafe_together_is_an_error(more: dict[str, Any], expected: set[str]) -> None:
    with override_settings(**SAFE | more):
        assert heard() == expected


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"SESSION_COOKIE_SECURE": False}, {"W001"}),
        ({"SESSION_COOKIE_SECURE": False, "IRONCLAD": {"TRANSPORTS": ["body"]}}, set()),
        ({"IRONCLAD": {"ACCESS_TOKEN_LIFETIME": timedelta(minutes=61)}}, {"W002"}),
        ({"IRONCLAD": {"DRF_JWT_TOKEN_LIFETIME": timedelta(hours=2)}}, {"W002"}),
        ({"IRONCLAD": {"ACCESS_TOKEN_LIFETIME": timedelta(minutes=60)}}, set()),
        ({"IRONCLAD": {"KEYS": [ED25519]}}, {"W004"}),
        ({"IRONCLAD": {"KEYS": [ED25519], "ISSUER": URL, "AUDIENCE": "others"}}, set()),
        ({"IRONCLAD": {"AUDIENCE": "others"}}, {"W008"}),
        ({"CSRF_TRUSTED_ORIGINS": WILD}, {"W007"}),
        ({"SECRET_KEY": "short"}, {"E006"}),
        ({"SECRET_KEY": "django-insecure-" + "0123456789abcdef" * 4}, {"E006"}),
        ({"PASSWORD_HASHERS": ["django.contrib.auth.hashers.MD5PasswordHasher"]}, {"W013"}),
        ({"AUTH_PASSWORD_VALIDATORS": []}, {"W014"}),
        ({"IRONCLAD": {"COOKIE_NAME": "my-refresh"}}, {"W015"}),
        ({"IRONCLAD": {"COOKIE_NAME": "my-refresh", "TRANSPORTS": ["body"]}}, set()),
        ({"IRONCLAD": {"COOKIE_NAME": "my-secret"}}, set()),
        ({"AXES_LOCKOUT_PARAMETERS": ["username"]}, {"W012"}),
        ({"INSTALLED_APPS": [app for app in settings.INSTALLED_APPS if app != "axes"]}, {"W011"}),
    ],
)
def test_what_is_risky_in_production_is_told_at_deployment(more: dict[str, Any], expected: set[str]) -> None:
    with override_settings(**SAFE | more):
        assert heard(deploy=True) == expected


def test_rsa_is_told_at_deployment() -> None:
    key = pem(rsa.generate_private_key(public_exponent=65537, key_size=2048))
    with override_settings(**SAFE, IRONCLAD={"KEYS": [key], "ISSUER": URL}):
        assert heard(deploy=True) == {"W003"}


def test_a_key_file_that_others_may_read_is_told_at_deployment(tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    file.write_text(ED25519)
    for path in (file, str(file)):
        with override_settings(**SAFE, IRONCLAD={"KEYS": [path], "ISSUER": URL}):
            file.chmod(0o644)
            assert heard(deploy=True) == {"W005"}
            file.chmod(0o600)
            assert heard(deploy=True) == set()


@pytest.mark.skipif("connection.vendor == 'sqlite'", reason="SQLite has no server that could stop answering")
def test_a_database_without_timeouts_or_lasting_connections_is_told_at_deployment() -> None:
    with override_settings(**SAFE):
        connection.settings_dict["OPTIONS"] = {"connect_timeout": 2}
        assert heard(deploy=True) == {"W009"}
        connection.settings_dict["CONN_MAX_AGE"] = 0
        assert heard(deploy=True) == {"W009", "W010"}
        connection.settings_dict["OPTIONS"] = {"connect_timeout": 2, "tcp_user_timeout": 2000, "pool": True}
        assert heard(deploy=True) == set()


def test_each_check_has_its_line_in_the_docs() -> None:
    source = (ROOT / "src/django_ironclad/checks.py").read_text()
    docs = (ROOT / "docs/checks.md").read_text()
    ids = {part[:4] for part in source.split('id="ironclad.')[1:]}
    assert len(ids) > 20
    assert {identifier for identifier in ids if f"`ironclad.{identifier}`" not in docs} == set()


def test_a_default_project_that_follows_the_readme_hears_nothing(tmp_path: Path) -> None:
    """And at deployment only what nobody but the project can know."""
    django = [sys.executable, "-m", "django"]
    # With the environment of the tests, it would be their project.
    clean = {
        name: value for name, value in os.environ.items() if name not in ("DJANGO_SETTINGS_MODULE", "DATABASE_URL")
    }
    subprocess.run([*django, "startproject", "site_of_mine", str(tmp_path)], check=True, env=clean)
    settings_file = tmp_path / "site_of_mine" / "settings.py"
    text = settings_file.read_text()
    csrf = '    "django.middleware.csrf.CsrfViewMiddleware",'.replace('"', "'")
    assert csrf in text
    text = text.replace(csrf, f"    'django_ironclad.middleware.BearerMiddleware',\n{csrf}")
    text = text.replace("INSTALLED_APPS = [", "INSTALLED_APPS = [\n    'django_ironclad',")
    text += '\nREST_FRAMEWORK = {"DEFAULT_AUTHENTICATION_CLASSES": ["django_ironclad.drf.BearerAuthentication"]}\n'
    settings_file.write_text(text)
    program = (
        "import json, django; django.setup(); from django.core.checks import run_checks as run;"
        "print(json.dumps([[m.id for m in run(include_deployment_checks=deploy)] for deploy in (False, True)]))"
    )
    environment = clean | {"DJANGO_SETTINGS_MODULE": "site_of_mine.settings", "PYTHONWARNINGS": "error"}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    plain, deployed = json.loads(done.stdout)
    assert plain == []
    assert {each for each in deployed if each.startswith("ironclad.")} == {
        "ironclad.E006",  # startproject's SECRET_KEY
        "ironclad.W001",  # SESSION_COOKIE_SECURE
        "ironclad.W011",  # who limits logins
    }
