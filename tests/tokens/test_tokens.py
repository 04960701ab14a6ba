"""Whatever is not exactly a token of ours is InvalidToken, and 401 to a client: no other error, no query, no trace."""

from __future__ import annotations

import gzip
import hashlib
import hmac
import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import FrozenInstanceError, dataclass, replace
from functools import partial
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from django.test import override_settings
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from django_ironclad.errors import InvalidGrant, InvalidToken, UnknownKey
from django_ironclad.keyring.configured import get_key_ring
from django_ironclad.tokens import MAX_LENGTH, AccessToken, issue, verify
from django_ironclad.tokens.encoding import b64decode, b64encode, dump_json, load_json
from django_ironclad.tokens.keys import Key
from django_ironclad.tokens.refresh import RefreshToken
from django_ironclad.tokens.ring import KeyRing

from ..conftest import Api, Person
from .test_keys import KEYS, P256, PUBLIC_PEMS, SECRET, STRANGERS

ISSUER = "django-ironclad"
LIFETIME = 300
LEEWAY = 10
SID = "0b8e5d2e-6f6c-4f0e-9a43-3f6b2f1f3c55"
#: The order of P-256: r and s lie below it.
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

#: With each signing key, the ring of another project.
RINGS = {
    "HS256": KeyRing([KEYS["HS256"], Key.from_secret(SECRET[::-1])]),
    "EdDSA": KeyRing([KEYS["EdDSA"], KEYS["ES256"], KEYS["RS256"]]),
    "ES256": KeyRing([KEYS["ES256"], KEYS["EdDSA"], KEYS["RS256"]]),
    "RS256": KeyRing([KEYS["RS256"], KEYS["EdDSA"], KEYS["ES256"]]),
}


@dataclass(frozen=True)
class Genuine:
    """A good token, and its key in the hands of somebody who makes bad ones: the worst case."""

    key: Key
    claims: Mapping[str, Any]

    @property
    def header(self) -> str:
        return self.key.header

    @property
    def payload(self) -> str:
        return b64encode(dump_json(self.claims))

    @property
    def signature(self) -> bytes:
        return self.key.sign(f"{self.header}.{self.payload}".encode())

    @property
    def token(self) -> str:
        return self.with_signature(self.signature)

    def with_signature(self, signature: bytes) -> str:
        return f"{self.header}.{self.payload}.{b64encode(signature)}"

    def sign(self, header: str, payload: str) -> str:
        return f"{header}.{payload}.{b64encode(self.key.sign(f'{header}.{payload}'.encode()))}"

    def say(self, payload: bytes) -> str:
        return self.sign(self.header, b64encode(payload))

    def claim(self, **claims: Any) -> str:
        """With these claims changed; those that are `...` are left out."""
        changed = {**self.claims, **claims}
        return self.say(dump_json({name: value for name, value in changed.items() if value is not ...}))

    def head(self, **members: Any) -> str:
        """With these members of the header changed; those that are `...` are left out."""
        changed = {**load_json(b64decode(self.header)), **members}
        header = dump_json({name: value for name, value in changed.items() if value is not ...})
        return self.sign(b64encode(header), self.payload)

    def head_text(self, header: bytes) -> str:
        """With this header, in which ALG and KID stand for the key's own."""
        header = header.replace(b"ALG", self.key.algorithm.encode()).replace(b"KID", self.key.kid.encode())
        return self.sign(b64encode(header), self.payload)

    def payload_of(self, remainder: int) -> str:
        """A payload as long as this, modulo 4: base64 ends in three ways."""
        texts = (b64encode(dump_json({**self.claims, "more": "." * length})) for length in range(3))
        return next(text for text in texts if len(text) % 4 == remainder)


def genuine(key: Key, now: int) -> Genuine:
    claims = {
        "iss": ISSUER,
        "aud": ISSUER,
        "sub": "1",
        "client_id": "first-party",
        "sid": SID,
        "iat": now,
        "exp": now + LIFETIME,
        "jti": "nobody-could-guess",
        "auth_time": now,
        "username": "ada",
        "groups": ["registrar"],
    }
    return Genuine(key, claims)


def check(token: str, ring: KeyRing, now: float) -> AccessToken:
    return verify(token, ring=ring, issuer=ISSUER, audience=ISSUER, max_lifetime=LIFETIME, leeway=LEEWAY, now=now)


def hmac_token(header: str, payload: str, secret: bytes) -> str:
    return f"{header}.{payload}.{b64encode(hmac.digest(secret, f'{header}.{payload}'.encode(), 'sha256'))}"


