"""Vectors that others published: the examples of the RFCs, and Wycheproof's.

Wycheproof's files are read from `../shared/vectors/wycheproof` beside the project, or from the folder `WYCHEPROOF_DIR`;
its README there names eight labels that a strict verifier does not follow. The primitives' files map one to one onto
`Key.verify`. The two files of JWS and JWK know headers and members that our verifier does not, and map like this:

- A JWS is read as `tokens.verify` reads a token: three segments, each strict base64url, the key's own header, then the
  signature. The vector's header stands for our own: it must say exactly the key's algorithm and the vector's `kid`.
- A JWK becomes what we load: `oct` a secret; `EC`, `RSA` and `OKP` a PEM, written here byte by byte, so that it is
  our loader that refuses a bad one.
- An algorithm that we do not have can be said neither by a PEM nor by a secret, so all signatures by it must be
  refused, also those labelled valid.
- `use`, `key_ops` and a JWK's own `alg`, `kid` or `kty` have no place in a PEM. Cases that turn on these alone are not
  run; they are listed below.
"""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest

from django_ironclad.encoding import b64decode, b64encode, load_json
from django_ironclad.errors import InvalidToken
from django_ironclad.keys import Key, KeyRing, thumbprint

#: The beginnings of a SubjectPublicKeyInfo (RFC 5480, RFC 8410), up to the key itself; and the coordinates' length.
CURVES = {
    "P-256": ("3059301306072a8648ce3d020106082a8648ce3d03010703420004", 32),
    "P-384": ("3076301006072a8648ce3d020106052b8104002203620004", 48),
    "P-521": ("30819b301006072a8648ce3d020106052b810400230381860004", 66),
    "Ed25519": ("302a300506032b6570032100", 32),
}


def key_of(jwk: dict[str, str]) -> Key:
    """The key as our loaders make it. Raises ValueError when they refuse it."""
    if jwk["kty"] == "oct":
        return Key.from_secret(b64decode(jwk["k"]))
    if jwk["kty"] == "RSA":
        n, e = (int.from_bytes(b64decode(jwk[name]), "big") for name in ("n", "e"))
        return Key.from_pem(_pem("RSA PUBLIC KEY", _der(0x30, _integer(n) + _integer(e))))
    start, length = CURVES[jwk["crv"]]
    coordinates = [b64decode(jwk[name]).rjust(length, b"\0") for name in ("x", "y") if name in jwk]
    return Key.from_pem(_pem("PUBLIC KEY", bytes.fromhex(start) + b"".join(coordinates)))


