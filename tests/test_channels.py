"""Websockets through Channels: who may open one, who has to go, and how one stays."""

from __future__ import annotations

import asyncio
import gc
import json
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from asgiref.sync import async_to_sync, sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer, WebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError, connection
from django.db import connections as database_connections
from django.test import override_settings
from django.test.utils import CaptureQueriesContext, setup_test_environment, teardown_test_environment
from django.urls import path

from django_ironclad import auth, channels
from django_ironclad.sessions import revoked
from django_ironclad.sessions.revoked import RevokedSessions, revoked_sessions
from django_ironclad.sockets import handshake, threads
from django_ironclad.sockets import socket as sockets
from django_ironclad.tokens import AccessToken

from .conftest import Api, Person, its_connection_dies
from .sessions.test_revocation import end_elsewhere
from .websockets import SOON, Websocket

# Channels closes its thread's connection to the database before each message, which no open transaction survives.
pytestmark = pytest.mark.django_db(transaction=True)


def about(scope: Any) -> str:
    return json.dumps(
        {
            "user": scope["user"].get_username(),
            "jti": scope["auth"].claims["jti"],
            "is": [isinstance(scope["auth"], AccessToken), scope["user"].is_authenticated],
            "offered": scope["subprotocols"],
        }
    )


class Echo(AsyncWebsocketConsumer):
    """Says who is there; "profile" looks at the row."""

    async def receive(self, text_data: Any = None, bytes_data: Any = None) -> None:
        if text_data == "who":
            await self.send(about(self.scope))
        elif text_data == "profile":
            user = await channels.get_user(self.scope)
            await self.send(str(user.is_active))
        elif text_data == "bye":
            await self.close(4000)
        else:
            await self.send(text_data, bytes_data)


class SyncEcho(WebsocketConsumer):
    def receive(self, text_data: Any = None, bytes_data: Any = None) -> None:
        if text_data == "who":
            self.send(about(self.scope))
        elif text_data == "profile":
            self.send(str(self.scope["user"].is_active))
        else:
            self.send(text_data, bytes_data)


class Chat(AsyncWebsocketConsumer):
    """Speaks a subprotocol of its own."""

    async def connect(self) -> None:
        await self.accept("chat.v2" if "chat.v2" in self.scope["subprotocols"] else None)


async def look_first(scope: Any, receive: Any, send: Any) -> None:
    user = await channels.get_user(scope)
    assert user.is_active
    await Echo.as_asgi()(scope, receive, send)


application = ProtocolTypeRouter(
    {
        "websocket": channels.BearerMiddleware(
            URLRouter(
                [
                    path("echo/", Echo.as_asgi()),
                    path("sync/", SyncEcho.as_asgi()),
                    path("chat/", Chat.as_asgi()),
                    path("look-first/", look_first),
                    path("read/", channels.requires(scope="read")(Echo.as_asgi())),
                    path("registrar/", channels.requires(group="registrar")(Echo.as_asgi())),
                    path("recent/", channels.requires_recent_login(max_age=timedelta(seconds=60))(Echo.as_asgi())),
                    path(
                        "permission/",
                        channels.requires(permission="campus.add_note")(
                            channels.requires(scope="read")(Echo.as_asgi())
                        ),
                    ),
                ]
            )
        )
    }
)
strict = channels.BearerMiddleware(Echo.as_asgi(), strict=True)


class Socket(Websocket):
    def __init__(self, token: str = "", to: str = "/echo/", *, app: Any = application, **more: Any) -> None:
        super().__init__(app, token, to, **more)


@asynccontextmanager
async def open_socket(*args: Any, **kwargs: Any) -> Any:
    socket = Socket(*args, **kwargs)
    first = await socket.connect()
    assert first["type"] == "websocket.accept", first
    socket.accepted = first
    yield socket
    if not socket.future.done():
        await socket.disconnect()


def run(scenario: Callable[..., Awaitable[Any]], *args: Any) -> Any:
    return async_to_sync(scenario)(*args)


def refusal(*args: Any, **kwargs: Any) -> tuple[int, str]:
    result: tuple[int, str] = run(Socket(*args, **kwargs).refusal)
    return result


