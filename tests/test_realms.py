"""Realms: one process, several sets of users, and nothing of one is worth anything in another."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, connections
from django.http import HttpRequest
from django.test import Client, RequestFactory, override_settings

from django_ironclad import auth, ninja, realms, sessions
from django_ironclad.channels import BearerMiddleware
from django_ironclad.database.places import has_sessions
from django_ironclad.errors import InvalidGrant, InvalidToken
from django_ironclad.models import Session
from django_ironclad.realms import current_realm, enter, realm
from django_ironclad.sessions import by_realm
from django_ironclad.sessions.by_realm import ended_sessions

from .conftest import PASSWORD, Person, time_passes
from .websockets import Websocket

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).parents[1]


def by_host(asked: HttpRequest | Mapping[str, Any]) -> str:
    """The first label of the host, of a request and of a websocket's scope."""
    if isinstance(asked, HttpRequest):
        return asked.get_host().partition(".")[0]
    return str(dict(asked["headers"])[b"host"].decode().partition(".")[0])


@pytest.fixture(autouse=True)
def _realms() -> Iterator[None]:
    with override_settings(IRONCLAD={"REALM": by_host}, ALLOWED_HOSTS=["*"]):
        yield
    realms._leave()
    by_realm._forget()


class Tenant:
    """The client of one tenant's host."""

    def __init__(self, name: str) -> None:
        self.http = Client(headers={"host": f"{name}.example.org"})

    def post(self, path: str, body: Any) -> Any:
        return self.http.post(path, body, content_type="application/json")

    def login(self, person: Person) -> Any:
        return self.post("/auth/login/", {"username": person.name, "password": PASSWORD}).json()

    def get(self, path: str, token: str) -> int:
        return int(self.http.get(path, headers={"authorization": f"Bearer {token}"}).status_code)


@pytest.fixture
def acme() -> Tenant:
    return Tenant("acme")


@pytest.fixture
def globex() -> Tenant:
    return Tenant("globex")


@pytest.mark.parametrize(
    "path", ["/plain/login-required/", "/plain/strict/", "/drf/members/", "/auth/me/", "/auth/sessions/"]
)
def test_an_access_token_is_nobodys_in_another_realm(ada: Person, acme: Tenant, globex: Tenant, path: str) -> None:
    tokens = acme.login(ada)

    assert acme.get(path, tokens["access_token"]) == 200
    assert globex.get(path, tokens["access_token"]) == 401


@pytest.mark.parametrize("strict", [False, True])
def test_without_the_middleware_an_adapter_asks_the_request_for_its_realm(
    ada: Person, acme: Tenant, globex: Tenant, settings: Any, strict: bool
) -> None:
    token = acme.login(ada)["access_token"]
    settings.MIDDLEWARE = [each for each in settings.MIDDLEWARE if not each.endswith("BearerMiddleware")]
    path = "/drf/strict/" if strict else "/drf/members/"

    assert [tenant.get(path, token) for tenant in (acme, globex, acme)] == [200, 401, 200]
    for host in ("acme.example.org", "globex.example.org"):
        asked = RequestFactory(headers={"host": host, "authorization": f"Bearer {token}"}).get("/")
        with pytest.raises(InvalidToken) if host.startswith("globex") else nullcontext():
            assert ninja.Bearer(strict=strict)(asked)
        realms._leave()


def test_a_refresh_token_is_nobodys_in_another_realm_and_ends_nothing_there(
    ada: Person, acme: Tenant, globex: Tenant
) -> None:
    old = acme.login(ada)["refresh_token"]
    new = acme.post("/auth/refresh/", {"refresh_token": old}).json()["refresh_token"]
    time_passes(seconds=61)
    assert acme.post("/auth/refresh/", {"refresh_token": new}).status_code == 200

    for token in (old, new):
        assert globex.post("/auth/refresh/", {"refresh_token": token}).json()["error"] == "invalid_grant"
        assert globex.post("/auth/logout/", {"refresh_token": token}).status_code == 204

    assert Session.objects.get().revoked_at is None


def test_the_token_names_its_realm(ada: Person, acme: Tenant) -> None:
    with realm("acme"):
        assert auth.verify(acme.login(ada)["access_token"]).claims["realm"] == "acme"


def test_a_token_of_no_realm_is_nobodys_where_there_are_realms_and_the_other_way_round(
    ada: Person, acme: Tenant
) -> None:
    with override_settings(IRONCLAD={}):
        without = auth.login(ada.user)
    assert acme.get("/drf/members/", without.access_token) == 401
    assert acme.post("/auth/refresh/", {"refresh_token": without.refresh_token}).status_code == 400

    of_acme = acme.login(ada)
    with override_settings(IRONCLAD={}):
        assert acme.get("/drf/members/", of_acme["access_token"]) == 401
        assert acme.post("/auth/refresh/", {"refresh_token": of_acme["refresh_token"]}).status_code == 400


