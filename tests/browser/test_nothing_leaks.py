"""After everything that somebody can do to the demo, no token, password or key is in its database or in its log."""

from __future__ import annotations

import base64
import http.cookies
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import override_settings

from django_ironclad.keyring import configured

from .running import PASSWORD, Demo, running

pytestmark = pytest.mark.browser

WRONG = "open-sesame-of-somebody-else"


def spellings(secret: bytes) -> Iterator[bytes]:
    """The secret as it is, in hex, and in base64 wherever in a longer text it may begin."""
    yield secret
    yield secret.hex().encode()
    yield secret.hex().upper().encode()
    for shift in range(3):
        # Characters at the ends depend on the neighbours; those between are the secret's alone.
        encoded = base64.b64encode(bytes(shift) + secret)
        inner = encoded[-(-shift * 8 // 6) : (shift + len(secret)) * 8 // 6]
        yield inner
        yield inner.translate(bytes.maketrans(b"+/", b"-_"))


def found(secret: bytes, texts: dict[str, bytes]) -> list[str]:
    return [name for name, text in texts.items() if any(spelling in text for spelling in spellings(secret))]


def everything(demo: Demo) -> set[str]:
    """Use and abuse the demo in every way that it offers; every secret that came and went."""
    secrets = {PASSWORD, WRONG}

    def keep(answer: dict[str, str]) -> dict[str, str]:
        secrets.update(value for name, value in answer.items() if name in ("access_token", "refresh_token", "token"))
        return answer

    first = keep(demo.login("ada"))
    second = keep(demo.call("POST", "/auth/refresh/", {"refresh_token": first["refresh_token"]}).json)
    for path in ("/public-data/", "/profile/", "/protected-data/", "/office/", "/auth/me/"):
        demo.call("GET", path, token=second["access_token"])
        demo.call("GET", path, token=second["access_token"] + "A")
        demo.call("GET", path, token=second["refresh_token"])
    demo.call("POST", "/auth/refresh/", {"refresh_token": second["access_token"]})
    demo.call("POST", "/auth/refresh/", {"refresh_token": first["refresh_token"] + "A"})
    demo.call("POST", "/auth/refresh/", {"refresh_token": [second["refresh_token"]]})
    demo.call("POST", "/auth/login/", {"username": "ada", "password": WRONG})
    demo.call("POST", "/auth/login/", {"username": "nobody", "password": WRONG})
    demo.call("POST", "/auth/login/", {"username": "ada", "password": [WRONG]})
    demo.call("POST", "/auth/logout/", {"refresh_token": second["refresh_token"]})
    demo.call("POST", "/auth/refresh/", {"refresh_token": second["refresh_token"]})

    credentials = {"username": "alan", "password": PASSWORD, "transport": "cookie"}
    by_cookie = demo.call("POST", "/auth/login/", credentials, Origin=demo.url)
    keep(by_cookie.json)
    cookies = http.cookies.SimpleCookie(by_cookie.headers["Set-Cookie"])
    (cookie,) = cookies.values()
    secrets.add(cookie.value)
    demo.call("POST", "/auth/refresh/", {}, Origin="https://elsewhere.example", Cookie=f"{cookie.key}={cookie.value}")
    demo.call("POST", "/auth/refresh/", {}, Origin=demo.url, Cookie=f"{cookie.key}={cookie.value}")
    demo.call("POST", "/auth/refresh/", {}, Origin=demo.url, Cookie="; ".join([f"{cookie.key}={cookie.value}"] * 2))

    drf = keep(demo.call("POST", "/api-token-auth/", {"username": "rosa", "password": PASSWORD}).json)
    demo.call("POST", "/api-token-auth/", {"username": "rosa", "password": WRONG})
    keep(demo.call("POST", "/api-token-refresh/", drf).json)
    demo.call("POST", "/api-token-verify/", drf)
    demo.call("POST", "/api-token-refresh/", {"token": first["access_token"]})
    return secrets


def parts(secret: str) -> Iterator[bytes]:
    """The secret, and what of it would be worth as much: a token's last segment, as text and decoded."""
    yield secret.encode()
    if secret.count(".") >= 2:
        last = secret.rpartition(".")[2]
        yield last.encode()
        yield base64.urlsafe_b64decode(last + "=" * (-len(last) % 4))


def test_no_token_password_or_key_is_in_the_database_or_in_the_log(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with running(data) as demo:
        secrets = everything(demo)
        sid = demo.login("rosa")["refresh_token"].partition(".")[0]
        assert demo.stop() == 0
    texts = {file.name: file.read_bytes() for file in data.iterdir() if file.name != "secret_key"}
    texts["output"] = demo.output.read_bytes().replace(PASSWORD.encode(), b"")  # It tells the users' password: it must.
    secret_key = (data / "secret_key").read_text()
    with override_settings(SECRET_KEY=secret_key, SECRET_KEY_FALLBACKS=[]):
        keys = [secret_key.encode(), *configured.get_refresh_secrets()]

    # The search finds what is there: a session in the log as it is, in the database in hex, and a name inside base64.
    assert "demo.log" in found(sid.encode(), texts)
    assert "campus.sqlite3" in found(bytes.fromhex(sid.replace("-", "")), texts)
    assert found(b"open sesame", {"text": base64.b64encode(b"so: open sesame!")}) == ["text"]
    assert len(secrets) >= 10
    assert {part: where for secret in secrets for part in parts(secret) if (where := found(part, texts))} == {}
    assert {key: where for key in keys if (where := found(key, texts))} == {}
