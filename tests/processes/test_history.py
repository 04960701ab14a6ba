"""A random workload over several processes, of which some are killed; a checker then reads what was answered."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import psutil
import pytest

from .conftest import STRESS
from .history import Event, Token, Verdict, judge
from .servers import Answer, Connection, Server, gunicorn, postgresql
from .test_crashes import crash
from .watching import BOUND, begin

PEOPLE, SESSIONS, SECONDS, FAULTS, THREADS = (67, 3, 120, 12, 8) if STRESS else (14, 3, 7, 1, 2)
#: REVOCATION_MAX_STALENESS, by default.
STALENESS = 30.0
#: The shortest grace there is: in seconds pass the minutes of others.
SETTINGS = {"IRONCLAD": {"REUSE_GRACE": 1}, "DATABASE": {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}}


# The checker refuses what it must.


def event(what: str, at: float, status: int | None, **more: object) -> Event:
    return Event(what, more.pop("party", "ada"), "s", at, at + 0.1, status, **more)  # type: ignore[arg-type]


def refresh(at: float, token: Token, answer: Token | None, **more: object) -> Event:
    return event("refresh", at, 200 if answer else 400, token=token, answer=answer, **more)


GOOD = [
    event("use", 0, 200),
    refresh(1, (0, 0), (1, 0)),
    refresh(2, (0, 0), (1, 0)),
    refresh(9, (0, 0), (1, 1)),
    event("use", 10, 503),
    event("refresh", 11, None, token=(1, 1)),
    refresh(20, (1, 1), (2, 1)),
    event("end", 30, 204, ends=frozenset({"s"}), committed={"s": 30.05}),
    event("use", 31, 200),
    refresh(32, (2, 1), None),
    event("use", 33, 401),
]
FORGED = {
    "a session is lost": [replace(GOOD[6], status=400, answer=None)],
    "an ended session comes back": [refresh(40, (2, 1), (3, 0))],
    "an ended session is accepted": [event("use", 32.2, 200)],
    "the line goes back": [refresh(21, (1, 1), (1, 1))],
    "a dead token is answered": [refresh(21, (0, 0), (2, 1))],
    "the line forks": [refresh(21, (1, 0), (2, 1))],
    "an answer that nobody expects": [event("use", 21, 500)],
}


def verdict(history: list[Event], *outages: tuple[float, float]) -> Verdict:
    return judge(history, bound=BOUND, staleness=STALENESS, outages=outages)


def test_the_checker_accepts_a_good_history_and_says_how_long_an_ended_session_was_accepted() -> None:
    violations, accepted, _ = verdict(GOOD)
    assert violations == []
    assert accepted == pytest.approx(0.95)


@pytest.mark.parametrize("rule", FORGED)
def test_the_checker_refuses_a_forged_history(rule: str) -> None:
    violations = verdict([*GOOD, *FORGED[rule]]).violations
    assert violations == [(rule, event) for event in FORGED[rule]]


def test_the_checker_refuses_a_loss_that_only_an_access_token_shows() -> None:
    judged = verdict([event("use", 0, 200), event("use", 1, 401)])
    assert [violation.rule for violation in judged.violations] == ["a session is lost"]


def test_the_checker_calls_nothing_lost_that_two_parties_shared_or_whose_end_nobody_heard() -> None:
    stolen = [refresh(1, (0, 0), (1, 0)), refresh(9, (0, 0), None, party="thief"), refresh(10, (1, 0), None)]
    unheard = [event("end", 1, None, ends=frozenset({"s"})), event("use", 2, 200), refresh(9, (0, 0), None)]
    for history in (stolen, unheard):
        assert verdict(history).violations == []


def test_the_checker_lets_a_copy_of_before_a_new_password_be_refused() -> None:
    seeded = event("end", 25, 204, answer=(3, 0))
    copy = event("refresh", 26, 400, party="thief", token=(2, 1))
    follows = [event("refresh", 27, 503, token=(2, 1)), refresh(28, (3, 0), (4, 0))]
    assert verdict([*GOOD[:7], seeded, copy, *follows]).violations == []
    assert verdict([*GOOD[:7], copy, *follows]).violations == [("an ended session comes back", follows[1])]


def test_the_checker_knows_how_long_tokens_are_believed_while_nobody_can_ask() -> None:
    outage = (29.0, 45.0)
    excused, late, later = event("use", 46, 200), event("use", 47.1, 200), event("use", 63, 200)
    assert verdict([*GOOD, excused], outage) == ([], 0, pytest.approx(15.95))
    assert verdict([*GOOD, late], outage).violations == [("an ended session is accepted", late)]
    assert verdict([*GOOD, later], (29.0, 70.0)).violations == [("an ended session is accepted", later)]


# The workload.


@dataclass(eq=False)
class Party:
    """Somebody with a refresh token: a client, or a thief with a copy."""

    name: str
    sid: str
    refresh_token: str
    access_token: str
    #: All sessions of the person, and one password, which nobody knows any more when its change was not answered.
    person: list[Party] = field(repr=False)
    password: list[str]
    idle_until: float = 0.0
    stale: list[str] = field(default_factory=list)

    @property
    def others(self) -> frozenset[str]:
        return frozenset(each.sid for each in self.person) - {self.sid}


@dataclass
class Caller:
    """Asks over three connections, each with whichever worker takes it, and writes down what was heard."""

    server: Server
    history: list[Event]
    chance: random.Random
    connections: dict[int, Connection] = field(default_factory=dict)

    def ask(self, party: Party, what: str, method: str, path: str, **more: Any) -> Answer | None:
        sent = more["body"].get("refresh_token") if what == "refresh" else None
        ends = more.pop("ends", frozenset())
        invoked = time.monotonic()
        answer, number = None, self.chance.randrange(3)
        try:
            if number not in self.connections:
                self.connections[number] = self.server.connect()
            answer = self.connections[number].request(method, path, **more)
        except OSError:
            self.connections.pop(number, None)
        status = answer.status if answer else None
        given = answer.json.get("refresh_token") if answer and status == 200 and what != "use" else None
        if path.endswith("password/") and (status is None or status >= 500):
            # It may have been done; then nobody was told the session's new refresh token.
            ends |= {party.sid}
        self.history.append(
            Event(
                what,  # type: ignore[arg-type]
                party.name,
                party.sid,
                invoked,
                time.monotonic(),
                # An end that has an answer is done as one that has none.
                204 if what == "end" and status == 200 else status,
                token=_token(sent) if sent else None,
                answer=_token(given) if given else None,
                ends=ends,
                committed=answer.ended if answer else {},
            )
        )
        return answer

    def refresh(self, party: Party) -> None:
        """Now and then the answer is lost, and asked for again at once or a turn later."""
        for _ in range(self.chance.choice((1, 1, 1, 2))):
            sent = party.refresh_token
            answer = self.ask(party, "refresh", "POST", "/auth/refresh/", body={"refresh_token": sent})
        if answer and answer.status == 200 and self.chance.random() < 0.9:
            party.stale.append(party.refresh_token)
            party.refresh_token = answer.json.get("refresh_token", party.refresh_token)
            party.access_token = answer.json["access_token"]

    def use(self, party: Party) -> None:
        self.ask(party, "use", "GET", self.chance.choice(self.server.paths), token=party.access_token)

    def replay(self, party: Party) -> None:
        """A token of long ago, by whoever found it."""
        if len(party.stale) > 2:
            body = {"refresh_token": self.chance.choice(party.stale[:-2])}
            self.ask(replace(party, name=f"finder of {party.sid}"), "refresh", "POST", "/auth/refresh/", body=body)

    def logout(self, party: Party) -> None:
        body = {"refresh_token": party.refresh_token}
        self.ask(party, "end", "POST", "/auth/logout/", body=body, ends=frozenset({party.sid}))

    def end_others(self, party: Party) -> None:
        self.ask(party, "end", "DELETE", "/auth/sessions/", token=party.access_token, ends=party.others)

    def change_password(self, party: Party) -> None:
        if not party.password:
            return
        old, new = party.password.pop(), f"a password {self.chance.random()}"
        body = {"old_password": old, "new_password": new}
        answer = self.ask(
            party, "end", "POST", "/auth/password/", token=party.access_token, body=body, ends=party.others
        )
        if answer and answer.status in (200, 401):
            party.password.append(new if answer.status == 200 else old)
        if answer and answer.status == 200:
            party.refresh_token, party.access_token = answer.json["refresh_token"], answer.json["access_token"]
            party.stale.clear()

    def act(self, party: Party) -> None:
        acts = (self.refresh, self.use, self.replay, self.logout, self.end_others, self.change_password)
        act = self.chance.choices(acts, (50, 100, 0.4, 0.8, 0.4, 0.4))[0]
        act(party)
        if act in acts[3:]:
            # Whom it may concern is heard of at once.
            for each in party.person:
                each.idle_until = 0
        else:
            party.idle_until = time.monotonic() + self.chance.choice((0.1, 0.5, 1.5, 2.5))


def _token(text: str) -> Token:
    _, generation, branch, _ = text.split(".")
    return int(generation), int(branch)


def run(caller: Caller, people: list[list[Party]], over: threading.Event) -> None:
    parties = [party for person in people for party in person]
    while not over.is_set():
        ready = [party for party in parties if party.idle_until < time.monotonic()]
        if ready:
            caller.act(caller.chance.choice(ready))
        else:
            over.wait(0.02)


def steal(caller: Caller, parties: list[Party], over: threading.Event) -> None:
    """A copy of what somebody holds, a few times, and of no session twice; each then refreshes as a client does."""
    thieves: list[Party] = []
    while not over.wait(0.1):
        victim = caller.chance.choice(parties)
        if caller.chance.random() < 0.02 and victim.sid not in {thief.sid for thief in thieves}:
            thieves.append(replace(victim, name=f"thief of {victim.sid}", stale=[]))
        for thief in thieves:
            if thief.idle_until < time.monotonic():
                caller.refresh(thief)
                thief.idle_until = time.monotonic() + caller.chance.choice((0.5, 2.5))


def people_of(server: Server) -> list[list[Party]]:
    people = []
    for logins in begin(server, PEOPLE, SESSIONS):
        person: list[Party] = []
        password = ["a password"]
        for each in logins:
            person.append(Party(each.sid, each.sid, each.refresh_token, each.access_token, person, password))
        people.append(person)
    return people


def kill_a_worker(server: Server, chance: random.Random) -> None:
    chance.choice(psutil.Process(server.process.pid).children()).send_signal(signal.SIGKILL)


def test_whatever_is_killed_what_was_answered_holds(measured: Callable[[object], None]) -> None:
    chance = random.Random(9)
    history: list[Event] = []
    outages: list[tuple[float, float]] = []
    over = threading.Event()
    with postgresql() as database, gunicorn(database, workers=3, settings=SETTINGS) as server:
        people = people_of(server)
        parties = [party for person in people for party in person]
        with ThreadPoolExecutor(THREADS + 1) as pool:
            jobs = [
                pool.submit(run, Caller(server, history, random.Random(number)), people[number::THREADS], over)
                for number in range(THREADS)
            ]
            jobs.append(pool.submit(steal, Caller(server, history, random.Random(THREADS)), parties, over))
            try:
                for _ in range(FAULTS):
                    over.wait(SECONDS / FAULTS * chance.uniform(0.4, 0.6))
                    kill_a_worker(server, chance)
                    over.wait(SECONDS / FAULTS * chance.uniform(0.2, 0.4))
                    down = time.monotonic()
                    crash(database)
                    over.wait(chance.uniform(0, 1))
                    database.start()
                    outages.append((down, time.monotonic()))
                over.wait(SECONDS / FAULTS * 0.5)
            finally:
                over.set()
        for job in jobs:
            job.result()
        # Whoever was not signed out still is not; and what ended is over for every worker.
        last = Caller(server, history, chance)
        last.logout(parties[0])
        time.sleep(BOUND)
        for party in parties:
            for _ in range(3):
                last.use(party)
            last.refresh(party)

    violations, accepted, in_outages = verdict(history, *outages)
    assert violations == []
    statuses = Counter((each.what, each.status) for each in history)
    # Or nothing was tried.
    assert {("refresh", 200), ("refresh", 400), ("use", 200), ("use", 401), ("end", 204)} <= statuses.keys()
    unheard = sum(count for (_, status), count in statuses.items() if status is None)
    refused = sum(count for (_, status), count in statuses.items() if status == 503)
    measured(
        f"{len(history)} operations of {len(parties)} clients and of thieves, {2 * FAULTS} faults: {refused} × 503, "
        f"{unheard} unheard; 0 lost, 0 forked; an ended session accepted for {accepted:.2f} s at most, "
        f"and for {in_outages:.2f} s in outages"
    )
