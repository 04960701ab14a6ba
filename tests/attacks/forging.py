"""Tokens as somebody forges them, by hand: no line of the package that has to refuse them makes them."""

from __future__ import annotations

import base64
import hmac
import json
import re
from collections.abc import Mapping
from string import Template
from typing import Any

from .signing import OURS, SIGNATURES, SIGNERS, STRANGERS, b64, compact

ABSENT = "@absent"
#: What TOML has no way to write.
_WORDS = {"@null": None, "@surrogate": "\ud800"}
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_TIME = re.compile(r"@(now|now text|now float|now list)([+-]\d+)?")
#: What a case may say of a token.
WORDS = {"by", "header", "header_text", "claims", "payload", "add", "payload_64", "sign", "signature", "text", "grow"}


def _stray_bits(text: str) -> str:
    """The same bytes in another spelling, where the last character has bits to spare."""
    return text[:-1] + _ALPHABET[(_ALPHABET.index(text[-1]) + 1) % 64] if text else ""


def _times(value: Any, now: int) -> Any:
    if isinstance(value, dict):
        return {name: _times(member, now) for name, member in value.items()}
    if isinstance(value, list):
        return [_times(member, now) for member in value]
    if isinstance(value, str) and (match := _TIME.fullmatch(value)):
        time = now + int(match[2] or 0)
        return {"now": time, "now text": str(time), "now float": float(time), "now list": [time]}[match[1]]
    return _WORDS.get(value, value) if isinstance(value, str) else value


def _changed(base: Mapping[str, Any], changes: Mapping[str, Any], now: int) -> dict[str, Any]:
    merged = {**base, **_times(dict(changes), now)}
    return {name: value for name, value in merged.items() if value != ABSENT}


def forge(said: Mapping[str, Any], *, algorithm: str, claims: Mapping[str, Any], now: int) -> str:
    """The token of which a case says this. Texts are Latin-1: a character is a byte.

    `$`names in texts are its parts: see cases/README.md.
    """
    if unknown := said.keys() - WORDS:
        raise ValueError(f"no word of this vocabulary: {unknown}")
    ours, stranger = OURS[algorithm], STRANGERS[algorithm]
    names = {
        "alg": algorithm,
        "kid": ours.kid,
        "stranger_kid": stranger.kid,
        "stranger_jwk": json.dumps(stranger.jwk),
        "big": "a" * 6300,
        "deep": "[" * 2000 + "]" * 2000,
        "objects": '{"a":' * 100 + "1" + "}" * 100,
        "digits": "9" * 5000,
        "sid": claims["sid"],
    }
    if "$genuine" in str(said):
        names["genuine"] = forge({}, algorithm=algorithm, claims=claims, now=now)

    def fill(text: str, more: Mapping[str, str] | None = None) -> str:
        return Template(text).substitute({**names, **(more or {})})

    def fill_all(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: fill_all(member) for name, member in value.items()}
        return fill(value) if isinstance(value, str) else value

    head = {"alg": algorithm, "kid": ours.kid, "typ": "at+jwt"}
    header = b64(compact(_changed(head, fill_all(said.get("header", {})), now)))
    if "header_text" in said:
        header = b64(fill(said["header_text"]).encode("latin-1"))
    full = compact(_changed(claims, said.get("claims", {}), now))
    if "add" in said:
        full = full[:-1] + b"," + fill(said["add"]).encode("latin-1") + b"}"
    if "grow" in said:
        # So long that its base64 ends in a character with bits to spare (1) or needs padding.
        while len(full) % 3 != said["grow"]:
            full = full[:-1] + b" }"
    content = fill(said["payload"], {"claims": full.decode("latin-1")}).encode("latin-1") if "payload" in said else full
    payload = b64(content)
    if "payload_64" in said:
        standard = base64.b64encode(content).decode()
        variants = {"payload": payload, "padded": standard.translate(str.maketrans("+/", "-_")), "standard": standard}
        half = len(payload) // 2
        variants |= {"left": payload[:half], "right": payload[half:], "stray": _stray_bits(payload)}
        payload = fill(said["payload_64"], variants)

    signed = fill(said.get("sign", "$header.$payload"), {"header": header, "payload": payload}).encode("latin-1")
    signature = SIGNERS[said.get("by", "ours")](ours, signed)
    signature = SIGNATURES[said["signature"]](signature) if "signature" in said else signature
    token = f"{header}.{payload}.{b64(signature)}"
    parts = {"header": header, "payload": payload, "signature": b64(signature), "token": token}
    parts |= {"TOKEN": token.upper(), "stray_signature": _stray_bits(b64(signature))}
    parts |= {"wide": "".join(chr(ord(c) + 0xFEE0) if c.isalnum() else c for c in token)}
    return fill(said.get("text", "$header.$payload.$signature"), parts)


def refresh_token(sid: str, generation: int, branch: int, *, secret: bytes, seed: bytes) -> str:
    text = f"{sid}.{generation}.{branch}"
    signed = f"refresh\0\0{text}".encode()
    return f"{text}.{b64(hmac.digest(secret + seed, signed, 'sha256'))}"
