"""A key is bound to one algorithm and to the one JOSE header that it writes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ..errors import InvalidToken
from .algorithms import Algorithm, hs256, of
from .encoding import b64encode, dump_json

TYPE: Final = "at+jwt"  # RFC 9068 §2.1
_SHA256 = hashes.SHA256()
_BEGINS_A_KEY: Final = re.compile(rb"-----BEGIN [A-Z ]*(?:PRIVATE|PUBLIC) KEY-----")


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
        return cls._of(hs256(secret), kid=thumbprint({"kty": "oct", "k": b64encode(secret)}))

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
        algorithm = of(public, private)
        return cls._of(algorithm, kid=thumbprint(algorithm.jwk))

    @classmethod
    def _of(cls, algorithm: Algorithm, *, kid: str) -> Key:
        return cls(algorithm.name, algorithm.jwk, kid, algorithm.sign, algorithm.check)

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
