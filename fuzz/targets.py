"""What is fuzzed: each target takes any bytes, and raises for whatever should not be.

A refusal of ours is what most bytes should meet. Another exception leaves; and what is accepted is held against others,
who know nothing of this package: PyJWT, joserfc, the standard library, and rules of the RFCs written down once more.
"""

from __future__ import annotations

import base64
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from io import BytesIO
from typing import Any

import joserfc.jwk
import joserfc.jws
import jwt
from django.core.handlers.asgi import ASGIRequest

from django_ironclad import http
from django_ironclad.devices import client_address
from django_ironclad.errors import InvalidGrant, InvalidToken, IroncladError
from django_ironclad.http.origin import check_cookie_gates
from django_ironclad.http.transports import login_transport, refresh_token
from django_ironclad.sockets import handshake
from django_ironclad.tokens import verify
from django_ironclad.tokens.encoding import b64encode
from django_ironclad.tokens.refresh import RefreshToken
from django_ironclad.tokens.ring import KeyRing
from django_ironclad.tokens.verifier import Verifier
from tests.tokens.test_keys import KEYS, PUBLIC_PEMS, SECRET

#: What was said of the inputs of this run.
said: Counter[str] = Counter()

NOW, LIFETIME, LEEWAY, NAME = 1_900_000_000, 300, 10, "django-ironclad"
ALGORITHMS = ("HS256", "EdDSA", "ES256", "RS256")
RINGS = {name: KeyRing([KEYS[name]]) for name in ALGORITHMS}
PYJWT_KEYS = {"HS256": SECRET, **PUBLIC_PEMS}
JOSERFC_KEYS = {
    name: joserfc.jwk.OctKey.import_key(SECRET) if name == "HS256" else joserfc.jwk.import_key(dict(KEYS[name].jwk))
    for name in ALGORITHMS
}
VERIFIERS = {
    name: Verifier(ring=RINGS[name], issuer=NAME, audience=NAME, max_lifetime=LIFETIME, leeway=LEEWAY)
    for name in ALGORITHMS
}


def tokens(data: bytes) -> None:
    """An access token: the bytes themselves, or three parts of which each may be as the key would have it.

    Whoever fuzzes a signature gets nowhere; so the key is lent, as it would be to nobody.
    """
    how, rest = data[0] if data else 0, data[1:]
    algorithm = ALGORITHMS[how & 3]
    key = KEYS[algorithm]
    first, second, third = ([part.decode("latin-1") for part in rest.split(b"\n", 2)] + ["", ""])[:3]
    header = key.header if how & 4 else second
    payload = b64encode(rest) if how & 8 else first
    signature = b64encode(key.sign(f"{header}.{payload}".encode())) if how & 16 else third
    token = rest.decode("utf-8", "surrogateescape") if how & 32 else f"{header}.{payload}.{signature}"

    answers = {_answer(algorithm, token, first) for first in (True, False, False)}
    assert len(answers) == 1, f"remembered otherwise: {answers}"
    (answer,) = answers
    said["accepted" if answer.startswith("{") else "refused"] += 1
    if answer.startswith("{"):
        claims = json.loads(answer)
        _others_agree(algorithm, token, claims)
        assert not _answer(algorithm, token, first=False, now=claims["exp"] + LEEWAY).startswith("{"), (
            "believed for ever"
        )


def _answer(algorithm: str, token: str, first: bool, now: float = NOW) -> str:
    """The claims as JSON, or which refusal."""
    ring = RINGS[algorithm]
    try:
        if first:
            limits = {"max_lifetime": LIFETIME, "leeway": LEEWAY}
            access = verify(token, ring=ring, issuer=NAME, audience=NAME, now=now, **limits)
        else:
            access = VERIFIERS[algorithm].verify(token, now=now)
    except InvalidToken as error:
        # Not its reason, which is for the log: it differs by how much of the stack is left for what is nested.
        return type(error).__name__
    return json.dumps(_thawed(access.claims))


def _thawed(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_thawed(each) for each in value]
    return {name: _thawed(each) for name, each in value.items()} if hasattr(value, "items") else value


def _others_agree(algorithm: str, token: str, claims: dict[str, Any]) -> None:
    """Those who read it otherwise, or not at all, are right: it should have been refused."""
    # RFC 7515 §3.1, RFC 4648 §3.5: one token, one text.
    segments = token.split(".")
    assert len(segments) == 3
    assert len(token) <= 8192
    for segment in segments:
        decoded = base64.b64decode(segment + "=" * (-len(segment) % 4), altchars=b"-_", validate=True)
        assert base64.urlsafe_b64encode(decoded).decode().rstrip("=") == segment
    # RFC 9068 §2.1.
    assert jwt.get_unverified_header(token) == {"alg": algorithm, "kid": KEYS[algorithm].kid, "typ": "at+jwt"}
    timeless = {f"verify_{name}": False for name in ("exp", "nbf", "iat", "sub", "jti")}
    read = jwt.decode(
        token, PYJWT_KEYS[algorithm], algorithms=[algorithm], issuer=NAME, audience=NAME, options=timeless
    )
    assert read == claims
    told = joserfc.jws.deserialize_compact(token, JOSERFC_KEYS[algorithm], algorithms=[algorithm])
    assert json.loads(told.payload) == claims
    # RFC 9068 §2.2, RFC 7519 §4.1.
    assert all(type(claims[name]) is str for name in ("iss", "sub", "client_id", "sid", "jti"))
    assert all(type(claims[name]) is int for name in ("iat", "exp", "auth_time"))
    assert claims["iss"] == NAME
    assert NAME in ([claims["aud"]] if isinstance(claims["aud"], str) else claims["aud"])
    assert claims["exp"] + LEEWAY > NOW >= max(claims["iat"], claims.get("nbf", 0)) - LEEWAY
    assert 0 < claims["exp"] - claims["iat"] <= LIFETIME
    # RFC 8259 §4.
    json.loads(told.payload, object_pairs_hook=_no_member_twice)


