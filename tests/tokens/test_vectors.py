"""Vectors that others published: the examples of the RFCs, and Wycheproof's (tabulated in docs/security.md).

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
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest

from django_ironclad.errors import InvalidToken, UnknownKey
from django_ironclad.tokens import verify
from django_ironclad.tokens.encoding import b64decode, b64encode, load_json
from django_ironclad.tokens.keys import Key, thumbprint
from django_ironclad.tokens.ring import KeyRing

#: The beginnings of a SubjectPublicKeyInfo (RFC 5480, RFC 8410), up to the key itself; and the coordinates' length.
CURVES = {
    "P-256": ("3059301306072a8648ce3d020106082a8648ce3d03010703420004", 32),
    "P-384": ("3076301006072a8648ce3d020106052b8104002203620004", 48),
    "P-521": ("30819b301006072a8648ce3d020106052b810400230381860004", 66),
    "Ed25519": ("302a300506032b6570032100", 32),
    "X25519": ("302a300506032b656e032100", 32),
    "X448": ("3042300506032b656f033900", 56),
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


# The RFCs: `vectors/rfc.json` has the public keys and the signatures of RFC 7515 appendix A, RFC 7520 §4, RFC 7797 §4
# and RFC 8037 appendix A.

RFC = json.loads((Path(__file__).parents[1] / "vectors/rfc.json").read_text())
KEYS: dict[str, dict[str, str]] = RFC["keys"]
SIGNATURES: dict[str, dict[str, str]] = {example["name"]: example for example in RFC["signatures"]}
#: For signing (RFC 8037 A.1).
RFC_8037_SECRET = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"

THUMBPRINTS = {
    "RFC 7638 3.1": "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
    "RFC 8037 A.2": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
}

#: Keys that no loader of ours takes, and with what it refuses them.
NO_KEY_OF_OURS = {
    "RFC 7515 A.4": "P-256",
    "RFC 7520 3.1": "P-256",
    "RFC 8037 A.6": "Ed25519",
    "RFC 8037 A.7": "Ed25519",
}
#: Good signatures that no key of ours accepts: the algorithm is none of ours.
NO_ALGORITHM_OF_OURS = {"RFC 7520 4.2"}


def signed(example: dict[str, str]) -> bytes:
    return f"{example['protected']}.{example['payload']}".encode()


@pytest.mark.parametrize(("name", "expected"), THUMBPRINTS.items())
def test_the_thumbprint_is_the_rfcs(name: str, expected: str) -> None:
    jwk = KEYS[name]

    assert thumbprint(jwk) == thumbprint(dict(reversed(jwk.items()))) == expected
    assert key_of(jwk).kid == expected
    assert key_of(jwk).jwk == jwk


@pytest.mark.parametrize("name", SIGNATURES)
def test_the_constants_are_the_rfcs(name: str) -> None:
    """PyJWT finds every signature good: a wrong digit here would make the tests below agree for the wrong reason."""
    example = SIGNATURES[name]
    algorithm = jwt.get_algorithm_by_name(example["alg"])

    key = algorithm.from_jwk(KEYS[example["key"]])

    assert algorithm.verify(signed(example), key, b64decode(example["signature"]))


@pytest.mark.parametrize("name", KEYS)
def test_a_key_of_the_rfcs_loads_where_we_have_its_algorithm(name: str) -> None:
    if name in NO_KEY_OF_OURS:
        with pytest.raises(ValueError, match=NO_KEY_OF_OURS[name]):
            key_of(KEYS[name])
    elif KEYS[name]["kty"] == "oct":
        assert key_of(KEYS[name]).jwk == {}
    else:
        assert key_of(KEYS[name]).jwk == KEYS[name]


@pytest.mark.parametrize("name", [name for name in SIGNATURES if SIGNATURES[name]["key"] not in NO_KEY_OF_OURS])
def test_a_signature_of_the_rfcs_is_good_where_we_have_its_algorithm(name: str) -> None:
    example = SIGNATURES[name]
    key, signature = key_of(KEYS[example["key"]]), b64decode(example["signature"])

    assert accepts(key, signature, signed(example)) is (name not in NO_ALGORITHM_OF_OURS)
    assert (key.algorithm == example["alg"]) is (name not in NO_ALGORITHM_OF_OURS)
    assert not accepts(key, signature, signed(example) + b"x")
    assert not accepts(key, signature, b"." + example["payload"].encode() + b"x")


def serializations(example: dict[str, str]) -> Iterator[str]:
    """As RFC 7515 §7 knows them, and with its content detached (appendix F)."""
    part = {name: example[name] for name in ("protected", "signature")}
    yield f"{example['protected']}.{example['payload']}.{example['signature']}"
    yield f"{example['protected']}..{example['signature']}"
    yield json.dumps({"payload": example["payload"], "signatures": [part]})
    yield json.dumps({"payload": example["payload"], **part})


def together(*names: str) -> str:
    parts = [{"protected": SIGNATURES[name]["protected"], "signature": SIGNATURES[name]["signature"]} for name in names]
    return json.dumps({"payload": SIGNATURES[names[0]]["payload"], "signatures": parts})


TEXTS: dict[str, list[str]] = {
    **{name: list(serializations(example)) for name, example in SIGNATURES.items()},
    "RFC 7515 A.5, unsecured": [f"eyJhbGciOiJub25lIn0.{SIGNATURES['RFC 7515 A.1']['payload']}."],
    "RFC 7515 A.6, two signatures": [together("RFC 7515 A.2", "RFC 7515 A.3")],
    "RFC 7515 E, crit": [
        (
            "eyJhbGciOiJub25lIiwNCiAiY3JpdCI6WyJodHRwOi8vZXhhbXBsZS5jb20vVU5ERUZJTkVEIl0sDQo"
            "gImh0dHA6Ly9leGFtcGxlLmNvbS9VTkRFRklORUQiOnRydWUNCn0.RkFJTA."
        )
    ],
    "RFC 7520 4.8, three signatures": [together(*(f"RFC 7520 4.8, {which}" for which in ("first", "second", "third")))],
}


def test_no_example_of_the_rfcs_is_an_access_token_of_ours_whoever_signed_it(
    measured: Callable[[object], None],
) -> None:
    """Not even by the key that did: none has the one header that the key writes (RFC 9068 §2.1 asks for its `typ`)."""
    keys = [key_of(KEYS[name]) for name in KEYS if name not in NO_KEY_OF_OURS]
    texts = [text for each in TEXTS.values() for text in each]
    for text in texts:
        for key in keys:
            with pytest.raises(UnknownKey):
                verify(text, ring=KeyRing([key]), issuer="joe", audience="joe", max_lifetime=10**9, leeway=10**9, now=0)
    measured(f"{len(texts)} texts by {len(keys)} keys, 0 accepted")
    assert (len(texts), len(keys)) == (68, 7)


def test_what_we_sign_is_what_the_rfcs_sign() -> None:
    """The two algorithms whose signatures follow from key and data alone."""
    pkcs8 = bytes.fromhex("302e020100300506032b657004220420") + b64decode(RFC_8037_SECRET)
    keys = {
        "RFC 7515 A.1": key_of(KEYS["RFC 7515 A.1"]),
        "RFC 7520 4.4": key_of(KEYS["RFC 7520 3.5"]),
        "RFC 8037 A.4": Key.from_pem(_pem("PRIVATE KEY", pkcs8)),
    }

    for name, key in keys.items():
        assert b64encode(key.sign(signed(SIGNATURES[name]))) == SIGNATURES[name]["signature"]


# Wycheproof.

FOLDER = Path(os.environ.get("WYCHEPROOF_DIR") or Path(__file__).parents[3] / "shared/vectors/wycheproof")

Case = tuple[dict[str, Any], dict[str, Any]]
Verdicts = Callable[[str, dict[int, tuple[bool, bool]]], list[int]]


def cases(file: str) -> list[Case]:
    """Each test of a file with its group. Skips when the files are not there."""
    if not FOLDER.is_dir():
        pytest.skip(f"Wycheproof's vectors are not in {FOLDER}; WYCHEPROOF_DIR can name another folder")
    groups = json.loads((FOLDER / file).read_text())["testGroups"]
    return [(group, test) for group in groups for test in group["tests"]]


@pytest.fixture
def verdicts(measured: Callable[[object], None]) -> Verdicts:
    """The numbers of the cases in which what we said first is not what we ought to have said."""

    def verdicts(file: str, ran: dict[int, tuple[bool, bool]]) -> list[int]:
        wrong = [number for number, (said, expected) in ran.items() if said is not expected]
        accepted = sum(said for said, _ in ran.values())
        measured(f"{file}: {len(ran)} cases, {accepted} accepted; {len(wrong)} judged wrongly")
        return wrong

    return verdicts


@pytest.mark.parametrize(
    ("file", "count"), [("ed25519_test.json", 151), ("ecdsa_secp256r1_sha256_p1363_test.json", 262)]
)
def test_signatures_are_judged_as_wycheproof_does(file: str, count: int, verdicts: Verdicts) -> None:
    ran = {}
    for group, test in cases(file):
        said = accepts(Key.from_pem(group["publicKeyPem"]), bytes.fromhex(test["sig"]), bytes.fromhex(test["msg"]))
        ran[test["tcId"]] = said, test["result"] == "valid"

    assert verdicts(file, ran) == []
    assert len(ran) == count


def test_macs_are_judged_as_wycheproof_does_and_only_whole_ones_of_long_keys_are_good(verdicts: Verdicts) -> None:
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


def test_jws_are_judged_as_wycheproof_does_but_for_eight_labels(verdicts: Verdicts) -> None:
    ran = {}
    for group, test in cases("json_web_signature_test.json"):
        jwk, number = group.get("public", group["private"]), test["tcId"]
        if number not in NOT_IN_A_PEM:
            valid = UNFOLLOWED.get(number, test["result"] == "valid")
            ran[number] = reads(test["jws"], jwk), valid and jwk["alg"] in OURS

    assert verdicts("json_web_signature_test.json", ran) == []
    assert len(ran) == 396


def test_no_signature_of_an_algorithm_that_we_do_not_have_fits_a_key_of_ours(verdicts: Verdicts) -> None:
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


def test_keys_are_judged_as_wycheproof_does(verdicts: Verdicts) -> None:
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