@pytest.fixture
def token(api: Api, ada: Person) -> str:
    return str(api.login(ada)["access_token"])


@pytest.fixture
def scopes() -> Iterator[None]:
    with override_settings(IRONCLAD={"SCOPES": lambda user, groups: ["read", *groups]}):
        yield


# Who may open one.


@pytest.mark.parametrize("to", ["/echo/", "/sync/"])
def test_a_consumer_knows_the_user_and_the_token_without_a_query(to: str, token: str, ada: Person) -> None:
    async def scenario() -> Any:
        async with open_socket(token, to) as socket:
            assert socket.accepted == {"type": "websocket.accept", "subprotocol": "ironclad.bearer"}
            return await socket.ask("who")

    with CaptureQueriesContext(connection) as queries:
        who = run(scenario)

    assert who == {"user": ada.name, "jti": auth.verify(token).claims["jti"], "is": [True, True], "offered": []}
    assert len(queries) == 0


def test_who_is_no_browser_may_send_the_header(token: str, ada: Person) -> None:
    async def scenario() -> None:
        async with open_socket(authorization=f"Bearer {token}", origin="") as socket:
            assert socket.accepted["subprotocol"] is None
            assert (await socket.ask("who"))["user"] == ada.name

    run(scenario)


@pytest.mark.parametrize("before", [True, False])
def test_the_applications_own_subprotocols_are_its_to_choose_from(token: str, *, before: bool) -> None:
    bearer = ["ironclad.bearer", token]
    offered = ["chat.v1", "chat.v2", *bearer] if before else [*bearer, "chat.v1", "chat.v2"]

    async def scenario() -> None:
        async with open_socket(to="/chat/", subprotocols=offered) as socket:
            assert socket.accepted["subprotocol"] == "chat.v2"
        async with open_socket(to="/echo/", subprotocols=offered) as socket:
            assert socket.accepted["subprotocol"] == "ironclad.bearer"
            assert (await socket.ask("who"))["offered"] == ["chat.v1", "chat.v2"]
        async with open_socket(to="/chat/", subprotocols=["chat.v2"], authorization=f"Bearer {token}") as socket:
            assert socket.accepted["subprotocol"] == "chat.v2"

    run(scenario)


def test_without_a_token_nobody_is_let_in(token: str) -> None:
    async def scenario() -> None:
        for socket in Socket(), Socket(subprotocols=["chat.v2"]), Socket(subprotocols=[token]):
            assert await socket.refusal() == (401, "invalid_token")
            assert socket.headers["www-authenticate"] == 'Bearer realm="api"'
            assert socket.headers["cache-control"] == "no-store"

    run(scenario)


def test_a_token_in_the_address_is_none(token: str) -> None:
    assert refusal(to=f"/echo/?access_token={token}&token={token}") == (401, "invalid_token")


@pytest.mark.parametrize(
    "offer",
    [
        lambda token: ["ironclad.bearer"],
        lambda token: ["ironclad.bearer", ""],
        lambda token: ["ironclad.bearer", "garbage"],
        lambda token: ["ironclad.bearer", "chat.v2", token],
        lambda token: [token, "ironclad.bearer"],
        lambda token: ["ironclad.bearer", token, "ironclad.bearer", token],
        lambda token: ["IRONCLAD.BEARER", token],
    ],
)
def test_what_is_not_exactly_one_good_token_is_401(token: str, offer: Callable[[str], list[str]]) -> None:
    assert refusal(subprotocols=offer(token)) == (401, "invalid_token")


def test_two_ways_at_once_are_one_too_many(token: str) -> None:
    assert refusal(token, authorization=f"Bearer {token}") == (401, "invalid_token")
    assert run(Socket(token, authorization="Basic YWRhOm9wZW4=").is_accepted)


def test_an_expired_token_is_401_with_its_challenge(token: str) -> None:
    async def scenario() -> None:
        socket = Socket(token)
        assert await socket.refusal() == (401, "invalid_token")
        assert 'error="invalid_token"' in socket.headers["www-authenticate"]

    with time_machine.travel(time.time() + 311):
        run(scenario)


