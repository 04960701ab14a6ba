"""Behind each server the same: what is answered, how soon the end of a session is heard of, and websockets."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from http.client import HTTPResponse
from typing import Any, NamedTuple

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from .. import recording
from .conftest import STRESS
from .conversation import Heard, Person, ask, converse
from .platforms import PLATFORMS, SMALL, Platform
from .servers import PATIENCE, PostgreSQL, Server, gunicorn
from .watching import BOUND, Login, begin, end

#: As projects set them; the small form has Django's defaults only.
SETTINGS: dict[str, dict[str, Any]] = {"as it is": {}}
if STRESS:
    SETTINGS["ATOMIC_REQUESTS, persistent connections"] = {
        "DATABASE": {"ATOMIC_REQUESTS": True, "CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
    }
SESSIONS = 20 if STRESS else 3


class Case(NamedTuple):
    name: str
    platform: Platform
    servers: list[Server]


@pytest.fixture(
    scope="module",
    params=[(name, settings) for name in (PLATFORMS if STRESS else SMALL) for settings in SETTINGS],
    ids=", ".join,
)
def case(request: pytest.FixtureRequest, database: PostgreSQL) -> Iterator[Case]:
    name, settings = request.param
    with PLATFORMS[name].running(database, SETTINGS[settings]) as servers:
        yield Case(name, PLATFORMS[name], servers)


@pytest.fixture(autouse=True)
def recorded(case: Case, record_property: Callable[[str, object], None]) -> None:
    record_property("platform", recording.Platform("Servers", case.name, case.platform.version))


@pytest.fixture(scope="module")
def person(database: PostgreSQL) -> Iterator[Person]:
    with gunicorn(database, workers=1) as server:
        [[login]] = begin(server, 1, 1)
        me = ask(server, "GET", "/auth/me/", authorization=f"Bearer {login.access_token}").json
        yield Person(login.user, me["username"], "a password")


@pytest.fixture(scope="module")
def expected(database: PostgreSQL, person: Person) -> dict[str, Heard]:
    """What everybody else has to answer, too."""
    with gunicorn(database, workers=1) as server:
        return converse(server, person)


def test_every_server_answers_the_same_in_each_byte(
    case: Case, person: Person, expected: dict[str, Heard], measured: Callable[[object], None]
) -> None:
    cookie = f'lang="{"ü" if case.platform.letters_beyond_ascii else "u"}"'
    for server in case.servers:
        heard = converse(server, person, cookie)
        assert heard.keys() == expected.keys()
        for what, answer in heard.items():
            assert answer.comparable == expected[what].comparable, what
    measured(f"{len(expected)} answers, the same in each byte")


def test_a_session_that_ends_in_one_process_is_refused_by_every_other(
    case: Case, measured: Callable[[object], None]
) -> None:
    people = [login for [login] in begin(case.servers[0], SESSIONS + 1, 1)]
    alive, watched = people[0], people[1:]
    with Asking(case.servers, case.platform, people) as asking:
        asking.wait(lambda: len(asking.processes()) == 2 and asking.all(people, 200))
        ended: dict[str, float] = {}
        for login in watched:
            ended |= end(case.servers[0], "logout", [login])
        asking.wait(lambda: asking.all(watched, 401))
    late = max(sent - ended[sid] for sid, _, status, sent in asking.seen if status == 200 and sid in ended)
    assert late <= BOUND
    assert {status for sid, _, status, _ in asking.seen if sid == alive.sid} == {200}
    measured(f"{len(watched)} sessions, {len(asking.seen)} calls: accepted for {late:.2f} s after the commit")


def test_a_login_in_chunks_is_read_over_asgi_only(case: Case, person: Person) -> None:
    body = json.dumps({"username": person.name, "password": person.password}).encode()
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in (body[:9], body[9:], b""))
    head = b"POST /auth/login/ HTTP/1.1\r\nHost: school.example\r\nContent-Type: application/json\r\n"
    with socket.create_connection(case.servers[0].address, PATIENCE) as connection:
        # All at once: a server that reads none of it may close the connection before it has everything.
        connection.sendall(head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks)
        answer = HTTPResponse(connection)
        answer.begin()
        assert answer.status == (200 if case.platform.asgi else 400)
        assert ("access_token" if case.platform.asgi else "error") in json.loads(answer.read())


class Seen(NamedTuple):
    sid: str
    process: int
    status: int
    sent_at: float


class Asking:
    """Threads that ask about each login all the time, on a new connection each time: not every server keeps one."""

    def __init__(self, servers: list[Server], platform: Platform, logins: list[Login]) -> None:
        self.seen: list[Seen] = []
        self._logins, self._paths = logins, (*servers[0].paths, *(["/async/"] if platform.async_views else []))
        self._over = threading.Event()
        self._errors: list[BaseException] = []
        threads = 4 // len(servers)
        self._threads = [threading.Thread(target=self._run, args=(each,)) for each in servers for _ in range(threads)]

    def __enter__(self) -> Asking:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()
        if self._errors:
            raise self._errors[0]

    def _run(self, server: Server) -> None:
        try:
            while not self._over.is_set():
                for path in self._paths:
                    for login in self._logins:
                        sent_at = time.monotonic()
                        answer = ask(server, "GET", path, authorization=f"Bearer {login.access_token}")
                        assert answer.status in (200, 401, 503), answer  # 503: a machine too busy to ask its database
                        self.seen.append(Seen(login.sid, int(answer.header("x-pid")), answer.status, sent_at))
        except BaseException as error:  # noqa: BLE001 - raised again in the test's own thread
            self._errors.append(error)

    def wait(self, until: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not until() and not self._errors:
            assert time.monotonic() < deadline, f"{len(self.seen)} calls, {len(self.processes())} processes"
            self._over.wait(0.02)

    def processes(self) -> set[int]:
        return {each.process for each in list(self.seen)}

    def all(self, logins: list[Login], status: int) -> bool:
        """Whether every process said so of each, the last time that it was asked."""
        last: dict[tuple[str, int], int] = defaultdict(int)
        last.update({(each.sid, each.process): each.status for each in list(self.seen)})
        return all(last[login.sid, process] == status for login in logins for process in self.processes())


def open_socket(server: Server, token: str) -> ClientConnection:
    host, port = server.address
    return connect(
        f"ws://{host}:{port}/echo/",
        subprotocols=["ironclad.bearer", token],  # type: ignore[list-item]
        origin=f"http://{host}:{port}",  # type: ignore[arg-type]
        open_timeout=PATIENCE,
        close_timeout=PATIENCE,
    )


def refusal(server: Server, token: str) -> tuple[int, dict[str, str], bytes]:
    with pytest.raises(InvalidStatus) as refused, open_socket(server, token):
        pass
    response = refused.value.response
    headers = {name.lower(): value for name, value in response.headers.raw_items()}
    return response.status_code, headers, bytes(response.body or b"")


def talk_until_closed(opened: ClientConnection) -> tuple[float, ConnectionClosed]:
    """When the last message was sent that was answered still, and how it ended."""
    answered = 0.0
    try:
        while True:
            sent_at = time.monotonic()
            opened.send("still there")
            opened.recv(PATIENCE)
            answered = sent_at
    except ConnectionClosed as closed:
        return answered, closed


def test_a_websocket_is_refused_renewed_and_closed(case: Case, measured: Callable[[object], None]) -> None:
    if not case.platform.asgi:
        pytest.skip("it speaks WSGI")
    server, other = case.servers[0], case.servers[-1]
    [[login]] = begin(server, 1, 1)

    status, headers, body = refusal(server, "nobodys.to.ken")
    assert (status, bool(body)) == ((401, True) if case.platform.tells_websockets_why else (403, False))
    if case.platform.tells_websockets_why:
        said = ask(server, "GET", "/drf/", authorization="Bearer nobodys.to.ken")
        assert (json.loads(body), headers["www-authenticate"]) == (said.json, said.header("www-authenticate"))
    with open_socket(server, login.access_token) as opened:
        assert opened.subprotocol == "ironclad.bearer"
        opened.send("hello")
        who, _, echo = str(opened.recv(PATIENCE)).partition(": ")
        assert echo == "hello"
        tokens = ask(server, "POST", "/auth/refresh/", body={"refresh_token": login.refresh_token}).json
        assert who == tokens["username"]
        opened.send(json.dumps({"type": "ironclad.renew", "access_token": tokens["access_token"]}))
        renewed = json.loads(opened.recv(PATIENCE))
        assert renewed == {"type": "ironclad.renewed", "expires_in": renewed["expires_in"]}
        [ended] = end(other, "logout", [login]).values()
        answered, closed = talk_until_closed(opened)
    assert closed.rcvd
    reason = "invalid_token" if case.platform.tells_websockets_why else ""
    assert (closed.rcvd.code, closed.rcvd.reason) == (4401, reason)
    assert answered <= ended + BOUND
    assert refusal(server, login.access_token)[0] == status
    measured(f"refused, renewed, and open for {max(0, answered - ended):.2f} s after the commit")
