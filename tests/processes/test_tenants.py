"""Two tenants in the same processes, by database and by schema: nothing of one is ever good at the other."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.tenants.prepare import TENANTS

from .conftest import STRESS
from .servers import PATIENCE, ROOT, PostgreSQL, Server, running

ROUNDS = 100 if STRESS else 8
SURFACES = ("/plain/", "/strict/", "/drf/", "/auth/me/", "/auth/sessions/")
#: What both have in common: the key, the name and the password of the one user.
ADA = {"username": "ada", "password": "open-sesame-42"}


@dataclass
class Hosts:
    wsgi: Server
    asgi: Server

    @property
    def both(self) -> tuple[Server, Server]:
        return self.wsgi, self.asgi

    def login(self, tenant: str) -> dict[str, Any]:
        answer = self.wsgi.connect(f"{tenant}.test").post("/auth/login/", ADA)
        assert answer.status == 200, answer.body
        return dict(answer.json)

    @contextmanager
    def websocket(self, tenant: str, token: str, path: str = "/") -> Iterator[ClientConnection]:
        with socket.create_connection(self.asgi.address) as way:
            protocols: Any = ["ironclad.bearer", token]
            uri = f"ws://{tenant}.test:{self.asgi.address[1]}{path}"
            with connect(uri, sock=way, subprotocols=protocols, open_timeout=PATIENCE, proxy=None) as websocket:
                yield websocket


def environment(database: PostgreSQL, shape: str, settings: dict[str, Any]) -> dict[str, str]:
    name = "postgres" if shape == "databases" else f"by_{shape}"
    return {
        **os.environ,
        "TENANTS": shape,
        "DATABASE_URL": database.url.removesuffix("postgres") + name,
        "DJANGO_SETTINGS_MODULE": "tests.tenants.settings",
        "PROCESS_SETTINGS": json.dumps(settings),
        "PYTHONUNBUFFERED": "1",
    }


@pytest.fixture(scope="module")
def prepared(database: PostgreSQL) -> set[str]:
    """Which shapes have their tables."""
    return set()


@contextmanager
def running_hosts(database: PostgreSQL, prepared: set[str], shape: str, atomic: bool) -> Iterator[Hosts]:
    environ = environment(database, shape, {"DATABASE": {"ATOMIC_REQUESTS": atomic, "CONN_MAX_AGE": 60}})
    if shape not in prepared:
        for name in TENANTS if shape == "databases" else [f"by_{shape}"]:
            database.execute(f"CREATE DATABASE {name}")
        subprocess.run([sys.executable, "-m", "tests.tenants.prepare"], cwd=ROOT, env=environ, check=True)
        prepared.add(shape)
    wsgi = ["-m", "gunicorn", "tests.tenants.wsgi", "--bind", "127.0.0.1:0", "--worker-class", "gthread"]
    wsgi += ["--workers", "2", "--threads", "4", "--keep-alive", "600", "--graceful-timeout", "1"]
    asgi = ["-m", "uvicorn", "tests.tenants.asgi:application", "--port", "0"]
    with running(wsgi, environ, 2, ()) as sync, running([*asgi, "--workers", "2"], environ, 2, ()) as both_kinds:
        wait_until_it_answers(both_kinds)
        yield Hosts(sync, both_kinds)


def wait_until_it_answers(server: Server) -> None:
    """With several workers uvicorn names its address before any of them listens there."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection(server.address, timeout=PATIENCE).close()
            return
        except ConnectionRefusedError:
            assert time.monotonic() < deadline, server.output.read_text()
            time.sleep(0.05)


@pytest.fixture(
    scope="module", params=[("databases", False), ("databases", True), ("schemas", False), ("schemas", True)], ids=str
)
def hosts(request: pytest.FixtureRequest, database: PostgreSQL, prepared: set[str]) -> Iterator[Hosts]:
    with running_hosts(database, prepared, *request.param) as hosts:
        yield hosts


def paths_of(server: Server, hosts: Hosts) -> tuple[str, ...]:
    return (*SURFACES, "/async/") if server is hosts.asgi else SURFACES


