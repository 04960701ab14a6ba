"""The table: what views ask of their callers, who calls, and what comes back, whichever framework it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from .world import (
    World,
    database_down,
    forged,
    good,
    is_ended_elsewhere,
    is_gone,
    is_inactive,
    is_permitted,
    is_superuser,
    joins,
    joins_more_than_a_token_can_say,
    joins_the_choir,
    leaves,
    login,
    logs_out,
    of_anothers_key,
)


@dataclass(frozen=True)
class Ask:
    """What a view asks of its caller. It answers with who that is."""

    #: What an adapter makes of it, to be asked in this order: `requires` reads the same in all of them.
    needs: Callable[[Any], Sequence[Any]] = lambda adapter: ()
    public: bool = False
    #: The database is asked about the session.
    strict: bool = False
    #: The view looks at the user's row.
    touches: bool = False


RECENT = timedelta(seconds=60)

ASKS = {
    "public": Ask(public=True),
    "read": Ask(lambda its: [its.requires(scope="read")]),
    "write": Ask(lambda its: [its.requires(scope="write")]),
    "read-and-write": Ask(lambda its: [its.requires(scope="read write")]),
    "profile": Ask(lambda its: [its.requires(scope="read")], touches=True),
    "strict": Ask(lambda its: [its.requires(scope="read")], strict=True),
    "strict-profile": Ask(lambda its: [its.requires(scope="read")], strict=True, touches=True),
    "registrar": Ask(lambda its: [its.requires(group="registrar")]),
    "strict-registrar": Ask(lambda its: [its.requires(group="registrar")], strict=True),
    "permission": Ask(lambda its: [its.requires(permission="campus.add_note")]),
    "everything": Ask(lambda its: [its.requires(scope="write", group="registrar", permission="campus.add_note")]),
    "recent": Ask(lambda its: [its.requires_recent_login(max_age=RECENT)]),
    "write-recent": Ask(lambda its: [its.requires(scope="write"), its.requires_recent_login(max_age=RECENT)]),
    "strict-recent": Ask(lambda its: [its.requires_recent_login(max_age=RECENT)], strict=True),
}


@dataclass(frozen=True)
class Outcome:
    """What comes back. A surface that is no HTTP carries the same in a refusal of its own."""

    status: int
    #: "" when there is none.
    error: str = ""
    #: `WWW-Authenticate`, "" when there is none.
    challenge: str = ""
    #: How many SQL statements it took.
    statements: int = 0
    #: Who the view says is calling, without the host of an e-mail address; "" for nobody.
    user: str = ""


def read(status: int, headers: Mapping[str, str], body: dict[str, Any]) -> Outcome:
    """What an HTTP answer says; that it says it in all of the ways it should is asserted here."""
    challenge = headers.get("WWW-Authenticate", "")
    if status == 200:
        assert not challenge
        return Outcome(200, user=body["user"].partition("@")[0])
    assert body["error_description"]
    assert headers["Cache-Control"] == "no-store"
    assert headers["Content-Type"].partition(";")[0] == "application/json"
    assert ("Retry-After" in headers) == (status == 503)
    assert str(body.get("retry_after", "")) == headers.get("Retry-After", "")
    assert type(body.get("retry_after", 0)) is int
    if "error=" in challenge:
        assert challenge == 'Bearer realm="api", ' + ", ".join(f'{name}="{value}"' for name, value in body.items())
    return Outcome(status, body["error"], challenge)


def answered(user: str = "ada", *, statements: int = 0) -> Outcome:
    return Outcome(200, user=user, statements=statements)


def refused(status: int, error: str, said: str = "", *, statements: int = 0) -> Outcome:
    challenge = f'Bearer realm="api", error="{error}", {said}'
    return Outcome(status, error, challenge, statements)


MISSING = Outcome(401, "invalid_token", 'Bearer realm="api"')


def invalid(*, statements: int = 0) -> Outcome:
    description = 'error_description="The access token is invalid, expired or revoked."'
    return refused(401, "invalid_token", description, statements=statements)


def lacks_scope(scope: str, *, statements: int = 0) -> Outcome:
    description = f'error_description="The access token is not meant for this.", scope="{scope}"'
    return refused(403, "insufficient_scope", description, statements=statements)


def denied(*, statements: int = 0) -> Outcome:
    description = 'error_description="You are not allowed to do this."'
    return refused(403, "access_denied", description, statements=statements)


def login_too_old(*, statements: int = 0) -> Outcome:
    description = 'error_description="This needs a more recent login.", max_age="60"'
    return refused(401, "insufficient_user_authentication", description, statements=statements)


@dataclass(frozen=True)
class Case:
    """Somebody calls the view `ask`; `send` prepares the world and returns the `Authorization` header."""

    name: str
    ask: str
    send: Callable[[World], str]
    expected: Outcome
    method: str = "GET"
    #: Whoever calls also has a session of Django's.
    logged_in: bool = False
    #: What is the matter while the call is answered.
    during: Callable[[], AbstractContextManager[None]] = nullcontext
    #: The user model needs groups and permissions.
    groups: bool = False
    #: It is about what only HTTP has: methods, cookies, the form of the header.
    http: bool = False


MANY = [joins, joins_more_than_a_token_can_say]

CASES = [
    # Is there a token, and is it good?
    Case("no token", "read", lambda _: "", MISSING),
    Case("a good token", "read", good, answered()),
    Case("a good token whose user is looked at", "profile", good, answered(statements=1)),
    Case("an expired token", "read", lambda world: world.bearer(ago=311), invalid()),
    Case(
        "a token that has just expired, by a clock that is 5 s behind",
        "read",
        lambda world: world.bearer(ago=305),
        answered(),
    ),
    Case("a token that is not yet valid", "read", lambda world: world.bearer(ago=-60), invalid()),
    Case("a forged signature", "read", forged, invalid()),
    Case("a token by somebody else's key", "read", of_anothers_key, invalid()),
    Case("a token of another issuer by our key", "read", lambda world: world.changed(iss="elsewhere"), invalid()),
    Case("a token for another audience", "read", lambda world: world.changed(aud="elsewhere"), invalid()),
    Case("a token of somebody who is no primary key", "read", lambda world: world.changed(sub="nobody"), invalid()),
    Case("a refresh token", "read", lambda world: world.bearer() and f"Bearer {world.tokens.refresh_token}", invalid()),
    Case("garbage", "read", lambda _: "Bearer garbage", invalid()),
    Case("a token of three segments, alg none", "read", lambda _: "Bearer eyJhbGciOiJub25lIn0.e30.", invalid()),
    Case("an endless token", "read", lambda _: "Bearer " + "a" * 8193, invalid()),
    Case("two tokens", "read", lambda world: f"{world.bearer()} {world.tokens.access_token}", invalid(), http=True),
    Case("the scheme and no token", "read", lambda _: "Bearer ", invalid(), http=True),
    Case(
        "the scheme in lower case",
        "read",
        lambda world: world.bearer().replace("Bearer", "bearer"),
        answered(),
        http=True,
    ),
    Case("another scheme", "read", lambda _: "Basic YWRhOm9wZW4=", MISSING, http=True),
    Case("a session of Django's instead of a token", "read", lambda _: "", MISSING, logged_in=True, http=True),
    Case("a token beside a session of Django's", "read", good, answered(), logged_in=True, http=True),
    Case(
        "garbage beside a session of Django's",
        "read",
        lambda _: "Bearer garbage",
        invalid(),
        logged_in=True,
        http=True,
    ),
    Case("a POST without a CSRF token", "read", good, answered(), method="POST", http=True),
    Case(
        "a POST without a CSRF token, by garbage",
        "read",
        lambda _: "Bearer garbage",
        invalid(),
        method="POST",
        http=True,
    ),
    # A public view.
    Case("a public view", "public", lambda _: "", answered("")),
    Case("a public view, garbage", "public", lambda _: "Bearer garbage", answered("")),
    Case("a public view, an expired token", "public", lambda world: world.bearer(ago=311), answered("")),
    Case("a public view, a good token", "public", good, answered("")),
    # Does the session live, and its user?
    Case("a session that was ended here", "read", login(then=[logs_out]), invalid()),
    Case("a session that was ended elsewhere just now", "read", login(then=[is_ended_elsewhere]), answered()),
    Case("an inactive user", "read", login(then=[is_inactive]), answered()),
    Case("an inactive user who is looked at", "profile", login(then=[is_inactive]), invalid(statements=1)),
    Case("a user who is gone and looked at", "profile", login(then=[is_gone]), invalid(statements=1)),
    # The strict check.
    Case("strict", "strict", good, answered(statements=1)),
    Case("strict, the user is looked at", "strict-profile", good, answered(statements=1)),
    Case("strict, no token", "strict", lambda _: "", MISSING),
    Case("strict, garbage", "strict", lambda _: "Bearer garbage", invalid()),
    Case(
        "strict, a session that was ended elsewhere just now",
        "strict",
        login(then=[is_ended_elsewhere]),
        invalid(statements=1),
    ),
    Case("strict, an inactive user", "strict", login(then=[is_inactive]), invalid(statements=1)),
    Case("strict, a user who is gone", "strict", login(then=[is_gone]), invalid(statements=1)),
    Case(
        "strict, no database",
        "strict",
        good,
        Outcome(503, "temporarily_unavailable", statements=1),
        during=database_down,
    ),
    # Scopes.
    Case("the scope", "write", good, answered()),
    Case("not the scope", "write", login(scope="read"), lacks_scope("write")),
    Case("one of two scopes", "read-and-write", login(scope="read"), lacks_scope("read write")),
    Case("both scopes", "read-and-write", login(scope="write read"), answered()),
    # Groups.
    Case("no group", "registrar", good, denied()),
    Case("another group", "registrar", login(after=[joins_the_choir]), denied(), groups=True),
    Case("the group", "registrar", login(after=[joins]), answered(), groups=True),
    Case("the group that was left since", "registrar", login(after=[joins], then=[leaves]), answered(), groups=True),
    Case(
        "strict, the group that was left since",
        "strict-registrar",
        login(after=[joins], then=[leaves]),
        denied(statements=1),
        groups=True,
    ),
    Case(
        "strict, the group that was joined since",
        "strict-registrar",
        login(then=[joins]),
        answered(statements=1),
        groups=True,
    ),
    Case("strict, the group", "strict-registrar", login(after=[joins]), answered(statements=1), groups=True),
    # More groups than a token can say: the row is asked, and the session with it.
    Case("the group among many", "registrar", login(after=MANY), answered(statements=1), groups=True),
    Case(
        "many groups, and not this one",
        "registrar",
        login(after=[joins_more_than_a_token_can_say]),
        denied(statements=1),
        groups=True,
    ),
    Case(
        "the group among many that was left since",
        "registrar",
        login(after=MANY, then=[leaves]),
        denied(statements=1),
        groups=True,
    ),
    Case(
        "the group among many of a session that was ended elsewhere just now",
        "registrar",
        login(after=MANY, then=[is_ended_elsewhere]),
        invalid(statements=1),
        groups=True,
    ),
    Case(
        "the group among many of an inactive user",
        "registrar",
        login(after=MANY, then=[is_inactive]),
        invalid(statements=1),
        groups=True,
    ),
    Case(
        "the group among many, no database",
        "registrar",
        login(after=MANY),
        Outcome(503, "temporarily_unavailable", statements=1),
        during=database_down,
        groups=True,
    ),
    Case("strict, the group among many", "strict-registrar", login(after=MANY), answered(statements=1), groups=True),
    Case(
        "everything at once, among many groups",
        "everything",
        login(after=[*MANY, is_permitted]),
        answered(statements=4),
        groups=True,
    ),
    # Permissions: Django asks for the user, for theirs, and for those of their groups.
    Case("not the permission", "permission", good, denied(statements=3), groups=True),
    Case("the permission", "permission", login(after=[is_permitted]), answered(statements=3), groups=True),
    Case("a superuser", "permission", login(after=[is_superuser]), answered(statements=1), groups=True),
    Case(
        "the permission of an inactive user",
        "permission",
        login(then=[is_permitted, is_inactive]),
        invalid(statements=1),
        groups=True,
    ),
    Case("everything at once", "everything", login(after=[joins, is_permitted]), answered(statements=3), groups=True),
    Case(
        "everything but the scope",
        "everything",
        login(after=[joins, is_permitted], scope="read"),
        lacks_scope("write"),
        groups=True,
    ),
    Case("everything but the group", "everything", login(after=[is_permitted]), denied(), groups=True),
    Case("everything but the permission", "everything", login(after=[joins]), denied(statements=3), groups=True),
    # A recent login.
    Case("a recent login", "recent", good, answered()),
    Case("a login that is too old", "recent", login(ago=120), login_too_old()),
    Case("strict, a login that is too old", "strict-recent", login(ago=120), login_too_old(statements=1)),
    Case(
        "a login that is too old, and the scope is missing",
        "write-recent",
        login(ago=120, scope="read"),
        lacks_scope("write"),
    ),
    Case("a login that is too old, with the scope", "write-recent", login(ago=120), login_too_old()),
    Case("a recent login with the scope", "write-recent", good, answered()),
]
