"""How each of the four algorithms signs and checks (RFC 7518 §3, RFC 8037 §3.1), and how it publishes its key."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from .encoding import b64encode

_SHA256: Final = hashes.SHA256()

#: The remainders that moduli of Infineon's flawed generator leave: powers of 65537, by each of these primes.
_ROCA: Final = {
    prime: {pow(65537, exponent, prime) for exponent in range(prime)}
    for prime in (11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157)
}


@dataclass(frozen=True, slots=True, eq=False)
class Algorithm:
    """One algorithm with one key. `sign` is None for a public key; `check` raises InvalidSignature."""

    name: str
    #: The public key as a JWK (RFC 7517 §4); empty for HS256, whose key is nobody else's business.
    jwk: Mapping[str, str]
    sign: Callable[[bytes], bytes] | None
    check: Callable[[bytes, bytes], None]


def hs256(secret: bytes) -> Algorithm:
    """HMAC with SHA-256 (RFC 7518 §3.2). Raises ValueError under 32 bytes."""
    if len(secret) < 32:
        raise ValueError("an HS256 key needs at least 32 bytes")

    def sign(data: bytes) -> bytes:
        return hmac.digest(secret, data, "sha256")

    def check(signature: bytes, data: bytes) -> None:
        if not hmac.compare_digest(signature, sign(data)):
            raise InvalidSignature

    return Algorithm("HS256", {}, sign, check)


def of(public: Any, private: Any) -> Algorithm:
    """The one algorithm of this kind of key: Ed25519 → EdDSA, P-256 → ES256, RSA of 2048 bits or more → RS256.

    Without a private key it checks and does not sign. Raises ValueError.
    """
    if isinstance(public, ed25519.Ed25519PublicKey):
        return _eddsa(public, private)
    if isinstance(public, ec.EllipticCurvePublicKey) and isinstance(public.curve, ec.SECP256R1):
        return _es256(public, private)
    if isinstance(public, rsa.RSAPublicKey):
        return _rs256(public, private)
    raise ValueError("the key must be Ed25519 (EdDSA), P-256 (ES256) or RSA (RS256)")


def _integer(number: int, length: int = 0) -> str:
    return b64encode(number.to_bytes(length or (number.bit_length() + 7) // 8, "big"))


def _eddsa(public: ed25519.Ed25519PublicKey, private: ed25519.Ed25519PrivateKey | None) -> Algorithm:
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": b64encode(public.public_bytes_raw())}
    return Algorithm("EdDSA", jwk, private.sign if private else None, public.verify)


def _es256(public: ec.EllipticCurvePublicKey, private: ec.EllipticCurvePrivateKey | None) -> Algorithm:
    numbers = public.public_numbers()
    size = 32
    jwk = {"kty": "EC", "crv": "P-256", "x": _integer(numbers.x, size), "y": _integer(numbers.y, size)}
    algorithm = ec.ECDSA(_SHA256)

    def sign(private: ec.EllipticCurvePrivateKey, data: bytes) -> bytes:
        r, s = decode_dss_signature(private.sign(data, algorithm))
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")

    def check(signature: bytes, data: bytes) -> None:
        # JWS has r‖s of fixed length, never DER (RFC 7518 §3.4).
        if len(signature) != 2 * size:
            raise InvalidSignature
        r, s = int.from_bytes(signature[:size], "big"), int.from_bytes(signature[size:], "big")
        public.verify(encode_dss_signature(r, s), data, algorithm)

    return Algorithm("ES256", jwk, partial(sign, private) if private else None, check)


def _rs256(public: rsa.RSAPublicKey, private: rsa.RSAPrivateKey | None) -> Algorithm:
    numbers = public.public_numbers()
    if public.key_size < 2048 or numbers.e < 65537:
        raise ValueError("an RSA key needs at least 2048 bits and an exponent of at least 65537")
    if all(numbers.n % prime in powers for prime, powers in _ROCA.items()):
        raise ValueError("the RSA key was made by a flawed generator (CVE-2017-15361): make another")
    jwk = {"kty": "RSA", "n": _integer(numbers.n), "e": _integer(numbers.e)}
    scheme = (padding.PKCS1v15(), _SHA256)

    def sign(private: rsa.RSAPrivateKey, data: bytes) -> bytes:
        return private.sign(data, *scheme)

    def check(signature: bytes, data: bytes) -> None:
        public.verify(signature, data, *scheme)

    return Algorithm("RS256", jwk, partial(sign, private) if private else None, check)
