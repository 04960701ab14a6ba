"""Cases are data; this reads them, does what they say to the verifier, and judges what comes back."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from django_ironclad.errors import InvalidToken
from django_ironclad.tokens.keys import Key
from django_ironclad.tokens.ring import KeyRing
from django_ironclad.tokens.verifier import Verifier

from . import forging
from .signing import OURS

CASES = Path(__file__).parent / "cases"
ISSUER = "django-ironclad"
#: Seconds; `tests.attacks.settings` says the same to the demo.
LIFETIME, LEEWAY = 300, 10
NOW = 1_800_000_000
Backend = Literal["verifier", "http"]


@dataclass(frozen=True, kw_only=True)
class Case:
    """One attack: who reviews this reads `attack` and `source`, and then what is sent."""

    theme: str
    id: str
    #: What the attacker does, a sentence whose subject is the attacker.
    attack: str
    #: A clause, a weakness, a row of docs/security-requirements.md.
    source: str
    #: A bad access token, for both backends …
    token: Mapping[str, Any] = field(default_factory=dict)
    algorithms: tuple[str, ...] = ()
    only: str = ""
    #: Seconds from now at which the token was judged before, and good.
    seen: int = 0
    #: Why this is no break, where the answer is yes.
    accepted: str = ""
    #: … or what is said to the demo, request by request.
    step: tuple[Mapping[str, Any], ...] = ()
    #: What of all that was sent must be in no line of the log.
    never_logged: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        assert bool(self.token) != bool(self.step), f"{self.name}: a token or steps"
        assert self.attack, self.name
        assert self.source, self.name
        assert not self.step or any(step.get("control") for step in self.step), f"{self.name} has no control"

    @property
    def name(self) -> str:
        return f"{self.theme}/{self.id}"

    @property
    def backends(self) -> tuple[Backend, ...]:
        if self.step or self.only == "http":
            return ("http",)
        # HS256 shares no ring with the demo's keys.
        return ("verifier",) if self.only == "verifier" or self.algorithms == ("HS256",) else ("verifier", "http")


def cases() -> Iterator[Case]:
    for file in sorted(CASES.glob("*.toml")):
        for said in tomllib.loads(file.read_text())["case"]:
            lists = {name: tuple(said[name]) for name in ("algorithms", "step", "never_logged") if name in said}
            yield Case(theme=file.stem, **{**said, **lists})


def claims(now: int) -> dict[str, Any]:
    """Of a good token."""
    return {
        "iss": ISSUER,
        "aud": ISSUER,
        "sub": "1",
        "client_id": "first-party",
        "sid": "0b8e5d2e-6f6c-4f0e-9a43-3f6b2f1f3c55",
        "iat": now,
        "exp": now + LIFETIME,
        "jti": "nobody-could-guess",
        "auth_time": now,
        "username": "ada",
        "groups": ["registrar"],
    }


def rings() -> dict[str, KeyRing]:
    """For each algorithm, a service that signs by it."""
    keys = {name: Key.from_pem(OURS[name].pem) for name in ("ES256", "EdDSA", "RS256")}
    others = {name: [keys[name], *(key for other, key in keys.items() if other != name)] for name in keys}
    secrets = [OURS["HS256"].private, b"the secret before this one, retired"]
    return {**{name: KeyRing(ring) for name, ring in others.items()}, "HS256": KeyRing(map(Key.from_secret, secrets))}


def verify(case: Case, rings: Mapping[str, KeyRing]) -> None:
    """By each algorithm: the good token is accepted and then the bad one is not; AssertionError otherwise."""
    for algorithm in case.algorithms or tuple(rings):
        verifier = Verifier(rings[algorithm], ISSUER, ISSUER, LIFETIME, LEEWAY)
        good = forging.forge({}, algorithm=algorithm, claims=claims(NOW), now=NOW)
        assert verifier.verify(good, now=NOW).sub == "1", "the control"
        token = forging.forge(case.token, algorithm=algorithm, claims=claims(NOW), now=NOW)
        assert token != good, "nothing was attacked"
        if case.seen:
            verifier.verify(token, now=NOW + case.seen)
        # Whatever it is, it is so the second time, too, and for who did not see the good one.
        for judge in (verifier, verifier, Verifier(rings[algorithm], ISSUER, ISSUER, LIFETIME, LEEWAY)):
            reason = _refusal(judge, token)
            assert bool(reason) != bool(case.accepted), f"{case.name} by {algorithm}: {reason or 'accepted'}"
            assert not any(len(part) > 8 and part in reason for part in token.split(".")), "the reason repeats it"


def _refusal(verifier: Verifier, token: str) -> str:
    """Why it is refused, "" when it is not. Any other error than InvalidToken is a defect, and raised."""
    try:
        verifier.verify(token, now=NOW)
    except InvalidToken as error:
        return str(error)
    return ""
