"""A key is bound to one algorithm and to the one JOSE header it writes; a ring finds a key by exactly that header."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ..errors import InvalidToken
from .encoding import b64encode, dump_json

TYPE: Final = "at+jwt"  # RFC 9068 §2.1
_SHA256 = hashes.SHA256()
_BEGINS_A_KEY: Final = re.compile(rb"-----BEGIN [A-Z ]*(?:PRIVATE|PUBLIC) KEY-----")


#: The remainders that moduli of Infineon's flawed generator leave: powers of 65537, by each of these primes.
_ROCA: Final = {
    prime: {pow(65537, exponent, prime) for exponent in range(prime)}
    for prime in (11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157)
}


def derive(secret: str | bytes, purpose: str) -> bytes:
    """32 bytes for one purpose out of a secret that serves many, `SECRET_KEY` for one (HKDF-SHA256, RFC 5869)."""
    material = secret.encode() if isinstance(secret, str) else secret
    return HKDF(_SHA256, length=32, salt=None, info=f"django-ironclad {purpose}".encode()).derive(material)


def thumbprint(jwk: Mapping[str, str]) -> str:
    """The SHA-256 thumbprint of a JWK that holds its required members and no other (RFC 7638 §3)."""
    return b64encode(hashlib.sha256(dump_json(dict(sorted(jwk.items())))).digest())


@dataclass(frozen=True, slots=True, eq=False)
class Key:
    """One key, one algorithm, made by `from_secret` or `from_pem`; its secret is never shown and cannot be pickled."""

    algorithm: str
    #: The public key as a JWK (RFC 7517 §4); empty for HS256, whose key is nobody else's business.
    jwk: Mapping[str, str]
    kid: str
    _sign: Callable[[bytes], bytes] | None = field(repr=False)
    _check: Callable[[bytes, bytes], None] = field(repr=False)
    #: The only encoded JOSE header that a token signed by this key may have.
    header: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        header = {"alg": self.algorithm, "kid": self.kid, "typ": TYPE}
        object.__setattr__(self, "header", b64encode(dump_json(header)))

    @classmethod
    def from_secret(cls, secret: bytes) -> Key:
        """An HS256 key (RFC 7518 §3.2). Raises ValueError under 32 bytes."""
        if len(secret) < 32:
            raise ValueError("an HS256 key needs at least 32 bytes")

        def sign(data: bytes) -> bytes:
            return hmac.digest(secret, data, "sha256")

        def check(signature: bytes, data: bytes) -> None:
            if not hmac.compare_digest(signature, sign(data)):
                raise InvalidSignature

        return cls("HS256", {}, thumbprint({"kty": "oct", "k": b64encode(secret)}), sign, check)

    @classmethod
    def from_pem(cls, pem: str | bytes) -> Key:
        """A key from an unencrypted PEM: Ed25519 → EdDSA, P-256 → ES256, RSA of 2048 bits or more → RS256.

        A public key verifies and does not sign. Raises ValueError, which never repeats the PEM.
        """
        data = pem.encode() if isinstance(pem, str) else pem
        if len(_BEGINS_A_KEY.findall(data)) > 1:
            raise ValueError("there is more than one key in the PEM: give each an entry of its own")
        try:
            if b"PRIVATE KEY" in data:
                private: Any = serialization.load_pem_private_key(data, password=None)
                public: Any = private.public_key()
            else:
                private, public = None, serialization.load_pem_public_key(data)
        except TypeError:
            raise ValueError("the PEM is encrypted: store it decrypted, where only this service reads it") from None
        except (ValueError, UnsupportedAlgorithm, AttributeError):
            raise ValueError("not the PEM of a private or public key") from None
        if isinstance(public, ed25519.Ed25519PublicKey):
            return _eddsa(public, private)
        if isinstance(public, ec.EllipticCurvePublicKey) and isinstance(public.curve, ec.SECP256R1):
            return _es256(public, private)
        if isinstance(public, rsa.RSAPublicKey):
            return _rs256(public, private)
        raise ValueError("the key must be Ed25519 (EdDSA), P-256 (ES256) or RSA (RS256)")

    def sign(self, data: bytes) -> bytes:
        """The signature of `data`. Raises ValueError when this is a public key."""
        if self._sign is None:
            raise ValueError("a public key cannot sign: put a private key first in KEYS")
        return self._sign(data)

    def verify(self, signature: bytes, data: bytes) -> None:
        """Return if `signature` is this key's for `data`. Raises InvalidToken."""
        try:
            self._check(signature, data)
        except InvalidSignature:
            raise InvalidToken("the signature does not fit", reason="signature") from None


def _integer(number: int, length: int = 0) -> str:
    return b64encode(number.to_bytes(length or (number.bit_length() + 7) // 8, "big"))


def _eddsa(public: ed25519.Ed25519PublicKey, private: ed25519.Ed25519PrivateKey | None) -> Key:
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": b64encode(public.public_bytes_raw())}
    return Key("EdDSA", jwk, thumbprint(jwk), private.sign if private else None, public.verify)


def _es256(public: ec.EllipticCurvePublicKey, private: ec.EllipticCurvePrivateKey | None) -> Key:
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

    return Key("ES256", jwk, thumbprint(jwk), partial(sign, private) if private else None, check)


def _rs256(public: rsa.RSAPublicKey, private: rsa.RSAPrivateKey | None) -> Key:
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

    return Key("RS256", jwk, thumbprint(jwk), partial(sign, private) if private else None, check)
