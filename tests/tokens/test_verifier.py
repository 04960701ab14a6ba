"""A token that was verified is remembered: within a bound, never past its time, never for another key or audience."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Iterator
from threading import Barrier, Thread
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.test import override_settings

from django_ironclad import auth
from django_ironclad.errors import InvalidToken
from django_ironclad.keyring.configured import get_verifier
from django_ironclad.tokens import issue, verifier
from django_ironclad.tokens.keys import Key
from django_ironclad.tokens.ring import KeyRing
from django_ironclad.tokens.verifier import Verifier

from ..conftest import Person
from .test_keys import KEYS, STRANGERS

NOW = 1_900_000_000
KEY = Key.from_secret(b"k" * 32)


class Counted:
    """A key that says how often a signature of it was checked."""

    def __init__(self, key: Key) -> None:
        self.key = key
        self.checks = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.key, name)

    def verify(self, signature: bytes, data: bytes) -> None:
        self.checks += 1
        self.key.verify(signature, data)


@pytest.fixture
def key() -> Counted:
    return Counted(KEY)


def make(*keys: Any, audience: str = "a") -> Verifier:
    return Verifier(ring=KeyRing(keys or (KEY,)), issuer="i", audience=audience, max_lifetime=300, leeway=10)


def token(*, key: Key = KEY, **claims: Any) -> str:
    said = {"iss": "i", "aud": "a", "sub": "1", "client_id": "c", "sid": str(uuid4()), "jti": str(uuid4())}
    return issue({**said, "iat": NOW, "exp": NOW + 300, "auth_time": NOW, **claims}, key=key)


def test_a_signature_is_checked_once(key: Counted) -> None:
    verifier, text = make(key), token()
    first = verifier.verify(text, now=NOW)

    assert [verifier.verify("".join(list(text)), now=NOW + second) for second in range(300)] == [first] * 300
    assert key.checks == 1


@pytest.mark.parametrize(("second", "holds"), [(-11, False), (-10, True), (309, True), (310, False), (10**6, False)])
def test_what_is_remembered_holds_as_long_as_what_is_seen_first(second: int, holds: bool) -> None:
    text = token()
    knows, does_not = make(), make()
    knows.verify(text, now=NOW)

    for each in (knows, does_not):
        if holds:
            assert each.verify(text, now=NOW + second).sub == "1"
        else:
            with pytest.raises(InvalidToken, match=r"expired|not valid yet"):
                each.verify(text, now=NOW + second)


def test_nbf_counts_for_what_is_remembered() -> None:
    verifier, text = make(), token(nbf=NOW + 100)
    verifier.verify(text, now=NOW + 100)
    with pytest.raises(InvalidToken, match="not valid yet"):
        verifier.verify(text, now=NOW + 80)


def test_nothing_but_the_very_text_is_known_again(key: Counted) -> None:
    verifier, text = make(key), token()
    verifier.verify(text, now=NOW)
    header, payload, signature = text.split(".")
    other = token().split(".")

    for changed in (
        f"{header}.{payload}.{other[2]}",
        f"{header}.{other[1]}.{signature}",
        f"{text}.",
        f"{text}=",
        f" {text}",
        text[:-1],
        text + "\ud800",
        f"{header}.{payload}.{'A' * len(signature)}",
    ):
        with pytest.raises(InvalidToken):
            verifier.verify(changed, now=NOW)


def test_what_was_refused_is_not_remembered(key: Counted) -> None:
    verifier, text = make(key), token()
    with pytest.raises(InvalidToken):
        verifier.verify(text, now=NOW - 60)

    assert verifier.verify(text, now=NOW).sub == "1"
    assert key.checks == 2


def test_memory_is_bounded_and_what_is_in_use_stays(key: Counted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifier, "REMEMBERED", 50)
    remembering, in_use = make(key), token()
    for number in range(1000):
        remembering.verify(token(sub=str(number)), now=NOW)
        remembering.verify(in_use, now=NOW)
        assert len(remembering._recent) <= 50
        assert len(remembering._older) <= 50

    assert key.checks == 1001


def test_an_entry_is_small() -> None:
    texts = [
        token(sub=str(number), username=f"user{number}", groups=["registrar"], scope="a b") for number in range(2000)
    ]
    verifier = make()
    tracemalloc.start()
    try:
        for text in texts:
            verifier.verify(text, now=NOW)
        size = tracemalloc.get_traced_memory()[0] / len(texts)
    finally:
        tracemalloc.stop()

    assert size < 1024, f"{size:.0f} bytes"


@pytest.mark.parametrize("algorithm", KEYS)
def test_a_hit_never_outlives_its_key(algorithm: str) -> None:
    """With the ring goes the verifier: nothing that a removed key signed is known any more."""
    removed, stays = KEYS[algorithm], STRANGERS[algorithm]
    text = token(key=removed)
    assert make(removed, stays).verify(text, now=NOW).sub == "1"
    with pytest.raises(InvalidToken):
        make(stays).verify(text, now=NOW)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "changed",
    [
        {"SECRET_KEY": "another-secret-key-of-the-tests-only-7f3b9c1e5d"},
        {"IRONCLAD": {"ISSUER": "https://elsewhere.example"}},
        {"IRONCLAD": {"AUDIENCE": "others"}},
    ],
)
def test_new_settings_remember_nothing(ada: Person, changed: dict[str, Any]) -> None:
    text = auth.login(ada.user).access_token
    auth.verify(text)
    with override_settings(**changed), pytest.raises(InvalidToken):
        auth.verify(text)
    assert auth.verify(text).sub == str(ada.user.pk)


@pytest.mark.django_db
def test_what_is_remembered_ends_with_its_time_and_with_its_session(ada: Person) -> None:
    given = auth.login(ada.user)
    auth.authenticate(given.access_token)
    with time_machine.travel(time.time() + 311), pytest.raises(InvalidToken, match="expired"):
        auth.authenticate(given.access_token)
    auth.logout(given.refresh_token)
    with pytest.raises(InvalidToken, match="ended"):
        auth.authenticate(given.access_token)
    assert len(get_verifier()._recent) >= 1


def test_many_threads_get_their_own_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifier, "REMEMBERED", 20)
    remembering, texts = make(), [token(sub=str(number)) for number in range(64)]
    wrong: list[int] = []
    start = Barrier(64)

    def ask(number: int) -> Iterator[None]:
        start.wait()
        for turn in range(100):
            asked = (number + turn) % 64
            if remembering.verify(texts[asked], now=NOW).sub != str(asked):
                wrong.append(asked)
        yield

    threads = [Thread(target=lambda number=number: list(ask(number))) for number in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not wrong
    assert len(remembering._recent) + len(remembering._older) <= 2 * (20 + 64)
