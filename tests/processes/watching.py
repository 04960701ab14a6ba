"""Who asks every worker about every token, all the time, and then says who was believed for how long."""

from __future__ import annotations

import itertools
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from .servers import Answer, Connection, Server

#: The promise: refused everywhere within so many seconds of the commit.
BOUND = 2.0
#: Between a commit and the process that made it noting the time there may be as much on a busy machine.
NOTING = 0.5


class Login(NamedTuple):
    user: str
    sid: str
    access_token: str
    refresh_token: str


class Seen(NamedTuple):
    status: int
    sent_at: float
    received_at: float


@dataclass(frozen=True)
class Delays:
    """The largest ones, in seconds from the commit, of `count` sessions at `workers` workers."""

    count: int
    workers: int
    requests: int
    #: To the sending of the last request that was still accepted.
    accepted: float
    #: To the sending of the first request that was refused: it says as much of how often this machine could ask.
    refused: float
    #: The longest that anybody waited for an answer.
    latency: float

    def __str__(self) -> str:
        return (
            f"{self.count} sessions at {self.workers} workers, {self.requests} requests: last accepted "
            f"{self.accepted:.2f} s, first refused {self.refused:.2f} s after the commit at the latest; "
            f"the slowest answer took {self.latency:.2f} s"
        )


@dataclass
class Watch:
    """What each worker answered. `controls` live all along; `watched` may end."""

    controls: list[Login]
    watched: list[Login] = field(default_factory=list)
    #: When the end of a session had just been committed.
    ended: dict[str, float] = field(default_factory=dict)
    seen: dict[tuple[int, str], list[Seen]] = field(default_factory=lambda: defaultdict(list))
    workers: list[int] = field(default_factory=list)
    errors: list[BaseException] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def going_on(self, servers: Iterable[Server]) -> Iterator[None]:
        """Ask every worker of these servers, from threads of this process, for as long as the block lasts."""
        workers = [
            (pid, connections[0], server.paths)
            for server in servers
            for pid, connections in server.connect_to_each_worker().items()
        ]
        self.workers = [pid for pid, _, _ in workers]
        threads = [threading.Thread(target=self._run, args=worker) for worker in workers]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._over.set()
            for thread in threads:
                thread.join()
        if self.errors:
            raise self.errors[0]

    def note(self, answer: Answer) -> None:
        """What this answer says has ended."""
        self.ended.update(answer.ended)

    def wait_until_all_are_refused(self) -> None:
        """Or until they should have been: nothing is judged here."""
        deadline = time.monotonic() + 5 * BOUND
        while time.monotonic() < deadline and not all(
            self._is_refused(pid, sid) for pid in self.workers for sid in list(self.ended)
        ):
            self._over.wait(0.1)

    def _is_refused(self, pid: int, sid: str) -> bool:
        seen = self.seen.get((pid, sid))
        return bool(seen) and seen[-1].status == 401

    def _run(self, pid: int, connection: Connection, paths: tuple[str, ...]) -> None:
        path = itertools.cycle(paths)
        control = itertools.cycle(self.controls)
        try:
            while not self._over.is_set():
                self._ask(pid, connection, next(path), next(control))
                pending = [login for login in list(self.watched) if not self._is_refused(pid, login.sid)]
                for number, login in enumerate(pending):
                    if self._over.is_set():
                        return
                    self._ask(pid, connection, next(path), login)
                    if number % 10 == 9:
                        self._ask(pid, connection, next(path), next(control))
                if not pending:
                    self._over.wait(0.01)
        except BaseException as error:  # noqa: BLE001 - raised again in the test's own thread
            self.errors.append(error)

    def _ask(self, pid: int, connection: Connection, path: str, login: Login) -> None:
        answer = connection.get(path, login.access_token)
        assert answer.pid == pid
        self.seen[pid, login.sid].append(Seen(answer.status, answer.sent_at, answer.received_at))

    def judge(self) -> Delays:
        """No live token was ever refused, and no ended one accepted of a request sent later than the bound."""
        accepted = refused = 0.0
        for (pid, sid), seen in self.seen.items():
            committed_at = self.ended.get(sid, float("inf"))
            for each in seen:
                assert each.status in (200, 401), (pid, each)
                if each.status == 200:
                    assert each.sent_at <= committed_at + BOUND, f"accepted {each.sent_at - committed_at:.2f} s late"
                    accepted = max(accepted, each.sent_at - committed_at)
                else:
                    assert each.received_at > committed_at - NOTING, "refused although it lives"
            if sid in self.ended:
                first = next((each.sent_at for each in seen if each.status == 401), None)
                assert first is not None, f"never refused by {pid}"
                refused = max(refused, first - committed_at)
        asked = {sid for _, sid in self.seen}
        assert self.ended.keys() <= asked
        for pid, sid in itertools.product(self.workers, asked):
            assert (pid, sid) in self.seen, "a worker was never asked"
        every = [each for seen in self.seen.values() for each in seen]
        latency = max(each.received_at - each.sent_at for each in every)
        return Delays(len(self.ended), len(self.workers), len(every), accepted, refused, latency)


def begin(server: Server, people: int, sessions: int) -> list[list[Login]]:
    """So many people, each with so many sessions."""
    answer = server.connect().post("/control/begin/", {"people": people, "sessions": sessions})
    assert answer.status == 200, answer.body
    return [[Login(person["user"], **session) for session in person["sessions"]] for person in answer.json["people"]]


def end(server: Server, how: str, logins: list[Login], **more: object) -> Mapping[str, float]:
    """End all of one person's sessions; when that had been committed, of each."""
    connection = server.connect()
    ended: dict[str, float] = {}
    if how == "logout":
        for login in logins:
            answer = connection.post("/auth/logout/", {"refresh_token": login.refresh_token})
            assert answer.status == 204, answer.body
            ended |= answer.ended
    else:
        answer = connection.post("/control/end/", {"user": logins[0].user, "how": how, **more})
        assert answer.status == 200, answer.body
        ended = answer.ended
    return ended