def test_a_session_that_ended_is_401(api: Api, ada: Person) -> None:
    tokens = api.login(ada)
    api.logout(tokens["refresh_token"])

    assert refusal(tokens["access_token"]) == (401, "invalid_token")


@pytest.mark.parametrize(
    ("origin", "host", "scheme"),
    [
        ("http://testserver", "testserver", "ws"),
        ("https://testserver", "testserver", "wss"),
        ("http://testserver:8000", "testserver:8000", "ws"),
        ("https://app.example.org", "testserver", "ws"),
        ("https://one.example.net", "testserver", "wss"),
        ("", "testserver", "ws"),
    ],
)
def test_a_page_of_ours_or_a_trusted_one_may_connect(token: str, origin: str, host: str, scheme: str) -> None:
    with override_settings(CSRF_TRUSTED_ORIGINS=["https://app.example.org", "https://*.example.net"]):
        assert run(Socket(token, origin=origin, host=host, scheme=scheme).is_accepted)


@pytest.mark.parametrize(
    ("origin", "scheme"),
    [
        ("http://elsewhere.example", "ws"),
        ("https://testserver", "ws"),
        ("http://testserver", "wss"),
        ("http://testserver:8001", "ws"),
        ("http://testserver.elsewhere.example", "ws"),
        ("null", "ws"),
        ("http://app.example.org", "ws"),
        ("ws://testserver", "ws"),
    ],
)
def test_a_page_of_another_origin_is_403_with_or_without_a_token(token: str, origin: str, scheme: str) -> None:
    with override_settings(CSRF_TRUSTED_ORIGINS=["https://app.example.org"]):
        assert refusal(token, origin=origin, scheme=scheme) == (403, "origin_not_allowed")
        assert refusal(origin=origin, scheme=scheme) == (403, "origin_not_allowed")