def _integer(number: int) -> bytes:
    return _der(2, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def _der(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 128:
        return bytes([tag, size]) + content
    length = size.to_bytes(2, "big").lstrip(b"\0")
    return bytes([tag, 0x80 | len(length)]) + length + content


def _pem(label: str, der: bytes) -> str:
    return f"-----BEGIN {label}-----\n{base64.encodebytes(der).decode()}-----END {label}-----\n"


def accepts(key: Key, signature: bytes, data: bytes) -> bool:
    try:
        key.verify(signature, data)
    except InvalidToken:
        return False
    return True


# The RFCs.

RFC_7638_KEY = {
    "kty": "RSA",
    "n": (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknj"
        "hMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQ"
        "vRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzK"
        "nqDKgw"
    ),
    "e": "AQAB",
}
RFC_8037_KEY = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
RFC_8037_SECRET = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"
RFC_7515_PAYLOAD = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"

THUMBPRINTS = {
    "RFC 7638 §3.1": (RFC_7638_KEY, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"),
    "RFC 8037 A.3": (RFC_8037_KEY, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"),
}

SIGNATURES = {
    "RFC 7515 A.1": (
        {"kty": "oct", "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"},
        f"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{RFC_7515_PAYLOAD}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    ),
    "RFC 7515 A.3": (
        {
            "kty": "EC",
            "crv": "P-256",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        },
        (
            f"eyJhbGciOiJFUzI1NiJ9.{RFC_7515_PAYLOAD}."
            "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
        ),
    ),
    "RFC 8037 A.4": (
        RFC_8037_KEY,
        (
            "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
        ),
    ),
}


@pytest.mark.parametrize(("jwk", "expected"), THUMBPRINTS.values(), ids=THUMBPRINTS)
def test_the_thumbprint_is_the_rfcs(jwk: dict[str, str], expected: str) -> None:
    assert thumbprint(jwk) == thumbprint(dict(reversed(jwk.items()))) == expected
    assert key_of(jwk).kid == expected
    assert key_of(jwk).jwk == jwk


@pytest.mark.parametrize(("jwk", "jws"), SIGNATURES.values(), ids=SIGNATURES)
def test_the_signature_is_the_rfcs(jwk: dict[str, str], jws: str) -> None:
    data, _, signature = jws.rpartition(".")

    assert accepts(key_of(jwk), b64decode(signature), data.encode())
    assert not accepts(key_of(jwk), b64decode(signature), data.encode() + b"x")


def test_what_we_sign_is_what_the_rfcs_sign() -> None:
    """The two algorithms whose signatures follow from key and data alone."""
    pkcs8 = bytes.fromhex("302e020100300506032b657004220420") + b64decode(RFC_8037_SECRET)
    keys = {
        "RFC 7515 A.1": key_of(SIGNATURES["RFC 7515 A.1"][0]),
        "RFC 8037 A.4": Key.from_pem(_pem("PRIVATE KEY", pkcs8)),
    }

    for name, key in keys.items():
        data, _, signature = SIGNATURES[name][1].rpartition(".")
        assert b64encode(key.sign(data.encode())) == signature


# Wycheproof.

FOLDER = Path(os.environ.get("WYCHEPROOF_DIR") or Path(__file__).parents[2] / "shared/vectors/wycheproof")

Case = tuple[dict[str, Any], dict[str, Any]]


def cases(file: str) -> list[Case]:
    """Each test of a file with its group. Skips when the files are not there."""
    if not FOLDER.is_dir():
        pytest.skip(f"Wycheproof's vectors are not in {FOLDER}; WYCHEPROOF_DIR can name another folder")
    groups = json.loads((FOLDER / file).read_text())["testGroups"]
    return [(group, test) for group in groups for test in group["tests"]]


def verdicts(file: str, ran: dict[int, tuple[bool, bool]]) -> list[int]:
    """The numbers of the cases in which what we said first is not what we ought to have said."""
    print(f"{file}: {len(ran)} cases ran, {sum(said for said, _ in ran.values())} accepted")  # noqa: T201
    return [number for number, (said, expected) in ran.items() if said is not expected]


@pytest.mark.parametrize(
    ("file", "count"), [("ed25519_test.json", 151), ("ecdsa_secp256r1_sha256_p1363_test.json", 262)]
)
def test_signatures_are_judged_as_wycheproof_does(file: str, count: int) -> None:
    ran = {}
    for group, test in cases(file):
        said = accepts(Key.from_pem(group["publicKeyPem"]), bytes.fromhex(test["sig"]), bytes.fromhex(test["msg"]))
        ran[test["tcId"]] = said, test["result"] == "valid"

    assert verdicts(file, ran) == []
    assert len(ran) == count


def test_macs_are_judged_as_wycheproof_does_and_only_whole_ones_of_long_keys_are_good() -> None:
    ran = {}
    for group, test in cases("hmac_sha256_test.json"):
        secret, message, tag = (bytes.fromhex(test[name]) for name in ("key", "msg", "tag"))
        if len(secret) < 32:
            with pytest.raises(ValueError, match="32 bytes"):
                Key.from_secret(secret)
            said = False
        else:
            said = accepts(Key.from_secret(secret), tag, message)
        ran[test["tcId"]] = said, test["result"] == "valid" and group["tagSize"] == 256 and len(secret) >= 32

    assert verdicts("hmac_sha256_test.json", ran) == []
    assert len(ran) == 174


def reads(jws: str, jwk: dict[str, str]) -> bool:
    """Whether the token is good by this key, with the vector's header in the place of our own."""
    try:
        key = key_of(jwk)
        header, payload, signature = jws.split(".")
        if load_json(b64decode(header)) != {"alg": key.algorithm, "kid": jwk["kid"]}:
            return False
        b64decode(payload)
        return accepts(key, b64decode(signature), f"{header}.{payload}".encode("ascii"))
    except ValueError:
        return False


#: Wycheproof's labels that a strict verifier does not follow (the README beside its files).
UNFOLLOWED = {346: False, 347: False, 350: False, 351: False, 372: False, 373: False, 367: True, 370: True}
#: They turn on a JWK's `alg` (332), `use` (353, 354) or `key_ops` (355, 356) alone.
NOT_IN_A_PEM = {332, 353, 354, 355, 356}
OURS = {"HS256", "ES256", "RS256"}


def test_jws_are_judged_as_wycheproof_does_but_for_eight_labels() -> None:
    ran = {}
    for group, test in cases("json_web_signature_test.json"):
        jwk, number = group.get("public", group["private"]), test["tcId"]
        if number not in NOT_IN_A_PEM:
            valid = UNFOLLOWED.get(number, test["result"] == "valid")
            ran[number] = reads(test["jws"], jwk), valid and jwk["alg"] in OURS

    assert verdicts("json_web_signature_test.json", ran) == []
    assert len(ran) == 396


def test_no_signature_of_an_algorithm_that_we_do_not_have_fits_a_key_of_ours() -> None:
    """RS384, RS512 and PS256 to PS512 use the very keys that we load for RS256; whatever the header says, none fits."""
    ran = {}
    for group, test in cases("json_web_signature_test.json"):
        jwk = group.get("public", group["private"])
        if jwk.get("alg", "")[:2] in {"RS", "PS"} and jwk["alg"] != "RS256" and test["comment"] != "UsingRS256":
            data, _, signature = test["jws"].rpartition(".")
            ran[test["tcId"]] = accepts(key_of(jwk), b64decode(signature), data.encode()), False

    assert verdicts("json_web_signature_test.json, foreign algorithms", ran) == []
    assert len(ran) == 81


#: They turn on a JWK's `kid` (4), `use` (6, 21), `alg` (19, 20, 25, 26) or `kty` (24) alone.
NOT_IN_A_KEY = {4, 6, 19, 20, 21, 24, 25, 26}
#: Mixed (1), ROCA (7), 1024 bits or the exponent 1 (8, 9), a short secret or none (10, 16–18), no point (22, 23).
WEAK_OR_BROKEN = {1, 7, 8, 9, 10, 16, 17, 18, 22, 23}


def test_keys_are_judged_as_wycheproof_does() -> None:
    """A set is a ring, in which the token's `kid` names the key; a weak, broken or mixed one must not load."""
    ran, refused = {}, set()
    for group, test in cases("json_web_key_test.json"):
        jwks, number = group.get("public", group["private"])["keys"], test["tcId"]
        if number in NOT_IN_A_KEY:
            continue
        try:
            KeyRing(key_of(jwk) for jwk in jwks)
        except ValueError:
            refused.add(number)
        kid = load_json(b64decode(test["jws"].split(".")[0]))["kid"]
        said = number not in refused and reads(test["jws"], next(jwk for jwk in jwks if jwk["kid"] == kid))
        ran[number] = said, test["result"] == "valid" and {jwk["alg"] for jwk in jwks} <= OURS

    assert refused == WEAK_OR_BROKEN
    assert verdicts("json_web_key_test.json", ran) == []
    assert len(ran) == 18
