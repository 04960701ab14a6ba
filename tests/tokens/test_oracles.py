"""PyJWT and joserfc, which we did not write, read our tokens by our JWKS, and we read theirs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal

import joserfc.jwk
import joserfc.jwt
import jwt
import pytest
from django.conf import settings
from django.test import override_settings

from django_ironclad import auth
from django_ironclad.errors import InvalidToken
from django_ironclad.keyring.configured import get_key_ring
from django_ironclad.tokens.encoding import b64decode, load_json
from django_ironclad.tokens.keys import derive

from ..conftest import Api, Person
from .test_keys import PEMS, PUBLIC_PEMS

ISSUER = "https://api.example.org"
AUDIENCE = "https://reports.example.org"
KINDS: dict[str, Literal["OKP", "EC", "RSA"]] = {"EdDSA": "OKP", "ES256": "EC", "RS256": "RSA"}

# joserfc would rather be told "Ed25519" (RFC 9864), which PyJWT and many others do not read.
pytestmark = pytest.mark.filterwarnings("ignore:EdDSA is deprecated via RFC 9864")


@pytest.fixture(params=PEMS)
def algorithm(request: pytest.FixtureRequest) -> Iterator[str]:
    """Each algorithm that others verify, the project's first key being one."""
    keys = [PEMS[request.param], *(pem for name, pem in PUBLIC_PEMS.items() if name != request.param)]
    with override_settings(IRONCLAD={"ISSUER": ISSUER, "AUDIENCE": AUDIENCE, "KEYS": keys}):
        yield request.param


def claims_of(token: str) -> dict[str, Any]:
    return load_json(b64decode(token.split(".")[1]))


def header() -> dict[str, str]:
    """What a library must be told to write exactly our header."""
    key = get_key_ring().signing_key
    return {"alg": key.algorithm, "kid": key.kid, "typ": "at+jwt"}


def written_by_pyjwt(claims: dict[str, Any], algorithm: str) -> str:
    return jwt.encode(claims, PEMS[algorithm], algorithm, headers=header(), sort_headers=True)


def written_by_joserfc(claims: dict[str, Any], algorithm: str) -> str:
    key = joserfc.jwk.import_key(PEMS[algorithm], KINDS[algorithm])
    return joserfc.jwt.encode(header(), claims, key, algorithms=[algorithm], default_type=None)


def test_pyjwt_reads_our_tokens_by_our_jwks(api: Api, ada: Person, algorithm: str) -> None:
    token = api.login(ada)["access_token"]
    keys = jwt.PyJWKSet.from_dict(api.get("/auth/jwks.json").json())
    head = jwt.get_unverified_header(token)

    claims = jwt.decode(
        token,
        keys[head["kid"]],
        algorithms=[algorithm],
        issuer=ISSUER,
        audience=AUDIENCE,
        options={"require": ["iss", "aud", "sub", "client_id", "sid", "iat", "exp", "jti", "auth_time"]},
    )

    assert head == {"alg": algorithm, "kid": keys.keys[0].key_id, "typ": "at+jwt"}
    assert claims == claims_of(token)
    assert claims["sub"] == str(ada.user.pk)


def test_joserfc_reads_our_tokens_by_our_jwks(api: Api, ada: Person, algorithm: str) -> None:
    token = api.login(ada)["access_token"]
    keys = joserfc.jwk.KeySet.import_key_set(api.get("/auth/jwks.json").json())

    read = joserfc.jwt.decode(token, keys, algorithms=[algorithm])
    joserfc.jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": ISSUER},
        aud={"essential": True, "value": AUDIENCE},
        exp={"essential": True},
    ).validate(read.claims)

    assert read.header == {"alg": algorithm, "kid": keys.keys[0].kid, "typ": "at+jwt"}
    assert read.claims == claims_of(token)


def test_the_thumbprints_agree(api: Api, algorithm: str) -> None:
    published = api.get("/auth/jwks.json").json()["keys"]

    assert published[0]["alg"] == algorithm
    assert {jwk["alg"] for jwk in published} == {*PEMS}
    for jwk in published:
        assert joserfc.jwk.import_key(jwk).thumbprint() == jwk["kid"]
        assert joserfc.jwk.import_key(PEMS[jwk["alg"]], KINDS[jwk["alg"]]).thumbprint() == jwk["kid"]


@pytest.mark.parametrize("write", [written_by_pyjwt, written_by_joserfc])
def test_we_read_what_they_write_under_our_header(
    api: Api, ada: Person, algorithm: str, write: Callable[[dict[str, Any], str], str]
) -> None:
    claims = {**claims_of(api.login(ada)["access_token"]), "jti": "theirs"}

    token = write(claims, algorithm)

    assert auth.verify(token).claims["jti"] == "theirs"
    assert api.get("/auth/me/", token).json()["username"] == ada.name