def with_stray_bits(text: str) -> str:
    """The same bytes otherwise spelt, where the last character has bits to spare."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return text[:-1] + alphabet[alphabet.index(text[-1]) + 1]


def flip(data: bytes, position: int, bit: int) -> bytes:
    changed = bytearray(data)
    changed[position] ^= bit
    return bytes(changed)


def signed_by(key: Key, header: str, payload: str) -> str:
    return Genuine(key, {}).sign(header, payload)


Forge = Callable[[Genuine], str]

SHAPES: dict[str, Forge] = {
    "nothing": lambda g: "",
    "two dots": lambda g: "..",
    "the header alone": lambda g: g.header,
    "no signature and no dot for it": lambda g: f"{g.header}.{g.payload}",
    "no signature": lambda g: f"{g.header}.{g.payload}.",
    "no header": lambda g: f".{g.payload}.{b64encode(g.signature)}",
    "no payload": lambda g: f"{g.header}..{b64encode(g.signature)}",
    "no payload, signed": lambda g: g.say(b""),
    "a segment too many": lambda g: g.token + ".e30",
    "an empty segment after": lambda g: g.token + ".",
    "an empty segment before": lambda g: "." + g.token,
    "a JWE of five segments": lambda g: g.token + ".e30.e30",
    "a JWE's header": lambda g: g.sign(b64encode(b'{"alg":"dir","enc":"A256GCM"}'), g.payload),
    "JSON serialization": lambda g: json.dumps(
        {"payload": g.payload, "signatures": [{"protected": g.header, "signature": b64encode(g.signature)}]}
    ),
    "flattened JSON serialization": lambda g: json.dumps(
        {"payload": g.payload, "protected": g.header, "signature": b64encode(g.signature)}
    ),
    "a polyglot of compact and JSON": lambda g: f'{{"{g.header}.{g.payload}.":"{b64encode(g.signature)}"}}',
    "the segments exchanged": lambda g: f"{g.payload}.{g.header}.{b64encode(g.signature)}",
    "a refresh token": lambda g: RefreshToken(SID, 3, 0).encode(secret=SECRET, seed=SECRET, realm=""),
    "a session's id": lambda g: SID,
    "what JavaScript calls nothing": lambda g: "undefined",
    "what JavaScript calls an object": lambda g: "[object.Object].",
    "quotes around": lambda g: f'"{g.token}"',
    "upper case": lambda g: g.token.upper(),
    "twice the token": lambda g: g.token + g.token,
    "a comma and another token": lambda g: f"{g.token},{g.token}",
    "non-ASCII in the header": lambda g: "é" + g.token,
    "non-ASCII in the payload": lambda g: f"{g.header}.{g.payload}é.{b64encode(g.signature)}",
    "non-ASCII in the signature": lambda g: g.token + "é",
    "full-width letters": lambda g: "".join(chr(ord(c) + 0xFEE0) if c.isalpha() else c for c in g.token),
    "a lone surrogate in the payload": lambda g: f"{g.header}.{g.payload}\udc80.{b64encode(g.signature)}",
    "a NUL before": lambda g: "\0" + g.token,
    "a NUL in the payload": lambda g: f"{g.header}.{g.payload}\0.{b64encode(g.signature)}",
    "a NUL after": lambda g: g.token + "\0",
    "a megabyte of letters": lambda g: "a" * 2**20,
    "a megabyte of dots": lambda g: "." * 2**20,
    "a megabyte of payload, signed": lambda g: g.claim(more="a" * 2**20),
    "a megabyte of signature": lambda g: g.token + "A" * 2**20,
    "more than 8 KiB, signed": lambda g: g.claim(more="a" * 6200),
}

SPELLINGS: dict[str, Forge] = {
    "padding after the header": lambda g: f"{g.header}=.{g.payload}.{b64encode(g.signature)}",
    "padding after the payload": lambda g: f"{g.header}.{g.payload}=.{b64encode(g.signature)}",
    "padding after the payload, signed": lambda g: g.sign(g.header, g.payload_of(2) + "=="),
    "padding after the signature": lambda g: g.token + "=",
    "more padding after the signature": lambda g: g.token + "==",
    "stray bits in the header": lambda g: g.sign(with_stray_bits(g.header), g.payload),
    "stray bits in the payload, signed": lambda g: g.sign(g.header, with_stray_bits(g.payload_of(2))),
    "stray bits in the longer payload, signed": lambda g: g.sign(g.header, with_stray_bits(g.payload_of(3))),
    "stray bits in the signature": lambda g: with_stray_bits(g.token),
    "a character too many in the payload, signed": lambda g: g.sign(g.header, g.payload_of(0) + "A"),
    "the other alphabet in the payload, signed": lambda g: g.sign(
        g.header, b64encode(dump_json({**g.claims, "more": "ÿ~>ÿ~>>ÿ~"})).replace("-", "+").replace("_", "/")
    ),
    "a percent escape": lambda g: g.token.replace(".", "%2E", 1),
    "a space between": lambda g: g.token.replace(".", ". ", 1),
    "a space in the payload, signed": lambda g: g.sign(g.header, f"{g.payload[:8]} {g.payload[8:]}"),
    "a tab before": lambda g: "\t" + g.token,
    "a tab after": lambda g: g.token + "\t",
    "a line break after": lambda g: g.token + "\n",
    "a line break before the signature": lambda g: f"{g.header}.{g.payload}\n.{b64encode(g.signature)}",
    "a line break after the payload, signed": lambda g: g.sign(g.header, g.payload + "\n"),
    "line breaks inside the payload, signed": lambda g: g.sign(g.header, f"{g.payload[:76]}\r\n{g.payload[76:]}"),
    "a carriage return after": lambda g: g.token + "\r\n",
    "a vertical tab after": lambda g: g.token + "\x0b",
    "a no-break space after": lambda g: g.token + "\xa0",
    "a zero-width space after": lambda g: g.token + "\u200b",
}

#: Members of the header, changed or added, and all signed as they ought to be.
MEMBERS: dict[str, dict[str, Any]] = {
    "no alg": {"alg": ...},
    "alg none": {"alg": "none"},
    "alg NONE": {"alg": "NONE"},
    "alg null": {"alg": None},
    "alg empty": {"alg": ""},
    "alg a list": {"alg": ["HS256", "EdDSA", "ES256", "RS256"]},
    "alg HS384": {"alg": "HS384"},
    "alg PS256": {"alg": "PS256"},
    "alg Ed25519": {"alg": "Ed25519"},
    "alg in lower case": {"alg": "es256"},
    "no typ": {"typ": ...},
    "typ null": {"typ": None},
    "typ JWT": {"typ": "JWT"},
    "typ in upper case": {"typ": "AT+JWT"},
    "typ with its prefix": {"typ": "application/at+jwt"},
    "typ of a refresh token": {"typ": "rt+jwt"},
    "typ of an ID token": {"typ": "id_token+jwt"},
    "typ of a DPoP proof": {"typ": "dpop+jwt"},
    "typ of a security event": {"typ": "secevent+jwt"},
    "no kid": {"kid": ...},
    "kid null": {"kid": None},
    "kid empty": {"kid": ""},
    "kid a number": {"kid": 1},
    "kid a list": {"kid": []},
    "kid another's": {"kid": STRANGERS["ES256"].kid},
    "kid a path": {"kid": "../../../../../dev/null"},
    "kid an address": {"kid": "https://example.org/jwks.json"},
    "kid SQL": {"kid": "' UNION SELECT 'secret' --"},
    "kid a NUL": {"kid": "\0"},
    "jku": {"jku": "https://example.org/jwks.json"},
    "x5u": {"x5u": "https://example.org/certificate.pem"},
    "x5c": {"x5c": ["MIIB"]},
    "x5t": {"x5t": "AAAA"},
    "x5t#S256": {"x5t#S256": "AAAA"},
    "jwk": {"jwk": {"kty": "oct", "k": ""}},
    "crit, empty": {"crit": []},
    "crit exp": {"crit": ["exp"], "exp": 1},
    "crit null": {"crit": None},
    "b64 false": {"b64": False, "crit": ["b64"]},
    "b64 true": {"b64": True},
    "zip": {"zip": "DEF"},
    "cty": {"cty": "JWT"},
    "enc": {"enc": "A256GCM"},
    "p2c": {"p2c": 2**31 - 1},
    "nonce": {"nonce": "1"},
    "epk": {"epk": {}},
    "a claim": {"iss": ISSUER},
    "a member nobody knows": {"x": None},
    "a megabyte": {"x": "a" * 2**20},
}

#: Texts of the header, ALG and KID being the key's own.
HEADER_TEXTS: dict[str, bytes] = {
    "other order": b'{"typ":"at+jwt","alg":"ALG","kid":"KID"}',
    "spaces": b'{"alg": "ALG", "kid": "KID", "typ": "at+jwt"}',
    "a space before": b' {"alg":"ALG","kid":"KID","typ":"at+jwt"}',
    "a line break after": b'{"alg":"ALG","kid":"KID","typ":"at+jwt"}\n',
    "alg twice": b'{"alg":"none","alg":"ALG","kid":"KID","typ":"at+jwt"}',
    "the same alg twice": b'{"alg":"ALG","kid":"KID","typ":"at+jwt","alg":"ALG"}',
    "kid twice": b'{"alg":"ALG","kid":"KID","typ":"at+jwt","kid":"x"}',
    "alg escaped": b'{"\\u0061lg":"ALG","kid":"KID","typ":"at+jwt"}',
    "typ escaped": b'{"alg":"ALG","kid":"KID","typ":"at\\u002bjwt"}',
    "Alg": b'{"Alg":"ALG","kid":"KID","typ":"at+jwt"}',
    "a byte order mark": b'\xef\xbb\xbf{"alg":"ALG","kid":"KID","typ":"at+jwt"}',
    "UTF-16": '{"alg":"ALG","kid":"KID","typ":"at+jwt"}'.encode("utf-16-le"),
    "a NUL after": b'{"alg":"ALG","kid":"KID","typ":"at+jwt"}\0',
    "something after": b'{"alg":"ALG","kid":"KID","typ":"at+jwt"}x',
    "two objects": b'{"alg":"none"}{"alg":"ALG","kid":"KID","typ":"at+jwt"}',
    "a list": b'[{"alg":"ALG","kid":"KID","typ":"at+jwt"}]',
    "a text": b'"ALG"',
    "an empty object": b"{}",
    "null": b"null",
    "no JSON": b"ALG",
    "no UTF-8": b'{"alg":"ALG","kid":"KID","typ":"at+jwt","x":"\xff"}',
    "a hundred levels": b'{"x":' + b"[" * 99 + b"]" * 99 + b"}",
    "two thousand levels": b"[" * 2000 + b"]" * 2000,
    "a hundred digits": b'{"alg":"ALG","kid":"KID","typ":"at+jwt","x":' + b"9" * 100 + b"}",
    "NaN": b'{"alg":"ALG","kid":"KID","typ":"at+jwt","x":NaN}',
}

SIGNATURES: dict[str, Forge] = {
    "cut by a byte": lambda g: g.with_signature(g.signature[:-1]),
    "cut by half": lambda g: g.with_signature(g.signature[: len(g.signature) // 2]),
    "cut by a character": lambda g: g.token[:-1],
    "one byte": lambda g: g.with_signature(b"\0"),
    "a byte too long": lambda g: g.with_signature(g.signature + b"\0"),
    "a byte too long at the front": lambda g: g.with_signature(b"\0" + g.signature),
    "twice": lambda g: g.with_signature(g.signature * 2),
    "reversed": lambda g: g.with_signature(g.signature[::-1]),
    "the first bit": lambda g: g.with_signature(flip(g.signature, 0, 0x80)),
    "the last bit": lambda g: g.with_signature(flip(g.signature, -1, 1)),
    "all zero": lambda g: g.with_signature(bytes(len(g.signature))),
    "all one": lambda g: g.with_signature(b"\xff" * len(g.signature)),
    "a plain hash": lambda g: g.with_signature(hashlib.sha256(f"{g.header}.{g.payload}".encode()).digest()),
    "another token's": lambda g: g.with_signature(genuine(g.key, g.claims["iat"] - 1).signature),
    "of the payload alone": lambda g: g.with_signature(g.key.sign(g.payload.encode())),
    "of the decoded bytes": lambda g: g.with_signature(g.key.sign(b64decode(g.header) + b"." + dump_json(g.claims))),
    "with white space before the payload": lambda g: g.with_signature(g.key.sign(f"{g.header}. {g.payload}".encode())),
    "a stranger's": lambda g: signed_by(STRANGERS[g.key.algorithm], g.header, g.payload),
    "a stranger's under the stranger's header": lambda g: genuine(STRANGERS[g.key.algorithm], g.claims["iat"]).token,
    "a stranger's under an embedded jwk": lambda g: signed_by(
        STRANGERS["ES256"],
        b64encode(dump_json({"alg": "ES256", "kid": g.key.kid, "typ": "at+jwt", "jwk": dict(STRANGERS["ES256"].jwk)})),
        g.payload,
    ),
    **{
        f"{name}'s under another key's header": lambda g, key=key: signed_by(
            key, KEYS["ES256" if g.key.algorithm != "ES256" else "EdDSA"].header, g.payload
        )
        for name, key in STRANGERS.items()
    },
    "ES256 all zero": lambda g: f"{KEYS['ES256'].header}.{g.payload}.{b64encode(bytes(64))}",
    **{
        f"ES256 r = {r_name}, s = {s_name}": lambda g, r=r, s=s: (
            f"{KEYS['ES256'].header}.{g.payload}.{b64encode(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"
        )
        for r_name, r in {"0": 0, "1": 1, "n": ORDER}.items()
        for s_name, s in {"0": 0, "1": 1, "n": ORDER}.items()
    },
    "ES256 in DER": lambda g: (
        f"{KEYS['ES256'].header}.{g.payload}."
        + b64encode(P256.sign(f"{KEYS['ES256'].header}.{g.payload}".encode(), ec.ECDSA(hashes.SHA256())))
    ),
    **{
        f"HS256 with the {name} public key's PEM": lambda g, name=name: hmac_token(
            b64encode(dump_json({"alg": "HS256", "kid": KEYS[name].kid, "typ": "at+jwt"})),
            g.payload,
            PUBLIC_PEMS[name].encode(),
        )
        for name in PUBLIC_PEMS
    },
    **{
        f"HS256 with the {name} public key's PEM under its own header": lambda g, name=name: hmac_token(
            KEYS[name].header, g.payload, PUBLIC_PEMS[name].encode()
        )
        for name in PUBLIC_PEMS
    },
    "HS256 with the published x": lambda g: hmac_token(
        KEYS["EdDSA"].header, g.payload, b64decode(KEYS["EdDSA"].jwk["x"])
    ),
    "HS256 with no secret": lambda g: hmac_token(g.header, g.payload, b""),
    "HS256 with the kid": lambda g: hmac_token(g.header, g.payload, g.key.kid.encode()),
}


def adding(text: bytes) -> Callable[[bytes], bytes]:
    return lambda claims: claims[:-1] + b"," + text + b"}"


#: What becomes of the claims' JSON before it is signed.
PAYLOADS: dict[str, Callable[[bytes], bytes]] = {
    "no JSON": lambda claims: b"claims",
    "a list": lambda claims: b"[" + claims + b"]",
    "a text": lambda claims: json.dumps(claims.decode()).encode(),
    "a number": lambda claims: b"1",
    "null": lambda claims: b"null",
    "true": lambda claims: b"true",
    "an empty object": lambda claims: b"{}",
    "a token": lambda claims: b"e30." + b64encode(claims).encode() + b".e30",
    "encoded twice": lambda claims: b64encode(claims).encode(),
    "compressed": gzip.compress,
    "cut": lambda claims: claims[:-1],
    "a comma too many": lambda claims: claims[:-1] + b",}",
    "something after": lambda claims: claims + b"x",
    "a NUL after": lambda claims: claims + b"\0",
    "two objects": lambda claims: claims + claims,
    "a byte order mark": lambda claims: b"\xef\xbb\xbf" + claims,
    "UTF-16": lambda claims: claims.decode().encode("utf-16"),
    "UTF-16 without mark": lambda claims: claims.decode().encode("utf-16-le"),
    "UTF-32": lambda claims: claims.decode().encode("utf-32"),
    "Latin-1": adding('"more":"é"'.encode("latin-1")),
    "an overlong dot": adding(b'"more":"\xc0\xae"'),
    "a surrogate in UTF-8": adding(b'"more":"\xed\xa0\x80"'),
    "exp twice": adding(b'"exp":9999999999'),
    "sub twice": adding(b'"sub":"2"'),
    "the same sub twice": adding(b'"sub":"1"'),
    "sub twice, once escaped": adding(b'"s\\u0075b":"2"'),
    "a name twice further down": adding(b'"more":{"a":{"b":1,"b":2}}'),
    "NaN": adding(b'"more":NaN'),
    "nbf NaN": adding(b'"nbf":NaN'),
    "Infinity": adding(b'"more":[Infinity]'),
    "minus Infinity": adding(b'"nbf":-Infinity'),
    "a float too large": adding(b'"more":1e400'),
    "an integer of a hundred digits": adding(b'"more":' + b"9" * 100),
    "an integer of five thousand digits": adding(b'"more":' + b"9" * 5000),
    "nbf of a hundred digits": adding(b'"nbf":-' + b"9" * 100),
    "seventeen levels": adding(b'"more":' + b"[" * 16 + b"]" * 16),
    "a hundred levels": adding(b'"more":' + b"[" * 100 + b"]" * 100),
    "a hundred levels of objects": adding(b'"more":' + b'{"a":' * 100 + b"1" + b"}" * 100),
    "two thousand levels": adding(b'"more":' + b"[" * 2000 + b"]" * 2000),
}

#: Claims that are of the right type and still wrong; `now` is the time at which the token is looked at.
CLAIMS: dict[str, Callable[[int], dict[str, Any]]] = {
    "expired": lambda now: {"iat": now - LEEWAY - 1, "exp": now - LEEWAY, "auth_time": now - 99},
    "expired long ago": lambda now: {"iat": 1_000_000_000, "exp": 1_000_000_300},
    "exp negative": lambda now: {"iat": -LIFETIME, "exp": -1},
    "issued in the future": lambda now: {"iat": now + 60},
    "issued in a year, wholly": lambda now: {"iat": now + 31_536_000, "exp": now + 31_536_300},
    "not valid before a minute": lambda now: {"nbf": now + 60},
    "lives a second too long": lambda now: {"exp": now + LIFETIME + 1},
    "lives for ever": lambda now: {"exp": 9_999_999_999_999_999_999},
    "lives since 1970": lambda now: {"iat": 0},
    "lives since before all time": lambda now: {"iat": -999_999_999_999_999_999},
    "ends before it begins": lambda now: {"iat": now, "exp": now - 1},
    "ends as it begins": lambda now: {"iat": now + 1, "exp": now + 1},
    "milliseconds": lambda now: {"iat": now * 1000, "exp": (now + LIFETIME) * 1000},
    "iss another": lambda now: {"iss": "https://example.org"},
    "iss a part of ours": lambda now: {"iss": ISSUER[:-1]},
    "iss longer than ours": lambda now: {"iss": ISSUER + "/"},
    "iss in upper case": lambda now: {"iss": ISSUER.upper()},
    "iss with a space": lambda now: {"iss": ISSUER + " "},
    "iss with another alphabet's letter": lambda now: {"iss": ISSUER.replace("a", "а")},
    "iss in a list": lambda now: {"iss": [ISSUER]},
    "aud another": lambda now: {"aud": "https://example.org"},
    "aud a part of ours": lambda now: {"aud": ISSUER[:-1]},
    "aud one letter of ours": lambda now: {"aud": ["d"]},
    "aud longer than ours": lambda now: {"aud": ISSUER + "s"},
    "aud in upper case": lambda now: {"aud": ISSUER.upper()},
    "aud several in one text": lambda now: {"aud": f"{ISSUER} https://example.org"},
    "aud empty": lambda now: {"aud": ""},
    "aud an empty list": lambda now: {"aud": []},
    "aud others": lambda now: {"aud": ["https://example.org", ISSUER + "s"]},
    "aud ours among a number": lambda now: {"aud": [ISSUER, 1]},
    "aud ours among null": lambda now: {"aud": [None, ISSUER]},
    "aud in a list of lists": lambda now: {"aud": [[ISSUER]]},
    "aud as a name": lambda now: {"aud": {ISSUER: True}},
    "groups with a number": lambda now: {"groups": ["registrar", 1]},
    "groups in a list of lists": lambda now: {"groups": [["registrar"]]},
    "amr in one text": lambda now: {"amr": "pwd"},
    "amr with a number": lambda now: {"amr": ["pwd", 1]},
}

_NO_TEXT = {"missing": ..., "null": None, "true": True, "a number": 1, "a float": 1.5, "a list": [], "an object": {}}
_NO_TIME = {"missing": ..., "null": None, "true": True, "false": False, "a list": [], "an object": {}, "empty": ""}
#: Every claim with every type that it is not.
TYPES: dict[str, dict[str, Any]] = {
    **{
        f"{claim} {kind}": {claim: value}
        for claim in ("iss", "aud", "sub", "client_id", "sid", "jti")
        for kind, value in _NO_TEXT.items()
    },
    **{
        f"{claim} {kind}": {claim: value}
        for claim in ("iat", "exp", "auth_time", "nbf")
        for kind, value in _NO_TIME.items()
        if (claim, kind) != ("nbf", "missing")
    },
    **{f"scope {kind}": {"scope": value} for kind, value in _NO_TEXT.items() if kind != "missing"},
    **{f"groups {kind}": {"groups": value} for kind, value in _NO_TEXT.items() if kind not in {"missing", "a list"}},
    "groups a text": {"groups": "registrar"},
}

#: Times written as something else than an integer.
TIMES: dict[str, Callable[[int], Any]] = {
    "a text": str,
    "a float": float,
    "a fraction": lambda time: time + 0.5,
    "a list of one": lambda time: [time],
    "an ISO date": lambda time: "2099-01-01T00:00:00Z",
}

BAD_TOKENS: dict[str, Forge] = {
    **SHAPES,
    **SPELLINGS,
    **{f"header: {name}": partial(Genuine.head, **members) for name, members in MEMBERS.items()},
    **{f"header: {name}": partial(Genuine.head_text, header=text) for name, text in HEADER_TEXTS.items()},
    **{
        f"alg {alg!r}, no signature": lambda g, alg=alg: g.head(alg=alg).rpartition(".")[0] + "."
        for alg in ("none", "None", "NONE", "nOnE", "", None, 0, False)
    },
    "header: kid of another key of the ring": lambda g: g.head(
        kid=KEYS["ES256" if g.key.algorithm != "ES256" else "EdDSA"].kid
    ),
    "alg none alone, no signature": lambda g: f"{b64encode(dump_json({'alg': 'none'}))}.{g.payload}.",
    "alg none and typ JWT": lambda g: f"{b64encode(dump_json({'alg': 'none', 'typ': 'JWT'}))}.{g.payload}.",
    **{f"signature: {name}": forge for name, forge in SIGNATURES.items()},
    **{
        f"payload: {name}": lambda g, change=change: g.say(change(dump_json(g.claims)))
        for name, change in PAYLOADS.items()
    },
    **{
        f"claim: {name}": lambda g, change=change: g.claim(**change(g.claims["iat"])) for name, change in CLAIMS.items()
    },
    **{f"claim: {name}": partial(Genuine.claim, **claims) for name, claims in TYPES.items()},
    **{
        f"claim: {claim} {name}": lambda g, claim=claim, spell=spell: g.claim(**{claim: spell(g.claims[claim])})
        for claim in ("iat", "exp", "auth_time")
        for name, spell in TIMES.items()
    },
    **{
        f"claim: nbf {name}": lambda g, spell=spell: g.claim(nbf=spell(g.claims["iat"]))
        for name, spell in TIMES.items()
    },
}


@pytest.mark.parametrize("forge", BAD_TOKENS.values(), ids=BAD_TOKENS)
def test_a_bad_token_is_refused(forge: Forge) -> None:
    for ring in RINGS.values():
        good = genuine(ring.signing_key, int(time.time()))
        bad = forge(good)
        assert bad != good.token
        with pytest.raises(InvalidToken) as refusal:
            check(bad, ring, good.claims["iat"])
        assert len(bad) < 9 or bad not in str(refusal.value)


DOORS = ["/auth/me/", "/drf/members/", "/plain/"]
#: Those that ask the database about each token.
STRICT_DOORS = ["/auth/me/", "/drf/strict/", "/plain/strict/"]


@pytest.mark.parametrize("keys", [[], [*PUBLIC_PEMS.values()]], ids=["HS256", "public keys"])
@pytest.mark.parametrize("forge", BAD_TOKENS.values(), ids=BAD_TOKENS)
def test_every_door_answers_a_bad_token_with_the_same_401(
    api: Api, caplog: pytest.LogCaptureFixture, forge: Forge, keys: list[str]
) -> None:
    # No `db` here: a token that is not ours must be refused before anybody asks the database.
    with override_settings(IRONCLAD={"KEYS": keys}), caplog.at_level(logging.DEBUG):
        bad = forge(genuine(KEYS["ES256"] if keys else get_key_ring().signing_key, int(time.time())))
        answers = [api.get(door, authorization=f"Bearer {bad}") for door in DOORS]

    for answer in answers:
        assert answer.status_code == 401
        assert answer.json() == {"error": "invalid_token", "error_description": InvalidToken.description}
        assert answer["WWW-Authenticate"].startswith("Bearer ")
        assert 'error="invalid_token"' in answer["WWW-Authenticate"]
        assert answer["Cache-Control"] == "no-store"
    assert not [record for record in caplog.records if record.exc_info or record.levelno >= logging.ERROR]
    assert len(bad) < 9 or bad not in caplog.text


AUTHORIZATIONS = {
    "no token": "Bearer",
    "a space for a token": "Bearer ",
    "two tokens": "Bearer TOKEN TOKEN",
    "two tokens and a comma": "Bearer TOKEN, Bearer TOKEN",
    "the scheme twice": "Bearer Bearer TOKEN",
    "a parameter": 'Bearer token="TOKEN"',
    "something after": "Bearer TOKEN x",
    "a NUL": "Bearer TOKEN\0",
    "non-ASCII": "Bearer TOKENé",
}


@pytest.mark.parametrize("authorization", AUTHORIZATIONS.values(), ids=AUTHORIZATIONS)
def test_a_bearer_header_holds_exactly_one_token(
    api: Api, ada: Person, caplog: pytest.LogCaptureFixture, authorization: str
) -> None:
    token = api.login(ada)["access_token"]
    for door in DOORS:
        answer = api.get(door, authorization=authorization.replace("TOKEN", token))
        assert answer.status_code == 401
        assert answer.json()["error"] == "invalid_token"
        assert 'error="invalid_token"' in answer["WWW-Authenticate"]
    assert not [record for record in caplog.records if record.exc_info or record.levelno >= logging.ERROR]
    assert token not in caplog.text


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEARER", "Bearer "])
def test_the_scheme_is_read_in_any_case(api: Api, ada: Person, scheme: str) -> None:
    token = api.login(ada)["access_token"]
    for door in DOORS:
        answer = api.get(door, authorization=f"{scheme} {token}")
        assert answer.status_code == 200
        assert ada.name in answer.json().values()


def _other_texts(sub: str) -> dict[str, str]:
    return {
        "a space before": f" {sub}",
        "a line break after": f"{sub}\n",
        "a zero before": f"0{sub}",
        "a plus sign before": f"+{sub}",
        "a fraction after": f"{sub}.0",
        "an underscore before": f"_{sub}",
        "a NUL after": f"{sub}\0",
        "braces around": f"{{{sub}}}",
        "full-width digits": sub.translate({code: code + 0xFEE0 for code in range(ord("0"), ord("9") + 1)}),
        "nothing": "",
    }


@pytest.mark.parametrize("spelling", _other_texts("1"))
def test_sub_is_the_primary_key_in_one_spelling(api: Api, ada: Person, spelling: str) -> None:
    claims = load_json(b64decode(api.login(ada)["access_token"].split(".")[1]))
    token = Genuine(get_key_ring().signing_key, claims)
    assert api.get("/auth/me/", token.token).status_code == 200
    other = token.claim(sub=_other_texts(str(ada.user.pk))[spelling])
    for door in DOORS:
        answer = api.get(door, other)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")


SIDS = {"nobody's": SID, "nothing": "", "no UUID": "1", "a NUL": "\0", "SQL": "' OR 1=1 --", "long": "a" * 5000}


@pytest.mark.parametrize("sid", SIDS.values(), ids=SIDS)
def test_a_session_that_never_was_opens_no_strict_door(
    api: Api, db: None, caplog: pytest.LogCaptureFixture, sid: str
) -> None:
    token = genuine(get_key_ring().signing_key, int(time.time())).claim(sid=sid)
    for door in STRICT_DOORS:
        answer = api.get(door, token)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
    assert not [record for record in caplog.records if record.exc_info or record.levelno >= logging.ERROR]


def test_another_persons_session_opens_no_strict_door(api: Api, ada: Person, person: Callable[..., Person]) -> None:
    claims = load_json(b64decode(api.login(ada)["access_token"].split(".")[1]))
    token = Genuine(get_key_ring().signing_key, claims).claim(sub=str(person("alan").user.pk))
    for door in STRICT_DOORS:
        answer = api.get(door, token)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")


def test_a_refresh_token_opens_no_door(api: Api, ada: Person) -> None:
    refresh_token = api.login(ada)["refresh_token"]
    for door in DOORS:
        answer = api.get(door, refresh_token)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")


def test_an_access_token_refreshes_nothing(api: Api, ada: Person) -> None:
    tokens = api.login(ada)
    answer = api.refresh(tokens["access_token"])
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert api.refresh(tokens["refresh_token"]).status_code == 200


def test_the_doors_open_to_a_good_token(api: Api, ada: Person) -> None:
    token = api.login(ada)["access_token"]
    for door in DOORS:
        answer = api.get(door, token)
        assert answer.status_code == 200
        assert ada.name in answer.json().values()


@pytest.mark.parametrize("algorithm", RINGS)
def test_a_token_says_what_was_issued(algorithm: str) -> None:
    now = int(time.time())
    claims = {**genuine(KEYS[algorithm], now).claims, "scope": "read write", "deep": {"er": [1.5, {"x": None}]}}

    access = check(issue(claims, key=KEYS[algorithm]), RINGS[algorithm], now)

    assert access.claims == {**claims, "groups": ("registrar",), "deep": {"er": (1.5, {"x": None})}}
    assert (access.sub, access.sid, access.client_id) == ("1", SID, "first-party")
    assert (access.exp, access.auth_time) == (now + LIFETIME, now)
    assert (access.username, access.groups, access.scope) == ("ada", ("registrar",), {"read", "write"})


def test_what_a_token_leaves_out_is_empty() -> None:
    good = genuine(KEYS["HS256"], int(time.time()))
    access = check(good.claim(username=..., groups=...), RINGS["HS256"], good.claims["iat"])
    assert (access.username, access.groups, access.scope) == ("", (), frozenset())


def test_an_access_token_cannot_be_changed() -> None:
    good = genuine(KEYS["HS256"], int(time.time()))
    access = check(good.claim(deep={"er": [{}]}), RINGS["HS256"], good.claims["iat"])
    for name in ("payload", "sub", "sid", "username", "groups", "scope", "not_before", "exp", "_claims"):
        with pytest.raises(FrozenInstanceError):
            setattr(access, name, "2")
    for members in (access.claims, access.claims["deep"], access.claims["deep"]["er"][0]):
        with pytest.raises(TypeError):
            members["sub"] = "2"
    with pytest.raises(TypeError):
        access.claims["deep"]["er"][0] = {"sub": "2"}


def test_a_token_shows_none_of_its_claims_and_is_the_same_whether_somebody_asked_for_them() -> None:
    asked, other = (AccessToken.of({**genuine(KEYS["HS256"], NOW).claims, "more": "secret"}) for _ in range(2))
    assert asked.claims is asked.claims

    assert asked == other
    assert hash(asked) == hash(other)
    for name in ("payload", "_claims", "secret"):
        assert name not in repr(asked)
    with pytest.raises((TypeError, ValueError)):
        replace(asked, _claims={"sub": "2"})


def test_what_is_said_anew_takes_the_place_of_the_scope_and_of_whatever_is_no_rfcs_own() -> None:
    said = genuine(KEYS["HS256"], NOW).claims
    own = {name: value for name, value in said.items() if name not in ("username", "groups")}
    own |= {"nbf": NOW - 1, "amr": ["pwd"]}
    access = AccessToken.of({**own, "username": "ada", "more": 1, "scope": "read"})

    renewed = access.saying({"groups": ["choir"], "scope": "write"})
    assert renewed.claims == {**own, "amr": ("pwd",), "groups": ("choir",), "scope": "write"}
    assert (renewed.username, renewed.groups, renewed.scope) == ("", ("choir",), {"write"})
    assert access.saying({}).claims == {**own, "amr": ("pwd",)}
    assert access.saying({"username": "ada", "more": 1, "scope": "read"}) is access


#: At the edge of what is refused above.
GOOD: dict[str, Forge] = {
    "as issued": lambda g: g.token,
    "expires within the leeway": lambda g: g.claim(iat=g.claims["iat"] - 20, exp=g.claims["iat"] - LEEWAY + 1),
    "issued within the leeway": lambda g: g.claim(iat=g.claims["iat"] + LEEWAY),
    "valid from within the leeway": lambda g: g.claim(nbf=g.claims["iat"] + LEEWAY),
    "valid since 1970": lambda g: g.claim(nbf=0),
    "lives for a second": lambda g: g.claim(exp=g.claims["iat"] + 1),
    "ours among other audiences": lambda g: g.claim(aud=["https://example.org", ISSUER]),
    "ours the only audience": lambda g: g.claim(aud=[ISSUER]),
    "claims that we do not know": lambda g: g.claim(more={"a": [1, 2.5, None, True, "ÿ🦀"]}),
    "sixteen levels": lambda g: g.claim(more=json.loads("[" * 15 + "]" * 15)),
    "nineteen digits": lambda g: g.claim(more=9_999_999_999_999_999_999),
    "white space in the claims": lambda g: g.say(json.dumps(dict(g.claims), indent=2).encode()),
    "escapes in the claims": lambda g: g.say(dump_json(g.claims).replace(b'"sub"', b'"s\\u0075b"')),
}


@pytest.mark.parametrize("forge", GOOD.values(), ids=GOOD)
def test_a_token_at_the_edge_is_accepted(forge: Forge) -> None:
    for algorithm, ring in RINGS.items():
        good = genuine(KEYS[algorithm], int(time.time()))
        assert check(forge(good), ring, good.claims["iat"]).sub == "1"


def test_a_token_has_8_kib_and_not_a_character_more() -> None:
    good = genuine(KEYS["RS256"], int(time.time()))
    size = (MAX_LENGTH - len(good.token)) * 3 // 4
    tokens = {len(token): token for token in (good.claim(more="a" * (size - less)) for less in range(16))}

    longest = check(tokens[8192], RINGS["RS256"], good.claims["iat"])
    assert issue(load_json(longest.payload), key=KEYS["RS256"]) == tokens[8192]
    with pytest.raises(InvalidToken, match="longer"):
        check(tokens[8193], RINGS["RS256"], good.claims["iat"])


#: What a project's CLAIMS might return, and our own verifier would then refuse: nobody could do anything.
UNREADABLE: dict[str, dict[Any, Any]] = {
    "more than 8 KiB": {"more": "a" * MAX_LENGTH},
    "NaN": {"more": float("nan")},
    "half a surrogate pair": {"more": "\ud800"},
    "a set": {"more": {1}},
    "twenty digits": {"more": 10**19},
    "seventeen levels": {"more": json.loads("[" * 16 + "]" * 16)},
    "a name twice": {1: "a", "1": "b"},
    "groups in one text": {"groups": "registrar"},
}


@pytest.mark.parametrize("more", UNREADABLE.values(), ids=UNREADABLE)
def test_a_token_that_we_would_refuse_ourselves_is_not_issued(more: dict[Any, Any]) -> None:
    with pytest.raises((ValueError, TypeError)):
        issue({**genuine(KEYS["HS256"], int(time.time())).claims, **more}, key=KEYS["HS256"])


@pytest.mark.parametrize("payload", [b"", b"null", b"\xff", b'{"a":1,"a":2}', b'{"exp":NaN}', b"[" * 3000], ids=repr)
def test_nothing_is_read_before_the_signature_holds(payload: bytes) -> None:
    """The reason in the log tells which check came first."""
    for algorithm, ring in RINGS.items():
        token = f"{KEYS[algorithm].header}.{b64encode(payload)}.{b64encode(bytes(len(KEYS[algorithm].sign(b''))))}"
        with pytest.raises(InvalidToken, match="signature"):
            check(token, ring, time.time())


def test_a_token_costs_one_signature_check_at_most() -> None:
    checked: list[bytes] = []

    def key(kid: str) -> Key:
        return Key("ES256", {}, kid, None, lambda signature, data: checked.append(data))

    ring = KeyRing([key("a"), key("b"), key("c")])
    unknown = STRANGERS["ES256"].header
    for token, checks in {
        f"{ring.keys[2].header}.e30.": 1,
        f"{ring.keys[2].header}.e30.=": 0,
        f"{ring.keys[2].header}.{'a' * MAX_LENGTH}.": 0,
        f"{ring.keys[2].header}.e30..": 0,
        f"{unknown}.e30.": 0,
    }.items():
        checked.clear()
        with pytest.raises(InvalidToken):
            check(token, ring, time.time())
        assert len(checked) == checks


@pytest.mark.parametrize("algorithm", RINGS)
def test_a_token_of_a_key_outside_the_ring_is_nobodys(algorithm: str) -> None:
    stranger = genuine(STRANGERS[algorithm], int(time.time()))
    with pytest.raises(UnknownKey):
        check(stranger.token, RINGS[algorithm], stranger.claims["iat"])


#: A busy machine is no failure.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
NOW = 1_800_000_000
SIGNED = {algorithm: genuine(KEYS[algorithm], NOW) for algorithm in RINGS}
TOKENS = {algorithm: good.token for algorithm, good in SIGNED.items()}
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from([NOW, ISSUER, SID]),
    lambda members: st.lists(members, max_size=3) | st.dictionaries(st.text(max_size=4), members, max_size=3),
    max_leaves=6,
)


@given(token=st.text() | st.text(".=Aa0-_ \n", max_size=30) | st.binary().map(lambda data: data.decode("latin-1")))
@patient
@example("." * 5000)
def test_any_text_is_an_invalid_token(token: str) -> None:
    for ring in RINGS.values():
        with pytest.raises(InvalidToken):
            check(token, ring, NOW)


@given(algorithm=st.sampled_from([*RINGS]), payload=st.text(max_size=20), signature=st.text(max_size=20))
@patient
def test_any_text_under_our_header_is_an_invalid_token(algorithm: str, payload: str, signature: str) -> None:
    with pytest.raises(InvalidToken):
        check(f"{KEYS[algorithm].header}.{payload}.{signature}", RINGS[algorithm], NOW)


@given(algorithm=st.sampled_from([*RINGS]), place=st.floats(0, 1, exclude_max=True), character=st.characters())
@settings(patient, max_examples=300)
def test_any_other_character_makes_an_invalid_token(algorithm: str, place: float, character: str) -> None:
    token = TOKENS[algorithm]
    position = int(place * len(token))
    for mangled in (
        token[:position] + character + token[position + 1 :],
        token[:position] + character + token[position:],
        token[:position] + token[position + 1 :],
    ):
        if mangled != token:
            with pytest.raises(InvalidToken):
                check(mangled, RINGS[algorithm], NOW)


@pytest.mark.parametrize("algorithm", RINGS)
def test_any_other_bit_makes_an_invalid_token(algorithm: str) -> None:
    token = TOKENS[algorithm]
    check(token, RINGS[algorithm], NOW)
    for position in range(len(token)):
        mangled = token[:position] + chr(ord(token[position]) ^ 1 << position % 7) + token[position + 1 :]
        with pytest.raises(InvalidToken):
            check(mangled, RINGS[algorithm], NOW)


@given(payload=st.binary() | json_values.map(lambda value: json.dumps(value).encode()))
@patient
def test_any_payload_is_an_invalid_token_even_when_signed(payload: bytes) -> None:
    with pytest.raises(InvalidToken):
        check(SIGNED["HS256"].say(payload), RINGS["HS256"], NOW)


@given(claim=st.sampled_from([*SIGNED["HS256"].claims, "nbf", "scope", "more"]), value=json_values)
@settings(patient, max_examples=400)
def test_any_value_of_any_claim_is_refused_or_readable(claim: str, value: Any) -> None:
    token = SIGNED["HS256"].say(json.dumps({**SIGNED["HS256"].claims, claim: value}).encode())
    try:
        access = check(token, RINGS["HS256"], NOW)
    except InvalidToken:
        return
    assert access.claims["iss"] == ISSUER
    assert ISSUER in (access.claims["aud"], *access.claims["aud"])
    assert all(type(access.claims[name]) is str for name in ("sub", "sid", "client_id", "jti"))
    assert all(type(access.claims[name]) is int for name in ("iat", "exp", "auth_time"))
    assert all(type(value) is str for value in (access.username, *access.groups, *access.scope))


@given(text=st.text() | st.text("0123456789abcdef-._", max_size=90))
@patient
@example(f"{SID}.0.0." + "A" * 43 + "\n")
@example(f"{SID}.٣.0." + "A" * 43)
@example(f"{SID}.00.0." + "A" * 43)
@example(f"{SID}.-1.0." + "A" * 43)
@example(f"{SID}.9999999999.0." + "A" * 43)
@example(f"{SID.upper()}.0.0." + "A" * 43)
@example(f"{SID}.0.0." + "A" * 42 + "=")
@example(f"{SID}.0.0." + "A" * 44)
@example("a" * 2**20)
def test_any_other_text_is_an_invalid_refresh_token(text: str) -> None:
    with pytest.raises(InvalidGrant):
        RefreshToken.parse(text)


@given(
    sid=st.uuids().map(str),
    generation=st.integers(0, 999_999_999),
    branch=st.integers(0, 999),
    seed=st.binary(min_size=32, max_size=32),
    realm=st.sampled_from(["", "acme"]),
)
@patient
def test_a_refresh_token_is_read_as_it_was_written(
    sid: str, generation: int, branch: int, seed: bytes, realm: str
) -> None:
    token = RefreshToken(sid, generation, branch)
    text = token.encode(secret=SECRET, seed=seed, realm=realm)
    read, mac = RefreshToken.parse(text)
    assert read == token
    read.verify(mac, secrets=[b"another", SECRET], seed=seed, realm=realm)
    for secrets, other_seed, other_realm in (
        ([], seed, realm),
        ([SECRET], seed + b"s", realm),
        ([SECRET], seed, "r" + realm),
    ):
        with pytest.raises(InvalidGrant):
            read.verify(mac, secrets=secrets, seed=other_seed, realm=other_realm)
    assert text == token.encode(secret=SECRET, seed=seed, realm=realm)
