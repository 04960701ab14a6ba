"""base64url and JSON in which one meaning has exactly one text: no padding, no stray bits, no duplicate members."""

from __future__ import annotations

import binascii
import json
import math
from typing import Any

_TO_BASE64 = bytes.maketrans(b"-_", b"+/")
_FROM_BASE64 = bytes.maketrans(b"+/", b"-_")
_MAX_DEPTH = 16
_MAX_DIGITS = 19


def b64encode(data: bytes) -> str:
    """base64url without padding (RFC 7515 §2)."""
    return _b64encode(data).decode("ascii")


def _b64encode(data: bytes) -> bytes:
    return binascii.b2a_base64(data, newline=False).translate(_FROM_BASE64).rstrip(b"=")


def b64decode(text: str) -> bytes:
    """The inverse of `b64encode`, and of nothing else. Raises ValueError for any other spelling of the same bytes."""
    try:
        given = text.encode("ascii")
        data = binascii.a2b_base64(given.translate(_TO_BASE64) + b"==="[: -len(given) % 4], strict_mode=True)
    except ValueError:
        raise ValueError("not base64url") from None
    # There and back again, or one token would have several texts: padding, another alphabet, unused bits that are not
    # zero (RFC 4648 §3.5).
    if _b64encode(data) != given:
        raise ValueError("not canonical base64url")
    return data


def dump_json(value: object) -> bytes:
    """Compact UTF-8 JSON. Raises TypeError or ValueError for what JSON cannot say."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def load_json(data: bytes) -> dict[str, Any]:
    """The JSON object in `data`. Raises ValueError where two parsers could disagree (RFC 8259 §4, §6, §8)."""
    try:
        value = _decoder.decode(data.decode())
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if type(value) is not dict:
        raise ValueError("not a JSON object")
    # Whatever opens no more often than this cannot be deeper.
    if data.count(b"{") + data.count(b"[") > _MAX_DEPTH and _depth_exceeds(value, _MAX_DEPTH):
        raise ValueError("nested too deeply")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("duplicate member")
    return members


def _bounded_int(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise ValueError("number too large")
    return int(digits)


def _finite_float(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError("number too large")
    return number


def _refuse_constant(name: str) -> None:
    raise ValueError("NaN and Infinity are not JSON")


def _depth_exceeds(value: object, limit: int) -> bool:
    members = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    if members is None:
        return False
    return limit == 0 or any(_depth_exceeds(member, limit - 1) for member in members)


# Made once: json.loads would make one for each call.
_decoder = json.JSONDecoder(
    object_pairs_hook=_unique,
    parse_int=_bounded_int,
    parse_float=_finite_float,
    parse_constant=_refuse_constant,
)