OTHER_HEADERS: dict[str, Callable[[dict[str, str]], dict[str, Any]]] = {
    "PyJWT's own": lambda ours: {"headers": None},
    "with our kid": lambda ours: {"headers": {"kid": ours["kid"]}},
    "with our typ": lambda ours: {"headers": {"typ": ours["typ"]}},
    "ours in another order": lambda ours: {"headers": ours, "sort_headers": False},
}


@pytest.mark.parametrize("other", OTHER_HEADERS.values(), ids=OTHER_HEADERS)
def test_the_same_key_under_another_header_is_refused(
    api: Api, ada: Person, algorithm: str, other: Callable[[dict[str, str]], dict[str, Any]]
) -> None:
    claims = claims_of(api.login(ada)["access_token"])

    token = jwt.encode(claims, PEMS[algorithm], algorithm, **other(header()))

    jwt.decode(token, PUBLIC_PEMS[algorithm], algorithms=[algorithm], issuer=ISSUER, audience=AUDIENCE)
    with pytest.raises(InvalidToken):
        auth.verify(token)


def test_pyjwt_and_we_read_each_others_hs256(api: Api, ada: Person) -> None:
    secret = derive(settings.SECRET_KEY, "access token HS256")
    token = api.login(ada)["access_token"]

    claims = jwt.decode(token, secret, algorithms=["HS256"], issuer="django-ironclad", audience="django-ironclad")
    theirs = jwt.encode({**claims, "jti": "theirs"}, secret, "HS256", headers=header(), sort_headers=True)

    assert claims == claims_of(token)
    assert auth.verify(theirs).claims["jti"] == "theirs"


def test_with_hs256_there_is_nothing_to_publish(api: Api) -> None:
    answer = api.get("/auth/jwks.json")

    assert answer.status_code == 200
    assert answer.json() == {"keys": []}


three_keys = override_settings(IRONCLAD={"KEYS": [*PEMS.values()]})


@three_keys
def test_the_jwks_is_public_and_may_be_kept_for_five_minutes(api: Api) -> None:
    answer = api.get("/auth/jwks.json")

    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/jwk-set+json"
    assert {part.strip() for part in answer["Cache-Control"].split(",")} == {"public", "max-age=300"}
    assert answer["ETag"]
    assert "Set-Cookie" not in answer
    assert api.http.head("/auth/jwks.json").status_code == 200


@three_keys
def test_the_jwks_has_no_private_member(api: Api) -> None:
    published = api.get("/auth/jwks.json").json()

    assert [*published] == ["keys"]
    assert [sorted(jwk) for jwk in published["keys"]] == [
        ["alg", "crv", "kid", "kty", "use", "x"],
        ["alg", "crv", "kid", "kty", "use", "x", "y"],
        ["alg", "e", "kid", "kty", "n", "use"],
    ]


@three_keys
def test_a_jwks_that_did_not_change_is_304(api: Api) -> None:
    first = api.get("/auth/jwks.json")

    again = api.get("/auth/jwks.json", if_none_match=first["ETag"])

    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])


@three_keys
def test_a_304_renews_the_five_minutes(api: Api) -> None:
    """RFC 9110 §15.4.5: it says what the 200 would have said, for that is what the cache then keeps."""
    first = api.get("/auth/jwks.json")

    again = api.get("/auth/jwks.json", if_none_match=first["ETag"])

    assert again["Cache-Control"] == first["Cache-Control"]


@three_keys
def test_a_shared_cache_may_give_the_jwks_to_everybody(api: Api) -> None:
    assert "Cookie" not in api.get("/auth/jwks.json").get("Vary", "")


def test_other_keys_make_another_etag(api: Api) -> None:
    tags = set()
    for names in (["ES256"], ["EdDSA"], ["ES256", "EdDSA"], ["EdDSA", "ES256"], []):
        with override_settings(IRONCLAD={"KEYS": [PUBLIC_PEMS[name] for name in names]}):
            tags.add(api.get("/auth/jwks.json")["ETag"])

    assert len(tags) == 5


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "options"])
def test_the_jwks_is_only_read(api: Api, method: str) -> None:
    assert getattr(api.http, method)("/auth/jwks.json").status_code == 405


def test_a_stale_authorization_header_does_not_matter_to_the_jwks(api: Api) -> None:
    assert api.get("/auth/jwks.json", authorization="Bearer garbage").status_code == 200
