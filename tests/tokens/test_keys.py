"""A key has one algorithm and one header; weak, foreign and half keys do not load, and no secret ever shows."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import math
import pickle
from itertools import count
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa, x25519

from django_ironclad.errors import InvalidToken, UnknownKey
from django_ironclad.tokens.encoding import b64decode, b64encode
from django_ironclad.tokens.keys import Key, derive
from django_ironclad.tokens.ring import KeyRing


def pem(key: Any, form: serialization.PrivateFormat = serialization.PrivateFormat.PKCS8, password: bytes = b"") -> str:
    encryption = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, form, encryption).decode()


def public_pem(key: Any, form: serialization.PublicFormat = serialization.PublicFormat.SubjectPublicKeyInfo) -> str:
    return key.public_bytes(serialization.Encoding.PEM, form).decode()


ED25519 = ed25519.Ed25519PrivateKey.generate()
P256 = ec.generate_private_key(ec.SECP256R1())
RSA = rsa.generate_private_key(65537, 2048)

#: One private key for each algorithm that others can verify.
PEMS = {"EdDSA": pem(ED25519), "ES256": pem(P256), "RS256": pem(RSA)}
PUBLIC_PEMS = {name: public_pem(key.public_key()) for name, key in zip(PEMS, (ED25519, P256, RSA), strict=True)}
SECRET = b"a secret of at least 32 bytes ..."
KEYS = {"HS256": Key.from_secret(SECRET), **{name: Key.from_pem(text) for name, text in PEMS.items()}}
#: Others of the same kinds.
STRANGERS = {
    "HS256": Key.from_secret(b"another secret, as long as the one"),
    "EdDSA": Key.from_pem(pem(ed25519.Ed25519PrivateKey.generate())),
    "ES256": Key.from_pem(pem(ec.generate_private_key(ec.SECP256R1()))),
    "RS256": Key.from_pem(pem(rsa.generate_private_key(65537, 2048))),
}

TRADITIONAL = serialization.PrivateFormat.TraditionalOpenSSL
MODULUS = RSA.public_key().public_numbers().n
OFF_CURVE = bytearray(
    P256.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
)
OFF_CURVE[-1] ^= 1

#: The same keys, written otherwise.
FORMS = {
    "PKCS#1": (pem(RSA, TRADITIONAL), "RS256"),
    "PKCS#1, public": (public_pem(RSA.public_key(), serialization.PublicFormat.PKCS1), "RS256"),
    "SEC1": (pem(P256, TRADITIONAL), "ES256"),
    "bytes": (PEMS["EdDSA"].encode(), "EdDSA"),
    "Windows line ends": (PEMS["EdDSA"].replace("\n", "\r\n"), "EdDSA"),
    "no line end at the end": (PEMS["EdDSA"].strip(), "EdDSA"),
    "text around": (f"Our key:\n{PEMS['EdDSA']}\nKeep it well.", "EdDSA"),
}

#: PEMs that do not load, each with a word that must be in what the error says.
REFUSED = {
    "nothing": ("", "PEM"),
    "garbage": ("garbage", "PEM"),
    "a JWK": (json.dumps(dict(KEYS["EdDSA"].jwk)), "PEM"),
    "a certificate": (PUBLIC_PEMS["ES256"].replace("PUBLIC KEY", "CERTIFICATE"), "PEM"),
    "two private keys": (PEMS["EdDSA"] + PEMS["ES256"], "more than one"),
    "a private and its public key": (PEMS["EdDSA"] + PUBLIC_PEMS["EdDSA"], "more than one"),
    "a truncated PEM": (PEMS["RS256"][:-200], "PEM"),
    "escaped line ends": (PEMS["ES256"].replace("\n", "\\n"), "PEM"),
    "OpenSSH's format": (pem(ED25519, serialization.PrivateFormat.OpenSSH), "PEM"),
    "a private key that calls itself public": (PEMS["ES256"].replace("PRIVATE", "PUBLIC"), "PEM"),
    "a public key that calls itself private": (PUBLIC_PEMS["ES256"].replace("PUBLIC", "PRIVATE"), "PEM"),
    "an encrypted PKCS#8": (pem(P256, password=b"open sesame"), "encrypted"),
    "an encrypted PKCS#1": (pem(RSA, TRADITIONAL, b"open sesame"), "encrypted"),
    "RSA of 1024 bits": (pem(rsa.generate_private_key(65537, 1024)), "2048"),
    "RSA of 1024 bits, public": (public_pem(rsa.generate_private_key(65537, 1024).public_key()), "2048"),
    "RSA of 2047 bits": (public_pem(rsa.RSAPublicNumbers(65537, MODULUS >> 1 | 1).public_key()), "2048"),
    "RSA with the exponent 3": (public_pem(rsa.RSAPublicNumbers(3, MODULUS).public_key()), "65537"),
    "RSA with the exponent 65535": (public_pem(rsa.RSAPublicNumbers(65535, MODULUS).public_key()), "65537"),
    "P-384": (pem(ec.generate_private_key(ec.SECP384R1())), "P-256"),
    "P-521": (pem(ec.generate_private_key(ec.SECP521R1())), "P-256"),
    "secp256k1": (pem(ec.generate_private_key(ec.SECP256K1())), "P-256"),
    "Ed448": (pem(ed448.Ed448PrivateKey.generate()), "Ed25519"),
    "X25519": (pem(x25519.X25519PrivateKey.generate()), "Ed25519"),
    "DSA": (pem(dsa.generate_private_key(1024)), "Ed25519"),
    "a point off the curve": (
        f"-----BEGIN PUBLIC KEY-----\n{base64.encodebytes(OFF_CURVE).decode()}-----END PUBLIC KEY-----\n",
        "PEM",
    ),
}


@pytest.mark.parametrize("algorithm", KEYS)
def test_a_key_verifies_what_it_signs(algorithm: str) -> None:
    key = KEYS[algorithm]
    assert key.algorithm == algorithm
    key.verify(key.sign(b"data"), b"data")


@pytest.mark.parametrize("algorithm", KEYS)
def test_a_key_verifies_nothing_else(algorithm: str) -> None:
    key = KEYS[algorithm]
    good = key.sign(b"data")
    flipped = [bytes([*good[:n], good[n] ^ 1, *good[n + 1 :]]) for n in (0, len(good) // 2, len(good) - 1)]
    cut = [b"", good[:1], good[:-1], good[1:], good + b"\0", b"\0" + good, good + good]
    for signature in [*flipped, *cut, bytes(len(good)), b"\xff" * len(good), STRANGERS[algorithm].sign(b"data")]:
        with pytest.raises(InvalidToken, match="signature"):
            key.verify(signature, b"data")
    for data in (b"", b"Data", b"data\0", b"data data"):
        with pytest.raises(InvalidToken, match="signature"):
            key.verify(good, data)


def test_an_es256_signature_always_has_64_bytes() -> None:
    # In one of 128, r or s begins with a zero byte.
    assert {len(KEYS["ES256"].sign(b"%d" % number)) for number in range(1000)} == {64}


def test_an_es256_signature_of_the_same_numbers_in_another_length_is_refused() -> None:
    signatures = (KEYS["ES256"].sign(b"data") for _ in count())
    short = next(signature for signature in signatures if signature[32] == 0)
    for other in (short[:32] + short[33:], short[:32] + b"\0" + short[32:], b"\0" + short[:32] + b"\0" + short[32:]):
        with pytest.raises(InvalidToken):
            KEYS["ES256"].verify(other, b"data")
    KEYS["ES256"].verify(short, b"data")


def test_an_es256_signature_in_der_is_refused() -> None:
    der = P256.sign(b"data", ec.ECDSA(hashes.SHA256()))
    for signature in (der, der.ljust(64, b"\0"), der[-64:]):
        with pytest.raises(InvalidToken):
            KEYS["ES256"].verify(signature, b"data")


@pytest.mark.parametrize("coordinate", ["x", "y"])
def test_a_coordinate_that_begins_with_a_zero_byte_keeps_its_length(coordinate: str) -> None:
    # RFC 7518 §6.2.1.2; without it, verifiers would refuse one key in 128.
    candidates = (ec.derive_private_key(number, ec.SECP256R1()) for number in count(1))
    short = next(key for key in candidates if getattr(key.public_key().public_numbers(), coordinate) < 2**248)
    assert b64decode(Key.from_pem(pem(short)).jwk[coordinate])[0] == 0
    assert len(b64decode(Key.from_pem(pem(short)).jwk[coordinate])) == 32


@pytest.mark.parametrize("algorithm", KEYS)
def test_a_key_writes_one_header(algorithm: str) -> None:
    key = KEYS[algorithm]
    assert b64decode(key.header).decode() == f'{{"alg":"{algorithm}","kid":"{key.kid}","typ":"at+jwt"}}'


@pytest.mark.parametrize(("text", "algorithm"), FORMS.values(), ids=FORMS)
def test_a_pem_loads_however_it_is_written(text: str | bytes, algorithm: str) -> None:
    key = Key.from_pem(text)
    assert (key.algorithm, key.kid, key.jwk) == (algorithm, KEYS[algorithm].kid, KEYS[algorithm].jwk)


@pytest.mark.parametrize(("text", "word"), REFUSED.values(), ids=REFUSED)
def test_a_pem_that_is_none_of_ours_or_weak_is_refused_without_being_repeated(text: str, word: str) -> None:
    with pytest.raises(ValueError, match=word) as refusal:
        Key.from_pem(text)
    assert not isinstance(refusal.value, InvalidToken)
    for line in filter(None, text.splitlines()):
        assert line not in str(refusal.value)


def test_an_rsa_key_with_the_roca_flaw_is_refused() -> None:
    """Its primes are k·M + (65537^a mod M), M a product of small primes, and so is its modulus (CVE-2017-15361)."""
    small = [n for n in range(2, 168) if all(n % divisor for divisor in range(2, n))]
    product = math.prod(small)
    for exponent in range(1000, 1040):
        modulus = pow(65537, exponent, product) + (1 << 2047) // product * product + product * (exponent % 7 + 1)
        with pytest.raises(ValueError):  # noqa: PT011
            Key.from_pem(public_pem(rsa.RSAPublicNumbers(65537, modulus).public_key()))


#: Those for which not every remainder is a power of 65537.
TELLING = (11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157)


@pytest.mark.parametrize("prime", TELLING)
def test_one_remainder_that_no_flawed_key_leaves_is_enough(prime: int) -> None:
    powers = {pow(65537, exponent, prime) for exponent in range(prime)}
    other = next(remainder for remainder in range(1, prime) if remainder not in powers)
    rest = math.lcm(*(number for number in range(2, 169) if number % prime))
    product = rest * prime
    # 65537 by all other numbers, and this by the one: then it is moved to 2048 bits.
    modulus = 65537 + rest * ((other - 65537) * pow(rest, -1, prime) % prime)
    modulus += (1 << 2047) // product * product + product

    assert Key.from_pem(public_pem(rsa.RSAPublicNumbers(65537, modulus).public_key())).algorithm == "RS256"


@pytest.mark.parametrize("algorithm", PEMS)
def test_a_public_key_verifies_and_does_not_sign(algorithm: str) -> None:
    private, public = KEYS[algorithm], Key.from_pem(PUBLIC_PEMS[algorithm])
    assert (public.kid, public.header, public.jwk) == (private.kid, private.header, private.jwk)
    public.verify(private.sign(b"data"), b"data")
    with pytest.raises(ValueError, match="private key first in KEYS"):
        public.sign(b"data")


@pytest.mark.parametrize("length", [0, 1, 16, 31])
def test_a_secret_of_less_than_32_bytes_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Key.from_secret(b"s" * length)


def test_a_secret_has_32_bytes_or_more() -> None:
    for secret in (b"s" * 32, b"s" * 1000):
        key = Key.from_secret(secret)
        key.verify(hmac.digest(secret, b"data", "sha256"), b"data")


def test_the_kid_of_a_secret_is_its_thumbprint_too() -> None:
    jwk = f'{{"k":"{b64encode(SECRET)}","kty":"oct"}}'.encode()
    assert Key.from_secret(SECRET).kid == b64encode(hashlib.sha256(jwk).digest())


def test_derived_secrets_are_those_of_rfc_5869() -> None:
    for purpose in ("access token HS256", "refresh token HS256"):
        extracted = hmac.digest(bytes(32), b"the project's secret", hashlib.sha256)
        expanded = hmac.digest(extracted, f"django-ironclad {purpose}\x01".encode(), hashlib.sha256)
        assert derive("the project's secret", purpose) == derive(b"the project's secret", purpose) == expanded


def test_one_secret_serves_each_purpose_with_another_key() -> None:
    assert len({derive(secret, purpose) for secret in ("one", "two") for purpose in ("a", "b")}) == 4


@pytest.mark.parametrize("algorithm", KEYS)
def test_a_secret_never_shows(algorithm: str) -> None:
    private = {"EdDSA": ED25519, "ES256": P256, "RS256": RSA}.get(algorithm)
    if private is None:
        secrets = [SECRET]
    elif isinstance(private, ed25519.Ed25519PrivateKey):
        secrets = [private.private_bytes_raw()]
    else:
        numbers: Any = private.private_numbers()
        values = [numbers.private_value] if algorithm == "ES256" else [numbers.d, numbers.p, numbers.q]
        secrets = [value.to_bytes((value.bit_length() + 7) // 8, "big") for value in values]
    key = KEYS[algorithm]
    shown = f"{key!r} {key} {KeyRing([key])!r} {KeyRing([key]).jwks()} {b64decode(key.header)!r}"
    for secret in secrets:
        for spelling in (repr(secret)[2:-1], secret.hex(), str(int.from_bytes(secret, "big")), b64encode(secret)):
            assert spelling not in shown
    assert repr(key) == f"Key(algorithm={key.algorithm!r}, jwk={key.jwk!r}, kid={key.kid!r})"
    with pytest.raises((TypeError, AttributeError, pickle.PicklingError)):
        pickle.dumps(key)


def test_the_first_key_signs_and_all_verify() -> None:
    ring = KeyRing([KEYS["ES256"], KEYS["EdDSA"], KEYS["RS256"]])
    assert ring.signing_key is KEYS["ES256"]
    for algorithm in PEMS:
        assert ring.find(KEYS[algorithm].header) is KEYS[algorithm]


def test_a_ring_knows_only_the_headers_that_its_keys_write() -> None:
    for header in ("", "e30", KEYS["EdDSA"].header, STRANGERS["ES256"].header, KEYS["ES256"].header + "="):
        with pytest.raises(UnknownKey):
            KeyRing([KEYS["ES256"]]).find(header)


MISMATCHED_RINGS = {
    "none": ([], "at least one"),
    "symmetric before asymmetric": ([KEYS["HS256"], KEYS["EdDSA"]], "symmetric and asymmetric"),
    "asymmetric before symmetric": ([KEYS["RS256"], KEYS["ES256"], KEYS["HS256"]], "symmetric and asymmetric"),
    "one twice": ([KEYS["EdDSA"], KEYS["ES256"], Key.from_pem(PEMS["EdDSA"])], "twice"),
    "one secret twice": ([Key.from_secret(SECRET), Key.from_secret(SECRET)], "twice"),
    "a private key and its public half": ([KEYS["EdDSA"], Key.from_pem(PUBLIC_PEMS["EdDSA"])], "twice"),
}


@pytest.mark.parametrize(("keys", "words"), MISMATCHED_RINGS.values(), ids=MISMATCHED_RINGS)
def test_keys_that_do_not_belong_together_make_no_ring(keys: list[Key], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        KeyRing(keys)


def test_a_jwk_set_has_the_public_members_of_each_key_in_order() -> None:
    published = KeyRing([KEYS[algorithm] for algorithm in PEMS]).jwks()
    assert [*published] == ["keys"]
    assert [(jwk["alg"], jwk["kty"], jwk["kid"], jwk["use"]) for jwk in published["keys"]] == [
        ("EdDSA", "OKP", KEYS["EdDSA"].kid, "sig"),
        ("ES256", "EC", KEYS["ES256"].kid, "sig"),
        ("RS256", "RSA", KEYS["RS256"].kid, "sig"),
    ]
    assert [{*jwk} - {"alg", "kty", "kid", "use"} for jwk in published["keys"]] == [
        {"crv", "x"},
        {"crv", "x", "y"},
        {"n", "e"},
    ]


def test_a_jwk_set_says_nothing_of_secrets() -> None:
    assert KeyRing([KEYS["HS256"], STRANGERS["HS256"]]).jwks() == {"keys": []}
