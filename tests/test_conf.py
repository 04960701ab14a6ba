"""Settings are checked at start, read late and never show a key; a new SECRET_KEY need sign nobody out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from django_ironclad import auth
from django_ironclad.conf import Settings, get_settings, no_claims, no_scopes
from django_ironclad.errors import InvalidToken
from django_ironclad.keyring.configured import get_key_ring, get_refresh_secrets
from django_ironclad.models import Session
from django_ironclad.tokens import issue
from django_ironclad.tokens.keys import Key, derive

from .conftest import Api, Person, time_passes
from .tokens.test_keys import KEYS, P256, PEMS, PUBLIC_PEMS, pem

UNKNOWN = {
    "ISUER": "'ISSUER'",
    "issuer": "'ISSUER'",
    "ACCESS_LIFETIME": "'ACCESS_TOKEN_LIFETIME'",
    "ACCESS_TOKEN_LIFE_TIME": "'ACCESS_TOKEN_LIFETIME'",
    "SIGNING_KEY": "docs/guide.md",
    "COOKIE_SAME_SITE": "'COOKIE_SAMESITE'",
    "ISSUERS": "write 'ISSUER'",
    "xyz": "docs/guide.md",
    "CLIENTS": "docs/guide.md",
    "": "docs/guide.md",
    7: "docs/guide.md",
}

TIMES = [None, 300, 300.0, "300", True, timedelta(0), timedelta(seconds=-1), timedelta(milliseconds=999)]

#: Bad values, each with a word that the error must say about what to write.
BAD: dict[str, tuple[list[Any], str]] = {
    "ISSUER": (
        [None, "", 1, b"https://api.example.org", ["https://api.example.org"], "\ud800", "a\n", "a" * 1001],
        "https://",
    ),
    "AUDIENCE": ([None, 1, b"api", ["api"], "\ud800", "a\0", "a" * 1001], "text"),
    "REALM": (["", 1, {"a": 1}, ["a.b"], ".realm", "a..b", "a.b."], "callable"),
    "KEYS": ([None, 1, "/etc/key.pem", b"-----BEGIN", {"a": 1}, [None], [1], [["/etc/key.pem"]]], "list of PEM"),
    "ACCESS_TOKEN_LIFETIME": (TIMES, "timedelta"),
    "REFRESH_TOKEN_LIFETIME": (TIMES, "timedelta"),
    "SESSION_LIFETIME": ([*TIMES, timedelta.max], "timedelta"),
    "DRF_JWT_TOKEN_LIFETIME": (TIMES, "timedelta"),
    "REUSE_GRACE": ([*TIMES, timedelta(seconds=61)], "between 1 and 60"),
    "REVOCATION_INTERVAL": ([*TIMES, timedelta(seconds=11)], "between 1 and 10"),
    "REVOCATION_MAX_STALENESS": ([*TIMES, timedelta(seconds=301)], "5 minutes"),
    "LEEWAY": ([None, 10, "10", True, timedelta(seconds=-1), timedelta(seconds=61)], "between 0 and 60"),
    "SESSIONS_PER_USER": ([None, 0, -1, 10_001, 1.5, "50", True, [50]], "between 1 and 10000"),
    "UPDATE_LAST_LOGIN": ([None, 0, 1, "yes", [True]], "True or False"),
    "TRUSTED_PROXIES": ([None, -1, 11, 1.0, "1", False, ["10.0.0.1"]], "from 0 to 10"),
    "TRANSPORTS": ([None, [], "body", ["header"], ["body", None], {"body": 1}, [["body"]]], "body"),
    "COOKIE_NAME": (
        [None, "", 1, "a b", "a;b", "a=b", "né", "a\n", "--", "__Host-refresh", "__Secure-refresh"],
        "__Host-",
    ),
    "COOKIE_SAMESITE": ([None, False, "", "strict", "NONE", [], 1], '"Strict"'),
    "CLAIMS": ([None, "", 1, {"a": 1}, ["a.b"], ".claims", "a..b", "a.b."], "callable"),
    "SCOPES": ([None, "", 1, {"a": 1}, ["a.b"], ".scopes", "a..b", "a-b"], "callable"),
}


@pytest.mark.parametrize(("name", "suggestion"), UNKNOWN.items(), ids=repr)
def test_an_unknown_setting_is_an_error_that_names_the_nearest(name: Any, suggestion: str) -> None:
    with override_settings(IRONCLAD={name: 1}), pytest.raises(ImproperlyConfigured) as error:
        get_settings()
    assert repr(name) in str(error.value)
    assert suggestion in str(error.value)


@pytest.mark.parametrize("value", [None, "", "ISSUER", [], [("ISSUER", "a")], 1], ids=repr)
def test_settings_that_are_no_dictionary_are_an_error(value: object) -> None:
    with override_settings(IRONCLAD=value), pytest.raises(ImproperlyConfigured, match="must be a dictionary"):
        get_settings()


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [(name, value, word) for name, (values, word) in BAD.items() for value in values],
    ids=repr,
)
def test_a_bad_value_is_an_error_that_says_what_to_write(name: str, value: Any, word: str) -> None:
    with override_settings(IRONCLAD={name: value}), pytest.raises(ImproperlyConfigured) as error:
        get_settings()
    assert f"IRONCLAD['{name}']" in str(error.value)
    assert word in str(error.value)


def test_every_setting_is_tried_with_bad_values() -> None:
    assert {*BAD} == {*Settings.__dataclass_fields__}


@pytest.mark.parametrize("name", ["CLAIMS", "SCOPES", "REALM"])
def test_a_callable_that_cannot_be_imported_is_an_error_that_names_the_setting(name: str) -> None:
    for path in ("no_such_module.claims", "tests.campus.no_such_function", "claims"):
        with override_settings(IRONCLAD={name: path}), pytest.raises(ImproperlyConfigured, match=name):
            _ = getattr(get_settings(), name.lower())


def test_a_bad_setting_stops_the_start() -> None:
    for ironclad in (
        {"ISUER": "a"},
        {"LEEWAY": 5},
        {"KEYS": ["-----BEGIN nothing-----"]},
        {"CLAIMS": "tests.campus.no_such_function"},
        {"CLAIMS": "os.sep"},
        {"SCOPES": "os.path"},
    ):
        with override_settings(IRONCLAD=ironclad), pytest.raises(ImproperlyConfigured):
            apps.get_app_config("ironclad").ready()


DEFAULTS = {
    "ISSUER": "django-ironclad",
    "audience": "django-ironclad",
    "KEYS": (),
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=5),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=14),
    "SESSION_LIFETIME": timedelta(days=90),
    "DRF_JWT_TOKEN_LIFETIME": timedelta(minutes=5),
    "REUSE_GRACE": timedelta(seconds=10),
    "LEEWAY": timedelta(seconds=10),
    "REVOCATION_INTERVAL": timedelta(seconds=1),
    "REVOCATION_MAX_STALENESS": timedelta(seconds=30),
    "SESSIONS_PER_USER": 50,
    "TRUSTED_PROXIES": 0,
    "UPDATE_LAST_LOGIN": True,
    "TRANSPORTS": ("body", "cookie"),
    "COOKIE_SAMESITE": "Strict",
    "CLAIMS": no_claims,
    "SCOPES": no_scopes,
}


def test_without_settings_the_defaults_hold() -> None:
    with override_settings(IRONCLAD={}):
        held = get_settings()

    for name, value in DEFAULTS.items():
        assert getattr(held, name) == value


GOOD = {
    "ISSUER": "https://api.example.org",
    "AUDIENCE": "https://reports.example.org",
    "ACCESS_TOKEN_LIFETIME": timedelta(seconds=1),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=400),
    "SESSION_LIFETIME": timedelta(days=4000),
    "DRF_JWT_TOKEN_LIFETIME": timedelta(hours=1),
    "UPDATE_LAST_LOGIN": False,
    "REUSE_GRACE": timedelta(seconds=60),
    "LEEWAY": timedelta(0),
    "TRANSPORTS": ["cookie"],
    "COOKIE_NAME": "my-refresh_2",
    "COOKIE_SAMESITE": "None",
    "CLAIMS": "django_ironclad.conf.no_claims",
    "SCOPES": "django_ironclad.conf.no_scopes",
}


def test_a_good_value_holds() -> None:
    with override_settings(IRONCLAD=GOOD):
        held = get_settings()

    for name, value in GOOD.items():
        assert getattr(held, name) == value
    assert held.audience == "https://reports.example.org"
    assert held.claims is no_claims
    assert held.longest_access_lifetime == timedelta(hours=1)


def test_settings_are_read_late(api: Api, ada: Person) -> None:
    before = api.login(ada)
    with override_settings(IRONCLAD={"ISSUER": "https://a.example.org", "ACCESS_TOKEN_LIFETIME": timedelta(minutes=1)}):
        within = api.login(ada)
        assert auth.verify(within["access_token"]).claims["aud"] == "https://a.example.org"
        with pytest.raises(InvalidToken, match="issuer"):
            auth.verify(before["access_token"])
    after = api.login(ada)

    assert [tokens["expires_in"] for tokens in (before, within, after)] == [300, 60, 300]
    assert auth.verify(before["access_token"]).claims["iss"] == "django-ironclad"
    with pytest.raises(InvalidToken, match="issuer"):
        auth.verify(within["access_token"])


def test_a_token_may_live_as_long_as_the_longest_that_is_issued(api: Api, ada: Person) -> None:
    credentials = {ada.user.USERNAME_FIELD: ada.name, "password": ada.password}
    with override_settings(IRONCLAD={"DRF_JWT_TOKEN_LIFETIME": timedelta(hours=1)}):
        token = api.post("/api-token-auth/", credentials).json()["token"]
        assert auth.verify(token).exp - auth.verify(token).claims["iat"] == 3600
    with pytest.raises(InvalidToken, match="longer"):
        auth.verify(token)


# The keys of others: PEMs, and files that hold one.

BODY = PEMS["EdDSA"].splitlines()[1]

#: Keys that do not load, each with a word that the error must say about what to write.
BAD_KEYS: dict[str, tuple[Any, str]] = {
    "a PEM that is in no list": (PEMS["EdDSA"], "list"),
    "bytes that are in no list": (PEMS["EdDSA"].encode(), "list"),
    "a dictionary": ({"first": PEMS["EdDSA"]}, "list"),
    "nothing after a PEM": ([PEMS["EdDSA"], None], "list"),
    "garbage in armour": ([PEMS["EdDSA"].replace(BODY, BODY[::-1])], "PEM"),
    "line ends that are escaped": ([PEMS["EdDSA"].replace("\n", "\\n")], "PEM"),
    "a PEM without its armour": ([BODY], "PEM"),
    "a longer PEM without its armour": (["".join(PEMS["RS256"].splitlines()[1:-1])], "PEM"),
    "an empty text": ([""], "PEM"),
    "an encrypted PEM": ([pem(P256, password=b"open sesame")], "decrypt"),
    "a weak one": ([pem(rsa.generate_private_key(65537, 1024))], "2048"),
    "another curve": ([pem(ec.generate_private_key(ec.SECP384R1()))], "P-256"),
    "one twice": ([PEMS["EdDSA"], PEMS["ES256"], PEMS["EdDSA"]], "twice"),
    "a private key and its public half": ([PEMS["ES256"], PUBLIC_PEMS["ES256"]], "twice"),
    "a good one and garbage": ([PEMS["ES256"], "-----BEGIN garbage-----"], "PEM"),
}


@pytest.mark.parametrize(("keys", "word"), BAD_KEYS.values(), ids=BAD_KEYS)
def test_keys_that_do_not_load_are_an_error_that_repeats_nothing_of_them(keys: Any, word: str) -> None:
    with override_settings(IRONCLAD={"KEYS": keys}), pytest.raises(ImproperlyConfigured) as refusal:
        get_key_ring()

    said = str(refusal.value)
    assert "IRONCLAD['KEYS']" in said
    assert word in said
    for text in keys if isinstance(keys, list) else [str(keys)]:
        for line in str(text).replace("\\n", "\n").splitlines():
            assert len(line) < 16 or line[:16] not in said


@pytest.mark.parametrize("make", [str, Path], ids=["a text", "a Path"])
def test_a_key_may_be_in_a_file(tmp_path: Path, make: Callable[[Path], str | Path]) -> None:
    file = tmp_path / "key.pem"
    file.write_text(PEMS["ES256"])

    with override_settings(IRONCLAD={"KEYS": [make(file), PEMS["EdDSA"].encode()]}):
        assert [key.kid for key in get_key_ring().keys] == [KEYS["ES256"].kid, KEYS["EdDSA"].kid]


@pytest.mark.parametrize("make", [str, Path], ids=["a text", "a Path"])
@pytest.mark.parametrize("name", ["missing.pem", "garbage.pem/key.pem", "garbage.pem", "."])
def test_a_file_that_holds_no_key_is_an_error(tmp_path: Path, make: Callable[[Path], str | Path], name: str) -> None:
    (tmp_path / "garbage.pem").write_text("garbage")

    with override_settings(IRONCLAD={"KEYS": [make(tmp_path / name)]}), pytest.raises(ImproperlyConfigured) as refusal:
        get_key_ring()

    assert "IRONCLAD['KEYS']" in str(refusal.value)
    assert any(word in str(refusal.value) for word in ("PEM", "file", "directory"))


def test_the_settings_do_not_show_the_keys() -> None:
    with override_settings(IRONCLAD={"KEYS": [PEMS["EdDSA"]]}):
        assert BODY not in f"{get_settings()!r} {get_settings()}"


@pytest.mark.parametrize("algorithm", PEMS)
def test_the_first_key_signs_and_a_retired_one_still_verifies(api: Api, ada: Person, algorithm: str) -> None:
    new = next(name for name in PEMS if name != algorithm)
    with override_settings(IRONCLAD={"KEYS": [PEMS[algorithm]]}):
        old_token = api.login(ada)["access_token"]
    with override_settings(IRONCLAD={"KEYS": [PEMS[new], PUBLIC_PEMS[algorithm]]}):
        new_token = api.login(ada)["access_token"]
        assert new_token.split(".")[0] == KEYS[new].header
        for token in (old_token, new_token):
            assert api.get("/auth/me/", token).status_code == 200
    with override_settings(IRONCLAD={"KEYS": [PEMS[new]]}):
        assert api.get("/auth/me/", new_token).status_code == 200
        assert api.get("/auth/me/", old_token).status_code == 401


def test_with_public_keys_alone_everything_but_issuing_works(api: Api, ada: Person) -> None:
    with override_settings(IRONCLAD={"KEYS": [PEMS["EdDSA"]]}):
        token = api.login(ada)["access_token"]
    with override_settings(IRONCLAD={"KEYS": [PUBLIC_PEMS["EdDSA"]]}):
        assert api.get("/auth/me/", token).status_code == 200
        with pytest.raises(ImproperlyConfigured, match="private key first in KEYS"):
            auth.login(ada.user)


def test_with_keys_of_its_own_a_project_trusts_no_derived_one(api: Api, ada: Person) -> None:
    token = api.login(ada)["access_token"]
    with override_settings(IRONCLAD={"KEYS": [PEMS["EdDSA"]]}):
        assert api.get("/auth/me/", token).status_code == 401
    assert api.get("/auth/me/", token).status_code == 200


# The keys that follow from SECRET_KEY.

NEW = "a-new-secret-key-of-the-tests-only-0c2d7e41f9"


def test_every_purpose_has_a_key_of_its_own() -> None:
    secret = settings.SECRET_KEY.encode()
    access = derive(secret, "access token HS256")

    assert get_key_ring().signing_key.kid == Key.from_secret(access).kid
    assert get_refresh_secrets() == (derive(secret, "refresh token HS256"),)
    assert len({secret, access, *get_refresh_secrets()}) == 3


def test_a_new_secret_key_signs_nobody_out_while_the_old_one_is_a_fallback(api: Api, ada: Person) -> None:
    old, before = settings.SECRET_KEY, api.login(ada)
    with override_settings(SECRET_KEY=NEW, SECRET_KEY_FALLBACKS=[old]):
        for door in ("/auth/me/", "/drf/members/", "/plain/login-required/"):
            assert api.get(door, before["access_token"]).status_code == 200
        answer = api.refresh(before["refresh_token"])
        assert answer.status_code == 200
        after = answer.json()
        assert api.get("/auth/me/", after["access_token"]).status_code == 200
        assert after["access_token"].split(".")[0] == get_key_ring().signing_key.header
        assert after["access_token"].split(".")[0] != before["access_token"].split(".")[0]


def test_once_refreshed_a_session_needs_the_old_secret_key_no_more(api: Api, ada: Person) -> None:
    old, before = settings.SECRET_KEY, api.login(ada)
    with override_settings(SECRET_KEY=NEW, SECRET_KEY_FALLBACKS=[old]):
        after = api.refresh(before["refresh_token"]).json()
        assert Session.objects.get().auth_hash == ada.user.get_session_auth_hash()
    time_passes(minutes=1)
    with override_settings(SECRET_KEY=NEW, SECRET_KEY_FALLBACKS=[]):
        assert api.get("/auth/me/", after["access_token"]).status_code == 200
        again = api.refresh(after["refresh_token"])
        assert again.status_code == 200
        assert api.get("/auth/me/", again.json()["access_token"]).status_code == 200
        assert api.get("/auth/me/", before["access_token"]).status_code == 401
        assert api.refresh(before["refresh_token"]).json()["error"] == "invalid_grant"
        assert Session.objects.get().revoked_at is None


def test_once_refreshed_a_drf_jwt_session_needs_the_old_secret_key_no_more(api: Api, ada: Person) -> None:
    old = settings.SECRET_KEY
    credentials = {ada.user.USERNAME_FIELD: ada.name, "password": ada.password}
    before = api.post("/api-token-auth/", credentials).json()["token"]
    with override_settings(SECRET_KEY=NEW, SECRET_KEY_FALLBACKS=[old]):
        after = api.post("/api-token-refresh/", {"token": before}).json()["token"]
    with override_settings(SECRET_KEY=NEW, SECRET_KEY_FALLBACKS=[]):
        assert api.get("/auth/me/", after).status_code == 200


def test_a_new_secret_key_without_fallback_refuses_both_tokens_and_ends_nothing(api: Api, ada: Person) -> None:
    tokens = api.login(ada)
    with override_settings(SECRET_KEY=NEW):
        answer = api.get("/auth/me/", tokens["access_token"])
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
        answer = api.refresh(tokens["refresh_token"])
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")

    assert api.get("/auth/me/", tokens["access_token"]).status_code == 200
    assert api.refresh(tokens["refresh_token"]).status_code == 200


def test_a_forgotten_fallback_can_be_added_late(api: Api, ada: Person) -> None:
    with override_settings(SECRET_KEY=NEW):
        tokens = api.login(ada)
    assert api.get("/auth/me/", tokens["access_token"]).status_code == 401
    with override_settings(SECRET_KEY_FALLBACKS=[NEW]):
        assert api.get("/auth/me/", tokens["access_token"]).status_code == 200
        assert api.refresh(tokens["refresh_token"]).status_code == 200


def test_every_fallback_verifies_and_none_signs(api: Api, ada: Person) -> None:
    oldest, first = settings.SECRET_KEY, api.login(ada)
    with override_settings(SECRET_KEY="between", SECRET_KEY_FALLBACKS=[oldest]):
        second = api.login(ada)
    with override_settings(SECRET_KEY=NEW, SECRET_KEY_FALLBACKS=["between", oldest]):
        third = api.login(ada)
        for tokens in (first, second, third):
            assert api.get("/auth/me/", tokens["access_token"]).status_code == 200
            assert api.refresh(tokens["refresh_token"]).status_code == 200
    with override_settings(SECRET_KEY=NEW):
        statuses = [api.get("/auth/me/", tokens["access_token"]).status_code for tokens in (first, second, third)]
    assert statuses == [401, 401, 200]


@pytest.mark.parametrize("fallback", [NEW, NEW.encode()], ids=["as text", "as bytes"])
def test_a_fallback_that_is_the_secret_key_itself_changes_nothing(fallback: str | bytes) -> None:
    with override_settings(SECRET_KEY=NEW, SECRET_KEY_FALLBACKS=[fallback]):
        assert len(get_key_ring().keys) == len(get_refresh_secrets()) == 1


def test_an_empty_fallback_verifies_nothing(api: Api, ada: Person) -> None:
    """Such as `os.environ.get("OLD_SECRET_KEY", "")`: anybody could sign with a key derived from nothing."""
    claims = {**auth.verify(api.login(ada)["access_token"]).claims, "groups": ["registrar"]}
    forged = issue(claims, key=Key.from_secret(derive("", "access token HS256")))

    with override_settings(SECRET_KEY_FALLBACKS=[""]), pytest.raises((ImproperlyConfigured, InvalidToken)):
        auth.verify(forged)
