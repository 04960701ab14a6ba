"""For a project's own tests: somebody who is logged in, on every kind of test client, and what becomes of sessions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

from asgiref.sync import sync_to_async
from django.db.models import DateTimeField, F
from django.dispatch import Signal

from .. import auth, sessions, signals, tokens
from ..conf import Transport
from ..errors import InvalidGrant
from ..keyring import get_key_ring
from ..models import Session
from ..sessions import issuing, standing
from ..tokens import b64decode, load_json
from ..user_model import join
from . import clients

Client = TypeVar("Client")


@dataclass(frozen=True)
class Login:
    """A real session of `user`, and the tokens that its client holds."""

    user: Any
    sid: str
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    transport: Transport

    def on(self, client: Client) -> Client:
        """The same `client`, which sends the access token from now on; its `logout()`, if it has one, ends the session.

        A session by cookie has its refresh token among the client's cookies, if that has any.

        Any of Django's, Django REST framework's and Ninja's clients and request factories, sync or async, Channels'
        communicator before it connects, and whatever else has `headers`. TypeError for anything else.
        """
        cookie = self.refresh_token if self.transport == "cookie" else ""
        clients.put_on(client, self.access_token, sid=self.sid, cookie=cookie)
        return client

    def expired(self) -> Login:
        """With an access token whose time is over: 401, and the client should refresh."""
        claims = load_json(b64decode(self.access_token.split(".")[1]))
        past = {"iat": claims["iat"] - 86400, "exp": claims["iat"] - 86100}
        return replace(self, access_token=tokens.issue({**claims, **past}, key=get_key_ring().signing_key))

    def revoked(self, *, reason: str = "user") -> Login:
        """After somebody has ended the session: 401, and a refresh is 400 `invalid_grant`."""
        sessions.revoke(self.sid, reason=reason)
        return self

    def stolen(self) -> Login:
        """After the refresh token was used by two: the session is over, and `refresh_token_reused` was sent."""
        Session.objects.filter(pk=self.sid).update(generation=F("generation") + 2)
        with suppress(InvalidGrant):
            auth.refresh(self.refresh_token)
        return self


def login(
    user: Any,
    *,
    scope: str = "",
    groups: Iterable[str] = (),
    ago: timedelta = timedelta(0),
    amr: Sequence[str] = auth.BY_PASSWORD,
    claims: Mapping[str, Any] | None = None,
    transport: Transport | None = None,
) -> Login:
    """Log `user` in as your project would, but without a password: `login(ada).on(client)`.

    `scope` narrows what `SCOPES` grants, `groups` are joined (and made) first, `ago` is how long ago the person proved
    who they are; `claims` and `transport` are as in `auth.login`. Raises InvalidScope where your project grants no such
    scope.
    """
    if not hasattr(user, "is_active"):
        raise TypeError(f"login() wants a user, not a {type(user).__name__}")
    for name in groups:
        join(user, name)
    given = auth.login(user, scope=scope, amr=amr, claims=claims, transport=transport)
    access, sid = given.access_token, auth.verify(given.access_token).sid
    if ago:
        Session.objects.filter(pk=sid).update(auth_time=F("auth_time") - ago)
        session = standing.find(sid)
        access = issuing.issue(session, session.user, session.group_names).access_token
    return Login(user, sid, access, given.refresh_token, given.transport)


async def alogin(user: Any, **how: Any) -> Login:
    """As `login`, in an async test."""
    return await sync_to_async(login)(user, **how)


def for_user(user: Any, **how: Any) -> str:
    """An access token as `login(user, …)` gives it, for tests that make their headers themselves."""
    return login(user, **how).access_token


def time_passes(**period: float) -> None:
    """Make every session older by a `timedelta(**period)`: the grace goes by, a rest grows too long, a session ends.

    An access token says itself when it is over: see `Login.expired`.
    """
    times = (field.name for field in Session._meta.concrete_fields if isinstance(field, DateTimeField))
    Session.objects.update(**{name: F(name) - timedelta(**period) for name in times})


@dataclass(frozen=True)
class Event:
    """A signal of ours: its name in `django_ironclad.signals`, the session, and what else it said, such as `reason`."""

    name: str
    session: Session
    facts: dict[str, Any]


@contextmanager
def recorded() -> Iterator[list[Event]]:
    """What became of sessions within the block, in its order."""
    events: list[Event] = []

    def note(name: str, sender: object, signal: Signal, session: Session, **facts: Any) -> None:
        events.append(Event(name, session, facts))

    named = {name: signal for name, signal in vars(signals).items() if isinstance(signal, Signal)}
    receivers = {name: partial(note, name) for name in named}
    for name, signal in named.items():
        signal.connect(receivers[name], weak=False)
    try:
        yield events
    finally:
        for name, signal in named.items():
            signal.disconnect(receivers[name])