def test_a_forged_realm_needs_the_key(ada: Person, acme: Tenant) -> None:
    """`acme NUL x` and `acme` with a text that begins so are two inputs of the MAC: no name holds a NUL."""
    with pytest.raises(ImproperlyConfigured), realm("acme\0" + "0" * 8):
        pass


def test_where_nothing_is_known_there_is_an_error_and_no_default(ada: Person) -> None:
    for ask in (current_realm, lambda: auth.login(ada.user)):
        with pytest.raises(ImproperlyConfigured, match=r"with realm\(name\)"):
            ask()


def test_to_end_sessions_a_job_needs_no_realm(ada: Person, acme: Tenant) -> None:
    acme.login(ada)
    assert sessions.revoke_all(ada.user, reason="job") == 1
    assert Session.objects.get().revoked_reason == "job"


def test_a_job_ends_the_sessions_of_whoever_it_names_and_of_no_other_tenants(tmp_path: Path) -> None:
    """Each tenant has a database, in which `ada` is the same number; only acme's are to end."""
    environment = {
        **os.environ,
        "TENANTS": "databases",
        "DATABASE_URL": f"sqlite:///{tmp_path / 'tenants'}",
        "DJANGO_SETTINGS_MODULE": "tests.tenants.settings",
    }
    command = [sys.executable, "-W", "error", "-m", "tests.tenants.jobs"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)

    assert done.returncode == 0, done.stderr
    ended = {what: alive for what, *alive in map(json.loads, done.stdout.splitlines())}
    assert len(ended) == 6
    assert set(map(tuple, ended.values())) == {(0, 1)}, ended


@pytest.mark.skipif(connection.vendor != "postgresql", reason="by an option of PostgreSQL's that stands for a replica")
def test_of_a_user_who_was_read_from_a_replica_only_a_realm_says_where_the_sessions_are(
    ada: Person, acme: Tenant
) -> None:
    acme.login(ada)
    replica = connection.copy(alias="replica")
    replica.settings_dict["OPTIONS"] = {"options": "-c default_transaction_read_only=on"}
    connections["replica"] = replica
    ada.user._state.db = "replica"
    try:
        with pytest.raises(ImproperlyConfigured, match="with realm"):
            sessions.revoke_all(ada.user, reason="job")
        assert Session.objects.live().count() == 1
        with realm("acme"):
            assert sessions.revoke_all(ada.user, reason="job") == 1
    finally:
        replica.close()
        del connections["replica"]
        has_sessions.cache_clear()


def test_a_host_of_which_the_project_knows_no_realm_ends_sessions_all_the_same(ada: Person, acme: Tenant) -> None:
    token = acme.login(ada)["access_token"]

    def nobody(asked: object) -> None:
        return None

    with override_settings(IRONCLAD={"REALM": nobody}):
        enter(RequestFactory().get("/"))
        sessions.revoke_all(ada.user, reason="central")
    realms._leave()

    assert acme.get("/drf/members/", token) == 401


@pytest.mark.django_db(transaction=True)
def test_a_set_is_read_from_where_its_realm_is_and_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    with as_in_production(), realm("acme"):
        ended_sessions("acme").freshen()
        monkeypatch.setattr("django_ironclad.sessions.by_realm.place", lambda: ("default", "globex"))
        with pytest.raises(ImproperlyConfigured, match="schema_context"):
            ended_sessions("acme").freshen()


@pytest.mark.parametrize("name", [None, "", 7, "a\nb", "x" * 256, "\ud800"])
def test_a_callable_that_knows_none_is_an_error_that_says_what_to_return(ada: Person, name: object) -> None:
    with override_settings(IRONCLAD={"REALM": lambda asked: name}):
        enter(RequestFactory().get("/"))
        with pytest.raises(ImproperlyConfigured, match="1 to 255 characters"):
            current_realm()


def test_whoever_needs_no_realm_is_not_asked_for_one(client: Client) -> None:
    def fail(asked: object) -> str:
        raise AssertionError("nobody needed to know")

    with override_settings(IRONCLAD={"REALM": fail}):
        assert client.get("/auth/jwks.json").status_code == 200


def test_a_request_is_asked_once(ada: Person) -> None:
    asked = []

    def once(request: HttpRequest) -> str:
        asked.append(request)
        return "acme"

    with override_settings(IRONCLAD={"REALM": once}):
        Tenant("acme").login(ada)

    assert len(asked) == 1


def test_nothing_is_left_of_a_request_and_a_with_around_it_stays(ada: Person, acme: Tenant) -> None:
    acme.login(ada)
    with pytest.raises(ImproperlyConfigured):
        current_realm()
    with realm("globex"):
        acme.login(ada)
        assert current_realm() == "globex"
        with realm("initech"):
            assert current_realm() == "initech"
        assert current_realm() == "globex"


