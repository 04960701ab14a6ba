"""What many clients asked and heard, and whether a server that keeps its promises could have answered so."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

#: Generation and branch, which order the refresh tokens of a session.
Token = tuple[int, int]


@dataclass(frozen=True)
class Event:
    """One request. What nobody heard an answer to may have happened, or not."""

    what: Literal["refresh", "use", "end"]
    #: Who holds the token: the client itself, or somebody with a copy.
    party: str
    sid: str
    invoked: float
    completed: float
    #: None where nobody heard it.
    status: int | None
    token: Token | None = None
    #: The refresh token that the answer carries; of an end, that of a new password, which puts out all before it.
    answer: Token | None = None
    #: The sessions that it asks to end.
    ends: frozenset[str] = frozenset()
    #: When the server says that their end had been committed.
    committed: dict[str, float] = field(default_factory=dict)


class Violation(NamedTuple):
    rule: str
    event: Event


class Verdict(NamedTuple):
    violations: list[Violation]
    #: The longest that the access token of an ended session was accepted, in seconds after the commit: while the
    #: database could be asked, and while it could not.
    accepted: float
    accepted_in_outages: float


def judge(
    history: Iterable[Event], *, bound: float, staleness: float, outages: Iterable[tuple[float, float]] = ()
) -> Verdict:
    """By the clock that all events share. An access token may be accepted for `bound` seconds after its session.

    Where nobody could ask the database within the last `bound` seconds, it may be for `staleness` more.
    """
    sessions: dict[str, list[Event]] = defaultdict(list)
    ends: dict[str, list[Event]] = defaultdict(list)
    violations, accepted, accepted_in_outages = [], 0.0, 0.0
    for event in sorted(history, key=lambda event: event.invoked):
        sessions[event.sid].append(event)
        for sid in event.ends | event.committed.keys():
            ends[sid].append(event)
        if event.status not in (200, 204, 400, 401, 503, None):
            violations.append(Violation("an answer that nobody expects", event))
    for sid, events in sessions.items():
        refreshes = [event for event in events if event.what == "refresh"]
        violations += _lost(sid, events, ends[sid])
        seeds = [event.answer for event in events if event.what == "end" and event.answer]
        violations += _comes_back(sid, refreshes, ends[sid], max(seeds, default=(0, 0)))
        violations += _line(refreshes)
        known = [event.committed.get(sid, event.completed) for event in ends[sid] if _has_ended(event, sid)]
        over = min(known, default=None)
        for event in events:
            if over is not None and event.what == "use" and event.status == 200:
                age, allowed = event.invoked - over, bound
                if any(down <= event.invoked and event.invoked - bound <= up for down, up in outages):
                    accepted_in_outages, allowed = max(accepted_in_outages, age), bound + staleness
                else:
                    accepted = max(accepted, age)
                if age > allowed:
                    violations.append(Violation("an ended session is accepted", event))
    return Verdict(violations, accepted, accepted_in_outages)


def _has_ended(event: Event, sid: str) -> bool:
    return event.status == 204 or sid in event.committed


def _lost(sid: str, events: list[Event], ends: list[Event]) -> Iterator[Violation]:
    """Refused, although nobody asked for its end, and nobody else had its token."""
    may_end = [event.invoked for event in ends if sid in event.ends]
    parties: set[str] = set()
    for event in events:
        if event.what == "refresh":
            parties.add(event.party)
        if len(parties) == 2:
            may_end.append(event.invoked)
            break
    begins = min(may_end, default=float("inf"))
    for event in events:
        if (event.what, event.status) in (("refresh", 400), ("use", 401)) and event.completed < begins:
            yield Violation("a session is lost", event)


def _comes_back(sid: str, refreshes: list[Event], ends: list[Event], seeded: Token) -> Iterator[Violation]:
    """Once an end was answered, or a refresh refused, no refresh that is sent later is answered.

    A token of before a new password (`seeded` is the first after it) is refused, and that ends nothing.
    """
    over = [event.completed for event in ends if _has_ended(event, sid)]
    over += [event.completed for event in refreshes if event.status == 400 and (event.token or seeded) >= seeded]
    for event in refreshes:
        if event.status == 200 and event.invoked > min(over, default=float("inf")):
            yield Violation("an ended session comes back", event)


def _line(refreshes: list[Event]) -> Iterator[Violation]:
    """Generations only grow, a dead token stays dead, and of one generation one token goes on."""
    answered = sorted((event for event in refreshes if event.answer), key=lambda event: event.completed)
    newest: Token = (0, 0)
    went_on: dict[int, Token] = {}
    for event in refreshes:
        while answered and answered[0].completed < event.invoked:
            newest = max(newest, answered.pop(0).answer or newest)
        if event.status != 200 or event.token is None:
            continue
        if event.answer and event.answer < newest:
            yield Violation("the line goes back", event)
        generation, branch = event.token
        if generation < newest[0] - 1 or (generation == newest[0] and branch < newest[1]):
            yield Violation("a dead token is answered", event)
        if event.answer and event.answer[0] > generation and went_on.setdefault(generation, event.token) != event.token:
            yield Violation("the line forks", event)
