"""Who signs, and what may become of a signature; what makes them shares no line with the package that judges them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

#: The order of P-256, and that of Ed25519's group.
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
GROUP = 2**252 + 27742317777372353535851937790883648493


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def derived(secret: str, purpose: str) -> bytes:
    info = f"django-ironclad {purpose}".encode()
    return HKDF(hashes.SHA256(), length=32, salt=None, info=info).derive(secret.encode())


def _thumbprint(public: Any) -> tuple[dict[str, str], str]:
    """The JWK (RFC 7517 §4) and its thumbprint (RFC 7638 §3)."""

    def number(value: int, size: int) -> str:
        return b64(value.to_bytes(size, "big"))

    match public:
        case bytes():
            jwk = {"k": b64(public), "kty": "oct"}
        case ed25519.Ed25519PublicKey():
            jwk = {"crv": "Ed25519", "kty": "OKP", "x": b64(public.public_bytes_raw())}
        case ec.EllipticCurvePublicKey():
            point = public.public_numbers()
            jwk = {"crv": "P-256", "kty": "EC", "x": number(point.x, 32), "y": number(point.y, 32)}
        case _:
            numbers = public.public_numbers()
            jwk = {"e": number(numbers.e, 3), "kty": "RSA", "n": number(numbers.n, public.key_size // 8)}
    return jwk, b64(hashlib.sha256(compact(jwk)).digest())


@dataclass(frozen=True)
class Keyholder:
    """One private key, or the secret itself, and what is public of it."""

    algorithm: str
    private: Any

    @property
    def public(self) -> Any:
        return self.private if isinstance(self.private, bytes) else self.private.public_key()

    @property
    def pem(self) -> str:
        form = serialization.PrivateFormat.PKCS8
        return str(
            self.private.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode("ascii")
        )

    def public_as(self, encoding: serialization.Encoding) -> bytes:
        return bytes(self.public.public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo))

    @property
    def jwk(self) -> dict[str, str]:
        return _thumbprint(self.public)[0]

    @property
    def kid(self) -> str:
        return _thumbprint(self.public)[1]

    def sign(self, data: bytes) -> bytes:
        match self.private:
            case bytes():
                return hmac.digest(self.private, data, "sha256")
            case ed25519.Ed25519PrivateKey():
                return self.private.sign(data)
            case ec.EllipticCurvePrivateKey():
                r, s = decode_dss_signature(self.sign_der(data))
                # The lower of the two that fit, so that "high-s" is the other one.
                return r.to_bytes(32, "big") + min(s, ORDER - s).to_bytes(32, "big")
        return bytes(self.private.sign(data, padding.PKCS1v15(), hashes.SHA256()))

    def sign_der(self, data: bytes) -> bytes:
        return bytes(self.private.sign(data, ec.ECDSA(hashes.SHA256())))

    def sign_pss(self, data: bytes) -> bytes:
        scheme = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
        return bytes(self.private.sign(data, scheme, hashes.SHA256()))


def keyholders() -> dict[str, Keyholder]:
    made = {
        "ES256": ec.generate_private_key(ec.SECP256R1()),
        "EdDSA": ed25519.Ed25519PrivateKey.generate(),
        "RS256": rsa.generate_private_key(65537, 2048),
        "HS256": hashlib.sha256(b"the attacked service's").digest(),
    }
    return {name: Keyholder(name, private) for name, private in made.items()}


#: Of the service that is attacked: an attacker who had them could do no more, and what is refused is refused for
#: something else than the signature. And of somebody else's service.
OURS = keyholders()
STRANGERS = {**keyholders(), "HS256": Keyholder("HS256", hashlib.sha256(b"somebody else's").digest())}


def _flip(position: int, bit: int) -> Callable[[bytes], bytes]:
    def flip(data: bytes) -> bytes:
        changed = bytearray(data)
        changed[position] ^= bit
        return bytes(changed)

    return flip


def _numbers(r: int | None, s: int | None) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        first = data[:32] if r is None else r.to_bytes(32, "big")
        return first + (data[32:] if s is None else s.to_bytes(32, "big"))

    return change


#: What becomes of a good signature.
SIGNATURES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda data: b"",
    "one byte": lambda data: data[:1],
    "half": lambda data: data[: len(data) // 2],
    "without its first byte": lambda data: data[1:],
    "without its last byte": lambda data: data[:-1],
    "with a zero before": lambda data: b"\0" + data,
    "with a zero after": lambda data: data + b"\0",
    "twice": lambda data: data * 2,
    "reversed": lambda data: data[::-1],
    "all zero": lambda data: bytes(len(data)),
    "all one": lambda data: b"\xff" * len(data),
    "first bit flipped": _flip(0, 0x80),
    "middle bit flipped": lambda data: _flip(len(data) // 2, 1)(data),
    "last bit flipped": _flip(-1, 1),
    "high s": lambda data: data[:32] + (ORDER - int.from_bytes(data[32:], "big")).to_bytes(32, "big"),
    "r and s exchanged": lambda data: data[32:] + data[:32],
    "r zero": _numbers(0, None),
    "s zero": _numbers(None, 0),
    "r = s = 1": _numbers(1, 1),
    "r = s = n": _numbers(ORDER, ORDER),
    "r = 0, s = n": _numbers(0, ORDER),
    "33 bytes for each number": lambda data: b"\0" + data[:32] + b"\0" + data[32:],
    "s + L": lambda data: data[:32] + (int.from_bytes(data[32:], "little") + GROUP).to_bytes(32, "little"),
    "R of small order": lambda data: b"\1" + bytes(31) + bytes(32),
}


def _mac(secret: bytes, data: bytes, digest: str = "sha256") -> bytes:
    return hmac.digest(secret, data, digest)


def _published_number(key: Keyholder) -> bytes:
    value = key.jwk.get("x") or key.jwk["n"]
    return base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))


def _another(key: Keyholder) -> Keyholder:
    return OURS["EdDSA" if key.algorithm == "ES256" else "ES256"]


_PEM, _DER = serialization.Encoding.PEM, serialization.Encoding.DER
#: By whom the bytes are signed, where a service signs by this key.
SIGNERS: dict[str, Callable[[Keyholder, bytes], bytes]] = {
    "ours": lambda key, data: key.sign(data),
    "ours, in DER": lambda key, data: key.sign_der(data),
    "ours, by PSS": lambda key, data: key.sign_pss(data),
    "another key of the ring": lambda key, data: _another(key).sign(data),
    "another token": lambda key, data: key.sign(data[:-1] + (b"A" if data[-1:] != b"A" else b"B")),
    "a stranger": lambda key, data: STRANGERS[key.algorithm].sign(data),
    "nobody, a plain hash": lambda key, data: hashlib.sha256(data).digest(),
    "the public PEM as a secret": lambda key, data: _mac(key.public_as(_PEM), data),
    "the public PEM as a secret, stripped": lambda key, data: _mac(key.public_as(_PEM).strip(), data),
    "the public DER as a secret": lambda key, data: _mac(key.public_as(_DER), data),
    "the public JWK as a secret": lambda key, data: _mac(compact(key.jwk), data),
    "the published x or n as a secret": lambda key, data: _mac(_published_number(key), data),
    "an empty secret": lambda key, data: _mac(b"", data),
    "the kid as a secret": lambda key, data: _mac(key.kid.encode(), data),
    "the secret, but by SHA-512": lambda key, data: _mac(key.private, data, "sha512"),
    "the secret, but by SHA-384": lambda key, data: _mac(key.private, data, "sha384"),
}