def test_behind_a_proxy_the_scheme_is_the_one_that_django_sees(token: str) -> None:
    with override_settings(SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https")):
        assert run(Socket(token, origin="https://testserver", x_forwarded_proto="https").is_accepted)


def test_a_name_that_is_not_ours_is_400_also_where_the_page_has_it_too(token: str) -> None:
    assert refusal(token, origin="http://rebound.example", host="rebound.example") == (400, "invalid_request")


def test_a_server_that_cannot_answer_closes_before_it_accepts(token: str) -> None:
    async def scenario() -> None:
        for extensions in {}, None:
            socket = Socket()
            socket.scope["extensions"] = extensions
            assert await socket.connect() == {"type": "websocket.close", "code": 4401, "reason": "invalid_token"}
            await socket.wait()

    run(scenario)


def test_it_is_for_websockets_only(token: str) -> None:
    with pytest.raises(ValueError, match="http"):
        async_to_sync(channels.BearerMiddleware(Echo.as_asgi()))({"type": "http"}, None, None)  # type: ignore[arg-type]


# What it may be asked for.


@pytest.mark.usefixtures("scopes")
def test_scope_group_and_a_recent_login_are_asked_at_the_handshake(api: Api, ada: Person) -> None:
    def first(socket: Socket) -> tuple[tuple[int, str], str]:
        return run(socket.refusal), socket.headers["www-authenticate"]

    tokens = api.login(ada)
    assert run(Socket(tokens["access_token"], "/read/").is_accepted)
    assert run(Socket(tokens["access_token"], "/recent/").is_accepted)
    assert refusal(tokens["access_token"], "/registrar/") == (403, "access_denied")
    with time_machine.travel(time.time() + 120):
        answer, challenge = first(Socket(tokens["access_token"], "/recent/"))
        assert answer == (401, "insufficient_user_authentication")
        assert 'max_age="60"' in challenge
    with override_settings(IRONCLAD={"SCOPES": lambda user, groups: ["write"]}):
        answer, challenge = first(Socket(api.login(ada)["access_token"], "/read/"))
    assert answer == (403, "insufficient_scope")
    assert 'scope="read"' in challenge


@pytest.mark.usefixtures("scopes")
def test_a_permission_is_djangos_own(api: Api, ada: Person, has_groups: bool) -> None:
    if not has_groups:
        pytest.skip("this user model has no permissions")
    from django.contrib.auth.models import Permission

    token = api.login(ada)["access_token"]
    assert refusal(token, "/permission/") == (403, "access_denied")
    ada.user.user_permissions.add(Permission.objects.get(codename="add_note"))
    assert run(Socket(token, "/permission/").is_accepted)


def test_the_strict_check_asks_the_database_once(api: Api, ada: Person) -> None:
    token = api.login(ada)["access_token"]
    with CaptureQueriesContext(connection) as queries:
        assert run(Socket(token, app=strict).is_accepted)
    # MySQL and MariaDB are told how a new connection is to be.
    assert len([query for query in queries if not query["sql"].startswith("SET ")]) == 1

    end_elsewhere()

    assert run(Socket(token).is_accepted)
    assert refusal(token, app=strict) == (401, "invalid_token")


def test_a_database_that_does_not_answer_is_503(token: str) -> None:
    def fail(*_: object) -> None:
        raise OperationalError("the server is gone")

    async def scenario() -> None:
        socket = Socket(token, app=strict)
        assert await socket.refusal() == (503, "temporarily_unavailable")
        assert socket.headers["retry-after"] == "1"

    with connection.execute_wrapper(fail):
        run(scenario)


def test_a_connection_to_the_database_that_broke_is_not_asked_again(token: str) -> None:
    connection.ensure_connection()
    its_connection_dies()
    connection.errors_occurred = True

    assert run(Socket(token, app=strict).is_accepted)


@pytest.mark.parametrize("to", ["/echo/", "/sync/"])
def test_the_row_is_loaded_where_that_is_allowed_and_who_is_inactive_has_to_go(
    to: str, token: str, ada: Person
) -> None:
    async def scenario() -> None:
        async with open_socket(token, to) as socket:
            await socket.say("profile")
            assert await socket.hear() == "True"

    async def after() -> tuple[int, str]:
        socket = Socket(token, to)
        await socket.connect()
        await socket.say("profile")
        message = await socket.receive_output(SOON)
        await socket.wait()
        return message["code"], message["reason"]

    run(scenario)
    type(ada.user)._default_manager.update(is_active=False)
    assert run(after) == (4401, "invalid_token")
    assert refusal(token, "/look-first/") == (401, "invalid_token")


def test_what_is_outside_of_the_middleware_says_so(token: str) -> None:
    for app in channels.requires(scope="read")(Echo.as_asgi()), look_first:
        with pytest.raises(ImproperlyConfigured, match="BearerMiddleware"):
            async_to_sync(app)({"type": "websocket"}, None, None)


# Who has to go.


def test_it_is_closed_when_the_token_is_over_by_our_clock_and_the_leeway(token: str) -> None:
    async def scenario() -> None:
        async with open_socket(token) as socket:
            with time_machine.travel(time.time() + 305):
                assert await socket.receive_nothing(1.3)
            with time_machine.travel(time.time() + 310):
                assert await socket.closed() == (4401, "invalid_token")

    run(scenario)


@pytest.mark.parametrize("to", ["/echo/", "/sync/"])
def test_it_is_closed_when_its_session_ends_and_no_other_is(to: str, api: Api, ada: Person) -> None:
    mine, other = api.login(ada), api.login(ada)

    async def scenario() -> None:
        async with open_socket(mine["access_token"], to) as socket, open_socket(other["access_token"], to) as another:
            await sync_to_async(api.logout)(mine["refresh_token"])
            assert await socket.closed() == (4401, "invalid_token")
            assert (await another.ask("who"))["user"] == ada.name

    run(scenario)


def test_a_consumer_that_has_not_accepted_yet_is_refused(api: Api, ada: Person) -> None:
    tokens = api.login(ada)

    class Slow(AsyncWebsocketConsumer):
        async def connect(self) -> None:
            await asyncio.sleep(SOON)

    async def scenario() -> None:
        socket = Socket(tokens["access_token"], app=channels.BearerMiddleware(Slow.as_asgi()))
        await socket.send_input({"type": "websocket.connect"})
        await sync_to_async(api.logout)(tokens["refresh_token"])
        start = await socket.receive_output(SOON)
        assert (start["type"], start["status"]) == ("websocket.http.response.start", 401)
        socket.stop()

    run(scenario)


def test_nothing_more_is_heard_of_whoever_was_sent_away_nor_told_them(api: Api, ada: Person) -> None:
    heard: list[str] = []

    class Noisy(AsyncWebsocketConsumer):
        async def receive(self, text_data: Any = None, bytes_data: Any = None) -> None:
            heard.append(text_data)

        async def disconnect(self, code: int) -> None:
            await self.send("good bye")
            heard.append(str(code))

    tokens = api.login(ada)

    async def scenario() -> None:
        async with open_socket(tokens["access_token"], app=channels.BearerMiddleware(Noisy.as_asgi())) as socket:
            await socket.say("before")
            await sync_to_async(api.logout)(tokens["refresh_token"])
            assert (await socket.receive_output(SOON))["type"] == "websocket.close"
            await socket.say("after")
            await socket.disconnect(4401)
            assert await socket.receive_nothing()

    run(scenario)
    assert heard == ["before", "4401"]


def test_what_goes_on_sending_to_a_closed_websocket_comes_to_an_end(
    api: Api, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "PATIENCE", 0.2)

    async def ticker(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.accept"})
        while True:
            await send({"type": "websocket.send", "text": "tick"})
            await asyncio.sleep(0.05)

    tokens = api.login(ada)

    async def scenario() -> None:
        socket = Socket(tokens["access_token"], app=channels.BearerMiddleware(ticker))
        await socket.connect()
        await sync_to_async(api.logout)(tokens["refresh_token"])
        await socket.wait(SOON)
        assert socket.future.done()
        assert not socket.future.cancelled()

    run(scenario)


def test_what_else_a_consumer_fails_with_is_the_servers_to_know(token: str) -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise ConnectionError("the consumer's own")

    async def scenario() -> None:
        with pytest.raises(ConnectionError, match="the consumer's own"):
            await Socket(token, app=channels.BearerMiddleware(broken)).connect()

    run(scenario)


def test_a_consumer_that_closes_by_itself_is_not_closed_again(token: str) -> None:
    async def scenario() -> None:
        async with open_socket(token) as socket:
            await socket.say("bye")
            assert await socket.receive_output(SOON) == {"type": "websocket.close", "code": 4000}
            with time_machine.travel(time.time() + 320):
                assert await socket.receive_nothing(1.3)

    run(scenario)


def test_should_the_watch_ever_fail_nobody_stays(token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    complaints: list[Any] = []

    async def scenario() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context["exception"]))
        async with open_socket(token) as socket:
            monkeypatch.setattr(RevokedSessions, "__contains__", lambda ended, sid: 1 // 0)
            assert await socket.closed() == (4500, "server_error")
        monkeypatch.undo()
        async with open_socket(token) as socket:
            with time_machine.travel(time.time() + 320):
                assert await socket.closed() == (4401, "invalid_token")
        gc.collect()

    run(scenario)
    assert [type(each) for each in complaints] == [ZeroDivisionError]


# The other processes.


@pytest.fixture
def polled() -> Iterator[None]:
    """As in production, where the set is read once an interval."""
    teardown_test_environment()
    revoked_sessions._forget()
    yield
    setup_test_environment()
    revoked_sessions._forget()
    both = threading.Barrier(2)

    def close() -> None:
        both.wait()
        database_connections.close_all()

    for closing in [threads._readers.submit(close) for _ in range(2)]:
        closing.result()


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """When the set was read."""
    moments: list[float] = []
    take_committed = revoked.take_committed

    def counted(*asked: Any) -> None:
        moments.append(time.monotonic())
        take_committed(*asked)

    monkeypatch.setattr(revoked, "take_committed", counted)
    return moments


@pytest.mark.usefixtures("polled")
def test_a_thousand_websockets_cost_one_query_an_interval(api: Api, ada: Person, statements: list[float]) -> None:
    with override_settings(IRONCLAD={"SESSIONS_PER_USER": 1000}):
        tokens = [auth.login(ada.user).access_token for _ in range(3)]
    ended = auth.verify(tokens[0]).sid

    async def scenario() -> None:
        open_ones = [Socket(tokens[number % 3], host="localhost", origin="") for number in range(999)]
        for socket in open_ones:
            assert (await socket.connect())["type"] == "websocket.accept"
        began = time.monotonic()
        await sync_to_async(end_elsewhere)(pk=ended)
        for socket in open_ones[::3]:
            message = await socket.receive_output(SOON)
            assert (message["type"], message["code"]) == ("websocket.close", 4401)
        seconds = time.monotonic() - began
        assert seconds < 4
        assert len([each for each in statements if each >= began]) <= 1 + seconds
        for number, socket in enumerate(open_ones):
            assert number % 3 == 0 or socket.output_queue.empty()
            await socket.disconnect()

    run(scenario)


@pytest.mark.usefixtures("polled")
def test_a_handler_that_blocks_its_thread_keeps_no_news_waiting(api: Api, ada: Person) -> None:
    class Blocking(WebsocketConsumer):
        def receive(self, text_data: Any = None, bytes_data: Any = None) -> None:
            blocked.set()
            released.wait(30)

    def end() -> None:
        end_elsewhere()
        database_connections.close_all()

    blocked, released = threading.Event(), threading.Event()
    token = auth.login(ada.user).access_token

    async def scenario() -> None:
        async with open_socket(token, app=channels.BearerMiddleware(Blocking.as_asgi())) as socket:
            await socket.say("block")
            assert await asyncio.to_thread(blocked.wait, SOON)
            await asyncio.to_thread(end)
            try:
                assert (await socket.receive_output(SOON))["code"] == 4401
            finally:
                released.set()

    asyncio.run(scenario())


@pytest.mark.usefixtures("polled")
def test_when_for_too_long_nobody_can_read_they_may_come_back_later(
    token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(queryset: Any, take: Any, fail: Any) -> None:
        fail(OperationalError("the server is gone"))

    async def scenario() -> None:
        async with open_socket(token) as socket:
            monkeypatch.setattr(revoked, "take_committed", gone)
            assert await socket.receive_nothing(1.3)
            monkeypatch.setattr(revoked, "clock", lambda: clock() + 31)
            assert await socket.closed() == (4503, "temporarily_unavailable")

    clock = revoked.clock
    run(scenario)


# How one stays.


@pytest.mark.parametrize("to", ["/echo/", "/sync/"])
def test_a_newer_token_of_the_session_is_what_counts_from_then_on(to: str, api: Api, ada: Person) -> None:
    tokens = api.login(ada)
    with time_machine.travel(time.time() + 200):
        newer = api.refresh(tokens["refresh_token"]).json()["access_token"]

    async def scenario() -> None:
        async with open_socket(tokens["access_token"], to) as socket:
            assert (await socket.ask("who"))["jti"] == auth.verify(tokens["access_token"]).claims["jti"]
            with time_machine.travel(time.time() + 300):
                await socket.renew(newer)
                answer = json.loads(await socket.hear())
                assert answer.pop("expires_in") == pytest.approx(200, abs=3)
                assert answer == {"type": "ironclad.renewed"}
                assert (await socket.ask("who"))["jti"] == auth.verify(newer).claims["jti"]
            with time_machine.travel(time.time() + 500):
                assert await socket.receive_nothing(1.3)
            with time_machine.travel(time.time() + 520):
                assert await socket.closed() == (4401, "invalid_token")

    run(scenario)


def test_the_user_is_looked_at_anew_after_a_renewal(api: Api, ada: Person) -> None:
    tokens = api.login(ada)

    async def scenario() -> None:
        async with open_socket(tokens["access_token"], "/sync/") as socket:
            await socket.say("profile")
            assert await socket.hear() == "True"
            await sync_to_async(type(ada.user)._default_manager.update)(is_active=False)
            await socket.say("profile")
            assert await socket.hear() == "True"
            await socket.renew(tokens["access_token"])
            await socket.hear()
            await socket.say("profile")
            assert (await socket.receive_output(SOON))["code"] == 4401
            await socket.wait()

    run(scenario)


@pytest.mark.parametrize("whose", ["another session's", "another person's", "expired", "garbage", "", None, 7])
def test_any_other_token_closes_it(whose: object, api: Api, ada: Person, person: Callable[..., Person]) -> None:
    tokens = api.login(ada)
    with time_machine.travel(time.time() - 400):
        expired = api.login(ada)["access_token"]
    other = {
        "another session's": api.login(ada)["access_token"],
        "another person's": api.login(person("tom"))["access_token"],
        "expired": expired,
    }.get(str(whose), whose)

    async def scenario() -> tuple[int, str]:
        async with open_socket(tokens["access_token"]) as socket:
            await socket.renew(other)
            return await socket.closed()

    expected = (4401, "invalid_token") if isinstance(whose, str) and whose else (4400, "invalid_request")
    assert run(scenario) == expected


@pytest.mark.usefixtures("scopes")
def test_a_newer_token_has_to_be_as_good_as_the_first_had_to_be(
    api: Api, person: Callable[..., Person], has_groups: bool
) -> None:
    if not has_groups:
        pytest.skip("this user model has no groups")
    rosa = person("rosa", groups=("registrar",))
    tokens = api.login(rosa)
    rosa.user.groups.clear()
    newer = api.refresh(tokens["refresh_token"]).json()["access_token"]

    async def scenario(to: str) -> Any:
        async with open_socket(tokens["access_token"], to) as socket:
            await socket.renew(newer)
            return await socket.receive_output(SOON)

    assert run(scenario, "/echo/")["type"] == "websocket.send"
    assert run(scenario, "/read/")["type"] == "websocket.send"
    closed = run(scenario, "/registrar/")
    assert (closed["type"], closed["code"], closed["reason"]) == ("websocket.close", 4403, "access_denied")


def test_the_strict_check_asks_the_database_at_each_renewal(token: str) -> None:
    async def scenario() -> None:
        async with open_socket(token, app=strict) as socket:
            await socket.renew(token)
            assert "renewed" in await socket.hear()
            await sync_to_async(end_elsewhere)()
            await socket.renew(token)
            assert await socket.closed() == (4401, "invalid_token")

    run(scenario)


@pytest.mark.parametrize(
    "text",
    [
        "ironclad.renew",
        '"ironclad.renew"',
        '{"type": "chat", "text": "ironclad.renew"}',
        '{"text": "{\\"type\\": \\"ironclad.renew\\"}"}',
        '{"type": "ironclad.renewal", "access_token": "x"}',
        '{"type": "ironclad.renew", "type": "ironclad.renew"}',
        '["ironclad.renew"]',
        "",
    ],
)
def test_every_other_message_is_the_applications(token: str, text: str) -> None:
    async def scenario() -> None:
        async with open_socket(token) as socket:
            await socket.say(text)
            assert await socket.hear() == text

    run(scenario)


def test_binary_messages_are_the_applications(token: str) -> None:
    data = json.dumps({"type": "ironclad.renew", "access_token": "x"}).encode()

    async def scenario() -> None:
        async with open_socket(token) as socket:
            await socket.send_input({"type": "websocket.receive", "bytes": data})
            assert (await socket.receive_output(SOON))["bytes"] == data

    run(scenario)


def test_no_token_is_in_any_answer_or_log(api: Api, ada: Person, caplog: pytest.LogCaptureFixture) -> None:
    tokens = api.login(ada)
    caplog.set_level("DEBUG")
    said: list[Any] = []

    async def scenario() -> None:
        async with open_socket(tokens["access_token"]) as socket:
            said.append(socket.accepted)
            await socket.renew(tokens["access_token"])
            said.append(await socket.hear())
            await socket.renew(tokens["refresh_token"])
            said.append(await socket.closed())
        refused = Socket(tokens["refresh_token"]), Socket(tokens["access_token"], origin="null")
        said.extend([(await each.refusal(), each.headers) for each in refused])

    run(scenario)
    for text in repr(said), caplog.text:
        assert tokens["access_token"] not in text
        assert tokens["refresh_token"] not in text
    assert "refused invalid_token" in caplog.text
    assert tokens["access_token"] not in repr(handshake.read(Socket(tokens["access_token"]).scope))