def _no_member_twice(pairs: list[tuple[str, Any]]) -> None:
    assert len(dict(pairs)) == len(pairs)


REFRESH = RefreshToken("0b8e5d2e-6f6c-4f0e-9a43-3f6b2f1f3c55", 3, 1)
SEED = bytes(32)


def refresh_tokens(data: bytes) -> None:
    """A refresh token: no other text than the one that was given out is it."""
    text = data.decode("utf-8", "surrogateescape")
    try:
        token, mac = RefreshToken.parse(text)
    except InvalidGrant:
        said["refused"] += 1
        return
    assert text == f"{token.sid}.{token.generation}.{token.branch}.{mac}", "another text of the same token"
    try:
        token.verify(mac, secrets=[SECRET], seed=SEED, realm="")
    except InvalidGrant:
        said["refused"] += 1
        return
    said["accepted"] += 1
    assert text == REFRESH.encode(secret=SECRET, seed=SEED, realm=""), "somebody made a token"


COOKIE = "ironclad_refresh_token"
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


def requests(data: bytes) -> None:
    """A request: seven headers a line each, as an ASGI server hands them on, and the body."""
    *lines, body = (data.split(b"\n", 7) + [b""] * 8)[:8]
    names = ("authorization", "content-type", "content-length", "cookie", "origin", "sec-fetch-site", "x-forwarded-for")
    headers = [(name.encode(), line) for name, line in zip(names, lines, strict=True) if line]
    sent = {name.decode(): value.decode("latin-1") for name, value in headers}
    # Django itself does not survive a parameter in a codec that there is none of. No server lets control characters in.
    if "*" in sent.get("content-type", "") or any(byte < 32 or byte == 127 for line in lines for byte in line):
        return
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/",
        "scheme": "https",
        "headers": [(b"host", b"testserver"), *headers],
    }
    request = ASGIRequest(scope, BytesIO(body))

    bearer = _or_refused(lambda: http.bearer_token(request))
    if bearer is not None:
        assert re.fullmatch(
            r" *(bearer +\S+|(?!bearer( |$)).*) *", sent.get("authorization", ""), re.IGNORECASE | re.ASCII
        )
        assert bearer in sent.get("authorization", "")
        assert " " not in bearer
    client_address(request)
    _or_refused(lambda: handshake.renewal(body.decode("utf-8", "replace")))

    ours = sent.get("origin") == "https://testserver"
    gate = _or_refused(lambda: check_cookie_gates(request) or "open")
    is_json = sent.get("content-type", "").partition(";")[0].strip(" \t").lower() == "application/json"
    same_site = sent.get("sec-fetch-site", "") in ("", "same-origin", "same-site", "none")
    assert (gate == "open") is (ours and is_json and same_site), "the gates"

    members = _or_refused(lambda: http.read_body(request))
    if members is None:
        return
    assert len(body) <= http.MAX_BODY or not members
    if is_json and members:
        assert members == json.loads(body, object_pairs_hook=_unique)
    elif members:
        assert request.content_type in FORMS
    credentials = _or_refused(lambda: http.username_and_password(members))
    if credentials is not None:
        # As Django's `UsernameField` takes it; a password has no other form than its own.
        assert credentials == (unicodedata.normalize("NFKC", members["username"].strip()), members["password"])
        assert all(len(text.encode()) > 0 and "\0" not in text for text in credentials)
    scope_asked = _or_refused(lambda: http.requested_scope(members))
    assert not scope_asked or {*scope_asked.split(" ")} == {*members["scope"].split(" ")}
    _or_refused(lambda: login_transport(members))
    read = _or_refused(lambda: refresh_token(request, members))
    if read is not None and read[0]:
        token, transport = read
        cookies = [pair.strip(" \t") for pair in sent.get("cookie", "").split(";")]
        assert transport == "body" or any(
            re.fullmatch(rf"{COOKIE}[ \t]*=[ \t]*{re.escape(token)}", pair) for pair in cookies
        )
        assert transport == "cookie" or token == members["refresh_token"]
        assert transport == "body" or gate == "open", "the cookie was read behind closed gates"


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    _no_member_twice(pairs)
    return dict(pairs)


def _or_refused(read: Callable[[], Any]) -> Any:
    """What is read; None where it is refused."""
    try:
        value = read()
    except IroncladError:
        said["refused"] += 1
        return None
    said["accepted"] += 1
    return value


TARGETS: dict[str, Callable[[bytes], None]] = {
    "tokens": tokens,
    "refresh_tokens": refresh_tokens,
    "requests": requests,
}
