"""What `verify` says of any text: the claims that were signed, or InvalidToken; and that it remembers adds nothing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume
from hypothesis import strategies as st

from django_ironclad.errors import InvalidGrant, InvalidToken
from django_ironclad.tokens import RESERVED, AccessToken, issue, verify
from django_ironclad.tokens.encoding import b64decode
from django_ironclad.tokens.keys import Key
from django_ironclad.tokens.refresh import RefreshToken
from django_ironclad.tokens.ring import KeyRing
from django_ironclad.tokens.verifier import Verifier

from ..tokens.test_keys import KEYS, STRANGERS
from . import for_all

NOW = 1_900_000_000
LIFETIME = 300
LEEWAY = 10
#: JSON can say them, so a token can.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
#: Nineteen characters at most, the sign among them.
numbers = st.integers(-(10**18) + 1, 10**19 - 1)
values = st.recursive(
    st.none() | st.booleans() | numbers | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda members: st.lists(members, max_size=3) | st.dictionaries(texts, members, max_size=3),
    max_leaves=8,
)
others = st.dictionaries(texts.filter(lambda name: name not in RESERVED | {"username", "groups"}), values, max_size=4)
algorithms = st.sampled_from([*KEYS])


@st.composite
def claims(draw: st.DrawFn, issuer: st.SearchStrategy[str] = texts, audience: st.SearchStrategy[str] = texts) -> Any:
    """Whatever a service of any name may say of anybody."""
    iat = draw(st.integers(NOW - LIFETIME, NOW))
    said = {
        "iss": draw(issuer),
        "aud": draw(
            audience.flatmap(lambda ours: st.just(ours) | st.lists(texts, max_size=2).map(lambda a: [*a, ours]))
        ),
        **{name: draw(texts) for name in ("sub", "client_id", "sid", "jti")},
        "iat": iat,
        "exp": draw(st.integers(max(iat, NOW - LEEWAY) + 1, iat + LIFETIME)),
        "auth_time": draw(numbers),
        **draw(others),
    }
    for name, strategy in {
        "nbf": st.integers(-(10**18) + 1, NOW + LEEWAY),
        "username": texts,
        "groups": st.lists(texts, max_size=3),
        "amr": st.lists(texts, max_size=3),
        "scope": texts,
    }.items():
        if draw(st.booleans()):
            said[name] = draw(strategy)
    return said


def check(token: str, key: Key, *, issuer: str = "i", audience: str = "a", now: float = NOW) -> AccessToken:
    ring = KeyRing([key])
    return verify(token, ring=ring, issuer=issuer, audience=audience, max_lifetime=LIFETIME, leeway=LEEWAY, now=now)


def audience_of(said: dict[str, Any]) -> str:
    return said["aud"] if isinstance(said["aud"], str) else said["aud"][-1]


def thawed(value: Any) -> Any:
    """As JSON has it."""
    if isinstance(value, tuple):
        return [thawed(each) for each in value]
    return {name: thawed(each) for name, each in value.items()} if hasattr(value, "items") else value


@for_all(300, algorithm=algorithms, said=claims())
def test_what_was_issued_is_what_is_verified(algorithm: str, said: dict[str, Any]) -> None:
    token = issue(said, key=KEYS[algorithm])

    access = check(token, KEYS[algorithm], issuer=said["iss"], audience=audience_of(said))

    assert thawed(access.claims) == said
    assert (access.sub, access.sid, access.client_id) == (said["sub"], said["sid"], said["client_id"])
    assert (access.exp, access.auth_time) == (said["exp"], said["auth_time"])
    assert (access.username, access.groups) == (said.get("username", ""), tuple(said.get("groups", ())))
    assert (access.scope, access.amr) == (frozenset(said.get("scope", "").split()), tuple(said.get("amr", ())))


@for_all(150, algorithm=algorithms, other=algorithms, said=claims())
def test_any_other_key_refuses_also_under_the_header_of_the_first(
    algorithm: str, other: str, said: dict[str, Any]
) -> None:
    token = issue(said, key=KEYS[algorithm])
    names = {"issuer": said["iss"], "audience": audience_of(said)}
    stranger = STRANGERS[other]
    _, payload, signature = token.split(".")

    for text in (token, f"{stranger.header}.{payload}.{signature}"):
        with pytest.raises(InvalidToken):
            check(text, stranger, **names)
    signed = b64decode(signature), token.rpartition(".")[0].encode()
    KEYS[algorithm].verify(*signed)
    with pytest.raises(InvalidToken):
        stranger.verify(*signed)


@for_all(150, said=claims(), issuer=texts, audience=texts)
def test_any_other_issuer_or_audience_refuses(said: dict[str, Any], issuer: str, audience: str) -> None:
    token, key = issue(said, key=KEYS["HS256"]), KEYS["HS256"]
    ours = audience_of(said)
    for wrong in (issuer, said["iss"] + issuer, issuer + said["iss"], said["iss"][:-1], said["iss"].swapcase()):
        if wrong != said["iss"]:
            with pytest.raises(InvalidToken, match="issuer"):
                check(token, key, issuer=wrong, audience=ours)
    for wrong in (audience, ours + audience, audience + ours, ours[:-1], ours.swapcase()):
        if wrong not in ([said["aud"]] if isinstance(said["aud"], str) else said["aud"]):
            with pytest.raises(InvalidToken, match="audience"):
                check(token, key, issuer=said["iss"], audience=wrong)


times = st.integers(-400, 400) | st.floats(-400, 400) | st.integers(-(10**12), 10**12)


@for_all(300, lives=st.integers(-5, LIFETIME + 5), begins=st.none() | st.integers(-50, 50), after=times)
def test_a_token_holds_from_its_beginning_to_its_end_and_the_leeway_around(
    lives: int, begins: int | None, after: float
) -> None:
    """The limits as RFC 7519 §4.1 has them: before `exp`, not before `nbf`."""
    said = {"iss": "i", "aud": "a", "sub": "", "client_id": "", "sid": "", "jti": "", "auth_time": 0}
    said |= {"iat": NOW, "exp": NOW + lives} | ({} if begins is None else {"nbf": NOW + begins})
    token = issue(said, key=KEYS["HS256"])
    holds = 0 < lives <= LIFETIME and max(0, begins or 0) - LEEWAY <= after < lives + LEEWAY

    try:
        check(token, KEYS["HS256"], now=NOW + after)
        verified = True
    except InvalidToken:
        verified = False

    assert verified is holds


GENUINE = [
    issue(
        {"iss": "i", "aud": "a", "sub": str(n), "client_id": "", "sid": str(n), "jti": "", "auth_time": 0}
        | {"iat": NOW + 20 * n, "exp": NOW + 20 * n + LIFETIME},
        key=KEYS["HS256"],
    )
    for n in range(3)
]
parts = st.integers(0, 2)


@for_all(300, header=parts, payload=parts, signature=parts, order=st.permutations(range(3)), upper=st.integers(0, 3))
def test_segments_of_several_good_tokens_make_no_other(
    header: int, payload: int, signature: int, order: list[int], upper: int
) -> None:
    chosen = [GENUINE[n].split(".")[place] for place, n in enumerate((header, payload, signature))]
    if upper < 3:
        chosen[upper] = chosen[upper].swapcase()
    text = ".".join(chosen[place] for place in order)
    assume(text not in GENUINE)

    with pytest.raises(InvalidToken):
        check(text, KEYS["HS256"], now=NOW + 50)


mangled = st.tuples(st.sampled_from(GENUINE), st.integers(0, 400), st.text(max_size=2)).map(
    lambda drawn: drawn[0][: drawn[1]] + drawn[2] + drawn[0][drawn[1] :]
)
asked = st.lists(
    st.tuples(
        st.sampled_from(GENUINE) | mangled | st.text(max_size=20),
        st.floats(-100, 500, allow_subnormal=False) | st.integers(-20, 400),
    ),
    min_size=2,
    max_size=12,
)


def outcome(call: Any) -> AccessToken | str:
    try:
        return call()
    except InvalidToken as error:
        return f"{type(error).__name__}: {error}"


@for_all(300, asked=asked)
def test_to_remember_tokens_changes_no_answer(asked: list[tuple[str, float]]) -> None:
    """In any order, at any time, also when the clock is set back."""
    remembering = Verifier(
        ring=KeyRing([KEYS["HS256"]]), issuer="i", audience="a", max_lifetime=LIFETIME, leeway=LEEWAY
    )
    for text, after in asked:
        at = NOW + after
        first_sight = outcome(lambda text=text, at=at: check(text, KEYS["HS256"], now=at))
        assert outcome(lambda text=text, at=at: remembering.verify(text, now=at)) == first_sight


SECRET, SEED = b"the server's half", b"the row's half"


@for_all(
    300,
    generation=st.integers(0, 999_999_999),
    branch=st.integers(0, 999),
    place=st.integers(0, 100),
    instead=st.text(max_size=2) | st.text("0123456789abcdef.-_", max_size=2),
    length=st.integers(0, 2),
)
def test_any_other_refresh_token_than_the_one_given_out_has_another_form_or_mac(
    generation: int, branch: int, place: int, instead: str, length: int
) -> None:
    token = RefreshToken("0b8e5d2e-6f6c-4f0e-9a43-3f6b2f1f3c55", generation, branch)
    text = token.encode(secret=SECRET, seed=SEED, realm="")
    other = text[:place] + instead + text[place + length :]
    assume(other != text)

    try:
        read, mac = RefreshToken.parse(other)
    except InvalidGrant:
        return

    with pytest.raises(InvalidGrant):
        read.verify(mac, secrets=[SECRET], seed=SEED, realm="")
    assert read == token or read.encode(secret=SECRET, seed=SEED, realm="") != text
    _, mac = RefreshToken.parse(text)
    for secret, seed, realm in ((SECRET[::-1], SEED, ""), (SECRET, SEED[::-1], ""), (SECRET, SEED, "acme")):
        with pytest.raises(InvalidGrant):
            token.verify(mac, secrets=[secret], seed=seed, realm=realm)
