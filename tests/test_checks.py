"""Each system check, provoked; and a project that does as the README says hears none of ours."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from django.conf import settings
from django.core.checks import run_checks
from django.test import override_settings


def heard(*, deploy: bool = False) -> set[str]:
    messages = run_checks(include_deployment_checks=deploy)
    assert all(message.hint for message in messages if message.id.startswith("ironclad."))
    return {message.id for message in messages if message.id.startswith("ironclad.")}


def pem(private: Any) -> str:
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return str(private.private_bytes(encoding, form, serialization.NoEncryption()).decode())


ED25519 = pem(ed25519.Ed25519PrivateKey.generate())


def test_these_settings_are_fine() -> None:
    assert heard() == set()
    with override_settings(SESSION_COOKIE_SECURE=True):
        assert heard(deploy=True) == set()


def test_the_middleware_stands_before_djangos_csrf_check() -> None:
    with override_settings(MIDDLEWARE=sorted(settings.MIDDLEWARE, key=lambda path: "Bearer" in path)):
        assert heard() == {"ironclad.E001"}


def test_samesite_none_needs_secure() -> None:
    with override_settings(IRONCLAD={"COOKIE_SAMESITE": "None"}):
        assert heard() == {"ironclad.E002"}
    with override_settings(IRONCLAD={"COOKIE_SAMESITE": "None"}, SESSION_COOKIE_SECURE=True):
        assert heard() == set()


def test_a_cookie_without_secure_is_told_at_deployment() -> None:
    assert heard(deploy=True) == {"ironclad.W001"}
    with override_settings(IRONCLAD={"TRANSPORTS": ["body"]}):
        assert heard(deploy=True) == set()


@pytest.mark.parametrize(
    ("ironclad", "expected"),
    [
        ({"ACCESS_TOKEN_LIFETIME": timedelta(minutes=61)}, {"ironclad.W002"}),
        ({"DRF_JWT_TOKEN_LIFETIME": timedelta(hours=2)}, {"ironclad.W002"}),
        ({"ACCESS_TOKEN_LIFETIME": timedelta(minutes=60)}, set()),
        ({"KEYS": [ED25519]}, {"ironclad.W004"}),
        ({"KEYS": [ED25519], "ISSUER": "https://api.example.org"}, set()),
    ],
)
def test_what_is_risky_in_production_is_told_at_deployment(ironclad: dict[str, Any], expected: set[str]) -> None:
    with override_settings(IRONCLAD=ironclad, SESSION_COOKIE_SECURE=True):
        assert heard(deploy=True) == expected
        assert heard() == set()


def test_rsa_is_told_at_deployment() -> None:
    key = pem(rsa.generate_private_key(public_exponent=65537, key_size=2048))
    ironclad = {"KEYS": [key], "ISSUER": "https://api.example.org"}
    with override_settings(IRONCLAD=ironclad, SESSION_COOKIE_SECURE=True):
        assert heard(deploy=True) == {"ironclad.W003"}


def test_a_key_file_that_others_may_read_is_told_at_deployment(tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    file.write_text(ED25519)
    for path in (file, str(file)):
        ironclad = {"KEYS": [path], "ISSUER": "https://api.example.org"}
        with override_settings(IRONCLAD=ironclad, SESSION_COOKIE_SECURE=True):
            file.chmod(0o644)
            assert heard(deploy=True) == {"ironclad.W005"}
            file.chmod(0o600)
            assert heard(deploy=True) == set()