def test_no_token_of_one_tenant_is_good_at_the_other_on_any_surface(hosts: Hosts) -> None:
    tokens = {tenant: hosts.login(tenant)["access_token"] for tenant in TENANTS}

    def ask(number: int) -> list[tuple[bool, int, bool]]:
        """Of one host, as one tenant, with the token of one: all of it in turn, by many at once."""
        found = []
        server, at = hosts.both[number % 2], TENANTS[number // 2 % 2]
        connection = server.connect(f"{at}.test")
        for round_ in range(ROUNDS):
            whose = TENANTS[(round_ + number) % 2]
            for path in paths_of(server, hosts):
                answer = connection.get(path, tokens[whose])
                told = answer.json.get("email", f"ada@{whose}.test") if answer.status == 200 else ""
                found.append((whose == at, answer.status, told == f"ada@{at}.test"))
        return found

    with ThreadPoolExecutor(8) as pool:
        found = [each for many in pool.map(ask, range(8)) for each in many]

    assert {status for _, status, _ in found} <= {200, 401}, "".join(each.output.read_text() for each in hosts.both)
    assert len(found) >= 8 * ROUNDS * len(SURFACES)
    assert set(found) == {(True, 200, True), (False, 401, False)}


def test_no_refresh_token_of_one_tenant_is_good_at_the_other_and_none_ends_anything(hosts: Hosts) -> None:
    tokens = {tenant: hosts.login(tenant)["refresh_token"] for tenant in TENANTS}
    for server in hosts.both:
        for at, whose in (TENANTS, TENANTS[::-1]):
            connection = server.connect(f"{at}.test")
            answer = connection.post("/auth/refresh/", {"refresh_token": tokens[whose]})
            assert (answer.status, answer.json["error"]) == (400, "invalid_grant")
            assert connection.post("/auth/logout/", {"refresh_token": tokens[whose]}).status == 204
    for tenant in TENANTS:
        answer = hosts.asgi.connect(f"{tenant}.test").post("/auth/refresh/", {"refresh_token": tokens[tenant]})
        assert answer.status == 200


def test_a_websocket_is_its_tenants(hosts: Hosts) -> None:
    tokens = {tenant: hosts.login(tenant)["access_token"] for tenant in TENANTS}
    with ExitStack() as stack:
        open_ones = {
            (tenant, path): stack.enter_context(hosts.websocket(tenant, tokens[tenant], path))
            for path in ("/", "/strict/")
            for tenant in TENANTS
        }
        for _ in range(3):
            for (tenant, _), websocket in open_ones.items():
                websocket.send("who?")
                assert websocket.recv(timeout=PATIENCE) == f"ada@{tenant}.test"
        for at, whose in (TENANTS, TENANTS[::-1]):
            for path in ("/", "/strict/"):
                with pytest.raises(InvalidStatus) as refused, hosts.websocket(at, tokens[whose], path):
                    pass
                assert refused.value.response.status_code == 401


def test_what_one_tenant_ends_is_refused_there_within_two_seconds_and_nowhere_else(hosts: Hosts) -> None:
    tokens = {tenant: hosts.login(tenant) for tenant in TENANTS}
    ours, theirs = (tokens[tenant]["access_token"] for tenant in TENANTS)
    workers = [
        connection for server in hosts.both for [connection] in server.connect_to_each_worker(host="acme.test").values()
    ]
    with hosts.websocket("acme", ours) as ending, hosts.websocket("globex", theirs) as going_on:
        assert {worker.get("/plain/", ours).status for worker in workers} == {200}

        body = {"refresh_token": tokens["acme"]["refresh_token"]}
        ended = hosts.wsgi.connect("acme.test").post("/auth/logout/", body)
        assert ended.status == 204
        deadline = ended.received_at + 2

        refused_at = 0.0
        while not refused_at:
            answers = [worker.get("/plain/", ours) for worker in workers]
            if {answer.status for answer in answers} == {401}:
                refused_at = min(answer.sent_at for answer in answers)
            assert max(answer.sent_at for answer in answers if answer.status == 200 or refused_at) < deadline + 0.5
        with pytest.raises(ConnectionClosed) as closed:
            ending.recv(timeout=PATIENCE)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4401
        assert time.monotonic() < deadline + PATIENCE
        going_on.send("who?")
        assert going_on.recv(timeout=PATIENCE) == "ada@globex.test"
    for server in hosts.both:
        for [connection] in server.connect_to_each_worker(host="globex.test").values():
            assert connection.get("/plain/", theirs).status == 200
        for [connection] in server.connect_to_each_worker(host="acme.test").values():
            assert connection.get("/plain/", ours).status == 401


@pytest.mark.parametrize("atomic", [False, True])
def test_tenants_that_share_their_users_share_their_sessions(
    database: PostgreSQL, prepared: set[str], atomic: bool
) -> None:
    with running_hosts(database, prepared, "shared", atomic) as hosts:
        tokens = hosts.login("acme")
        for tenant in TENANTS:
            for server in hosts.both:
                connection = server.connect(f"{tenant}.test")
                for path in paths_of(server, hosts):
                    assert connection.get(path, tokens["access_token"]).status == 200
            with hosts.websocket(tenant, tokens["access_token"], "/strict/") as websocket:
                websocket.send("who?")
                assert websocket.recv(timeout=PATIENCE) == "ada@acme.test"
        assert hosts.asgi.connect("globex.test").get("/plain/", "garbage").status == 401
        answer = hosts.asgi.connect("globex.test").post("/auth/logout/", {"refresh_token": tokens["refresh_token"]})
        assert answer.status == 204
        strict = hosts.wsgi.connect("acme.test").get("/strict/", tokens["access_token"])
        assert strict.status == 401


#: Apps may be listed by their configuration.
BY_CONFIG = [
    "django.contrib.auth.apps.AuthConfig",
    "django.contrib.contenttypes",
    "django_ironclad.apps.IroncladConfig",
]


@pytest.mark.parametrize(
    ("shape", "settings", "said"),
    [
        ("schemas", {"REALM": None}, "ironclad.E009"),
        ("shared", {"REALM": None}, "ironclad.E009"),
        ("schemas", {}, ""),
        ("shared", {}, ""),
        ("schemas", {"USERS": BY_CONFIG}, ""),
        ("shared", {"USERS": BY_CONFIG}, ""),
        ("shared", {"USERS": BY_CONFIG, "REALM": None}, "ironclad.E009"),
        ("schemas", {"SHARED": ["django_ironclad"]}, "ironclad.E010"),
    ],
)
def test_the_system_check_knows_both_shapes(
    database: PostgreSQL, shape: str, settings: dict[str, Any], said: str
) -> None:
    command = [sys.executable, "-m", "django", "check"]
    environ = environment(database, shape, settings)
    result = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)

    assert (said in result.stderr, "ironclad.E" in result.stderr) == (True, bool(said)), result.stderr
    if said == "ironclad.E009":
        assert ("request.tenant.schema_name" if shape == "schemas" else "one name for all") in result.stderr