def test_a_job_within_a_request_may_be_about_another_realm() -> None:
    request = RequestFactory().get("/", headers={"host": "acme.example.org"})
    enter(request)
    with realm("globex"):
        enter(request)
        assert current_realm() == "globex"
    assert current_realm() == "acme"


def test_threads_and_tasks_keep_their_own() -> None:
    seen = {}

    def work(name: str) -> None:
        with realm(name):
            ready.wait()
            seen[name] = current_realm()

    async def tasks() -> list[str]:
        async def one(name: str) -> str:
            with realm(name):
                await asyncio.sleep(0)
                return current_realm()

        return await asyncio.gather(*map(one, "abc"))

    ready = threading.Barrier(2)
    threads = [threading.Thread(target=work, args=(name,)) for name in ("acme", "globex")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {"acme": "acme", "globex": "globex"}
    assert async_to_sync(tasks)() == ["a", "b", "c"]


# What ended.


def test_what_ended_is_refused_at_its_own(ada: Person, acme: Tenant) -> None:
    tokens = acme.login(ada)
    assert acme.get("/drf/members/", tokens["access_token"]) == 200

    acme.post("/auth/logout/", {"refresh_token": tokens["refresh_token"]})

    assert acme.get("/drf/members/", tokens["access_token"]) == 401


def test_what_a_job_ends_without_a_realm_is_refused_wherever_it_is(ada: Person, acme: Tenant, globex: Tenant) -> None:
    tokens = [tenant.login(ada)["access_token"] for tenant in (acme, globex)]

    sessions.revoke_all(ada.user, reason="job")

    assert [each.get("/drf/members/", token) for each, token in zip((acme, globex), tokens, strict=True)] == [401, 401]


@contextmanager
def as_in_production() -> Iterator[None]:
    """Outside of Django's test runner, where the set is read."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django_ironclad.sessions.revoked._in_test_runner", lambda: False)
        yield


@pytest.mark.django_db(transaction=True)
def test_each_realm_reads_for_itself_and_an_end_makes_only_its_own_read_again(django_assert_num_queries: Any) -> None:
    with as_in_production():
        for name in ("acme", "globex"):
            with realm(name), django_assert_num_queries(1):
                assert ended_sessions(name).is_due()
                ended_sessions(name).freshen()
        with realm("acme"):
            by_realm.invalidate(["a session"])
        assert (ended_sessions("acme").is_due(), ended_sessions("globex").is_due()) == (True, False)
        by_realm.invalidate(["a session"])
        assert ended_sessions("globex").is_due()


def test_a_thousand_realms_and_many_more_take_no_more_memory_than_2048() -> None:
    for number in range(5000):
        ended_sessions(f"tenant-{number}")

    assert sum(map(len, by_realm._halves)) <= 2 * by_realm.KEPT
    assert ended_sessions("tenant-4999") is ended_sessions("tenant-4999")


def test_a_realm_that_was_dropped_is_read_anew() -> None:
    with as_in_production(), realm("acme"):
        ended_sessions("acme").freshen()
        for number in range(2 * by_realm.KEPT):
            ended_sessions(f"tenant-{number}")
        assert ended_sessions("acme").is_due()


# Websockets.


async def _echo(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": f"{current_realm()} {message['text']}"})


@pytest.mark.django_db(transaction=True)
def test_a_websocket_keeps_its_realm(ada: Person, acme: Tenant) -> None:
    tokens = [acme.login(ada), acme.login(ada)]

    async def talk() -> None:
        app = BearerMiddleware(_echo)
        socket = Websocket(app, tokens[0]["access_token"], host="acme.example.org", origin="")
        assert (await socket.connect())["type"] == "websocket.accept"
        await socket.say("hello")
        assert await socket.hear() == "acme hello"
        with override_settings(IRONCLAD={"REALM": lambda asked: "another"}):
            await socket.renew(tokens[0]["access_token"])
            assert "ironclad.renewed" in await socket.hear()
        await socket.disconnect()
        elsewhere = Websocket(app, tokens[1]["access_token"], host="globex.example.org", origin="")
        assert await elsewhere.refusal() == (401, "invalid_token")

    async_to_sync(talk)()


# In Python.


def test_in_python_a_with_says_whose_users_these_are(ada: Person) -> None:
    with realm("acme"):
        tokens = auth.login(ada.user)
        assert auth.authenticate(tokens.access_token)[0].pk == ada.user.pk
        assert auth.refresh(tokens.refresh_token)
    with realm("globex"):
        with pytest.raises(InvalidToken):
            auth.verify(tokens.access_token)
        with pytest.raises(InvalidGrant):
            auth.refresh(tokens.refresh_token)
