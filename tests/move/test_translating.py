"""What the report says of each setting, by its value."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.test import override_settings

from django_ironclad.move import PACKAGES, Project, report

pytestmark = pytest.mark.django_db
PEM = ed25519.Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def told(setting: str, given: dict[str, Any], package: str = "simplejwt") -> dict[str, tuple[str, str]]:
    """By the member: its code, and what is said of it."""
    with override_settings(**{setting: given}):
        found = report(Project(()), PACKAGES[package]).findings
    settings = [each for each in found if each.where.startswith(setting) and each.code.startswith("M03")]
    return {each.where.removeprefix(setting).strip("[]'"): (each.code, each.says) for each in settings}


@pytest.mark.parametrize(
    ("name", "value", "code", "word"),
    [
        ("ACCESS_TOKEN_LIFETIME", timedelta(minutes=5), "M030", "'ACCESS_TOKEN_LIFETIME'"),
        ("ACCESS_TOKEN_LIFETIME", timedelta(hours=24), "M030", "W002"),
        ("ACCESS_TOKEN_LIFETIME", timedelta(milliseconds=5), "M032", "a second or more"),
        ("REFRESH_TOKEN_LIFETIME", timedelta(days=7), "M030", "'SESSION_LIFETIME'"),
        ("UPDATE_LAST_LOGIN", True, "M030", "'UPDATE_LAST_LOGIN'"),
        ("ISSUER", "https://a.example", "M030", "'ISSUER'"),
        ("AUDIENCE", ["a", "b"], "M032", "one text"),
        ("LEEWAY", 300, "M032", "seconds=60"),
        ("LEEWAY", timedelta(seconds=20), "M030", "'LEEWAY'"),
        ("SIGNING_KEY", "a secret", "M031", "old token"),
        ("JTI_CLAIM", None, "M032", "log in again"),
        ("USER_ID_FIELD", "uuid", "M031", "old token"),
        ("AUTH_HEADER_TYPES", ("JWT",), "M031", "authenticator"),
        ("JWK_URL", "https://a.example/jwks", "M033", "another issuer"),
        ("USER_AUTHENTICATION_RULE", "shop.rule", "M033", "backends"),
        ("CHECK_USER_IS_ACTIVE", False, "M033", "inactive"),
        ("AUTH_COOKIE", "access", "M034", "no setting of theirs"),
    ],
)
def test_each_member_of_simple_jwt_is_translated_or_refused_with_its_reason(
    name: str, value: Any, code: str, word: str
) -> None:
    said = told("SIMPLE_JWT", {name: value})[name]
    assert said[0] == code
    assert word in said[1]


def test_what_is_as_by_default_needs_no_word() -> None:
    rule = "rest_framework_simplejwt.authentication.default_user_authentication_rule"
    given = {"JWK_URL": None, "CHECK_USER_IS_ACTIVE": True, "USER_AUTHENTICATION_RULE": rule, "LEEWAY": 0}
    assert told("SIMPLE_JWT", given).keys() & given.keys() == set()


def test_a_rotating_refresh_lifetime_is_that_of_rest() -> None:
    given = {"REFRESH_TOKEN_LIFETIME": timedelta(days=7), "ROTATE_REFRESH_TOKENS": True}
    said = told("SIMPLE_JWT", given)["REFRESH_TOKEN_LIFETIME"][1]
    assert said.startswith("IRONCLAD['REFRESH_TOKEN_LIFETIME'];")


def test_a_key_is_taken_over_where_it_is_a_pem_and_never_shown() -> None:
    taken, refused = (
        told("SIMPLE_JWT", {"ALGORITHM": "EdDSA", "SIGNING_KEY": key})["SIGNING_KEY"] for key in (PEM, "hunter2")
    )
    assert (taken[0], refused[0]) == ("M030", "M032")
    assert PEM not in taken[1]
    assert "hunter2" not in refused[1]


def test_what_is_in_ironclad_already_is_only_to_be_known() -> None:
    given = {"ACCESS_TOKEN_LIFETIME": timedelta(minutes=5), "ISSUER": "shop"}
    with override_settings(SIMPLE_JWT=given, IRONCLAD={"ISSUER": "shop", "UPDATE_LAST_LOGIN": False}):
        found = {each.where: each.does for each in report(Project(()), PACKAGES["simplejwt"]).findings}
    assert found["SIMPLE_JWT['ISSUER']"] == "to know"
    assert found["SIMPLE_JWT['ACCESS_TOKEN_LIFETIME']"] == "by hand"


@pytest.mark.parametrize(
    ("package", "setting", "name", "value", "code"),
    [
        ("drf-jwt", "JWT_AUTH", "JWT_EXPIRATION_DELTA", timedelta(minutes=9), "M030"),
        ("drf-jwt", "JWT_AUTH", "JWT_PAYLOAD_HANDLER", "a.b", "M032"),
        ("drf-jwt", "JWT_AUTH", "JWT_VERIFY", False, "M033"),
        ("drf-jwt", "JWT_AUTH", "JWT_SECRET_KEY", "x", "M031"),
        ("ninja-jwt", "NINJA_JWT", "ACCESS_TOKEN_LIFETIME", timedelta(minutes=9), "M030"),
        ("dj-rest-auth", "REST_AUTH", "JWT_AUTH_COOKIE", "access", "M032"),
        ("djoser", "DJOSER", "TOKEN_MODEL", None, "M032"),
        ("knox", "REST_KNOX", "TOKEN_TTL", timedelta(hours=10), "M031"),
    ],
)
def test_the_other_packages_settings_have_their_places_too(
    package: str, setting: str, name: str, value: Any, code: str
) -> None:
    assert told(setting, {name: value}, package)[name][0] == code


def test_whoever_shares_the_key_is_told_of() -> None:
    with override_settings(SIMPLE_JWT={"SIGNING_KEY": "shared", "AUDIENCE": "warehouse"}):
        found = [each.where for each in report(Project(()), PACKAGES["simplejwt"]).findings if each.code == "M043"]
    assert found == ["SIMPLE_JWT['AUDIENCE']", "SIMPLE_JWT['SIGNING_KEY']"]
