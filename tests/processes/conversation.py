"""What a client and a server say to each other, in bytes, to be compared with what other servers said."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any, NamedTuple

from .servers import PATIENCE, Server

#: What is the server's own, or of this connection only (RFC 9110 §7.6.1); and X-Pid, which is the tests'.
_THEIRS = {"date", "server", "connection", "keep-alive", "transfer-encoding", "x-pid", "x-ended"}
#: What no two logins have in common.
_OWN = (
    (rb"eyJ[\w-]+\.[\w-]+\.[\w-]+", b"ACCESS-TOKEN"),
    (rb"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.\d+\.\d+\.[\w-]+", b"REFRESH-TOKEN"),
    (rb"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", b"SESSION-ID"),
    (rb"\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)", b"TIME"),
    (rb"(expires)=\w{3}, [\w :]+ GMT", rb"\1=DATE"),
)


class Heard(NamedTuple):
    """An answer as it came, the names of its headers in lower case and in order."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def header(self, name: str) -> str:
        return ", ".join(value for each, value in self.headers if each == name)

    @property
    def comparable(self) -> tuple[int, list[tuple[str, bytes]], bytes]:
        headers = [(name, _masked(value.encode("latin-1"))) for name, value in self.headers if name not in _THEIRS]
        return self.status, headers, _masked(self.body)


def _masked(text: bytes) -> bytes:
    for pattern, instead in _OWN:
        text = re.sub(pattern, instead, text, flags=re.IGNORECASE)
    return text


def ask(server: Server, method: str, path: str, *, body: Any = None, **headers: str | tuple[str, ...]) -> Heard:
    """On a connection of its own. Of a tuple each value goes into a header of its own."""
    connection = HTTPConnection(*server.address, timeout=PATIENCE)
    content = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else None
    if content is not None:
        headers = {"content_type": "application/json", "content_length": str(len(content))} | headers
    try:
        connection.putrequest(method, path, skip_host="host" in headers, skip_accept_encoding=True)
        for name, values in headers.items():
            for value in (values,) if isinstance(values, str) else values:
                connection.putheader(name.replace("_", "-"), value.encode())
        connection.endheaders(content)
        answer = connection.getresponse()
        body = answer.read()
        return Heard(answer.status, sorted((name.lower(), value) for name, value in answer.getheaders()), body)
    finally:
        connection.close()


@dataclass(frozen=True)
class Person:
    id: str
    name: str
    password: str


def converse(server: Server, person: Person, another_cookie: str = 'lang="ü"') -> dict[str, Heard]:
    """Everything that a client does in the life of a session, and what it may get wrong."""
    heard: dict[str, Heard] = {}
    page = {"origin": "http://school.example", "host": "school.example"}

    def say(what: str, method: str, path: str, **more: Any) -> Heard:
        assert what not in heard
        heard[what] = ask(server, method, path, **more)
        return heard[what]

    forgotten = ask(server, "POST", "/control/end/", body={"user": person.id, "how": "revoke_all"})
    assert forgotten.status == 200, forgotten
    credentials = {"username": person.name, "password": person.password}
    say("no login without a password", "POST", "/auth/login/", body={"username": person.name})
    say("no login with a wrong one", "POST", "/auth/login/", body=credentials | {"password": "Pässwort \0"})
    say("no login by GET", "GET", "/auth/login/")
    say("no login without JSON", "POST", "/auth/login/", body=b"\xff{")
    say("no login with half of a body", "POST", "/auth/login/", body=b'{"username": "ad')
    say("no login without a body", "POST", "/auth/login/")
    say(
        "no login for another's page",
        "POST",
        "/auth/login/",
        body=credentials,
        **page | {"origin": "https://evil.example"},
    )
    login = say("login", "POST", "/auth/login/", body=credentials).json
    bearer = {"authorization": f"Bearer {login['access_token']}"}
    for path in ("/public/", "/plain/", "/drf/", "/auth/me/", "/auth/sessions/"):
        say(f"{path} without a token", "GET", path)
        say(f"{path} with one", "GET", path, **bearer)
        say(f"{path} with nobody's", "GET", path, authorization="Bearer nobody's")
        say(f"{path} with another scheme", "GET", path, authorization="Basic YTpi")
        say(f"{path} with a blank one", "GET", path, authorization="Bearer ")
        say(f"{path} with two", "GET", path, authorization=(bearer["authorization"], "Bearer nobody's"))
        say(
            f"{path} with two, the good one last",
            "GET",
            path,
            authorization=("Bearer nobody's", bearer["authorization"]),
        )
    say("only its headers", "HEAD", "/drf/", **bearer)
    say("no such page", "GET", "/nowhere/%C3%A9?%C3%A9", **bearer)
    say("a method that is not there", "DELETE", "/drf/", **bearer)
    say("what may be asked", "OPTIONS", "/auth/login/")
    say("the same headers with a slash missing", "POST", "/auth/login", body=credentials)
    renewed = say("refresh", "POST", "/auth/refresh/", body={"refresh_token": login["refresh_token"]}).json
    say("refresh again", "POST", "/auth/refresh/", body={"refresh_token": renewed["refresh_token"]})
    say("the old one, late", "POST", "/auth/refresh/", body={"refresh_token": login["refresh_token"]})
    say("refresh with nobody's", "POST", "/auth/refresh/", body={"refresh_token": "nobody's"})
    say("refresh with none", "POST", "/auth/refresh/", body={})
    cookie = say("login by cookie", "POST", "/auth/login/", body=credentials | {"transport": "cookie"}, **page)
    ours = {"cookie": f"theme=dark; {cookie.header('set-cookie').partition(';')[0]}; {another_cookie}"}
    say("refresh by cookie", "POST", "/auth/refresh/", body={}, **page, **ours)
    say(
        "refresh by two cookies",
        "POST",
        "/auth/refresh/",
        body={},
        **page,
        cookie=f"{ours['cookie']}; {ours['cookie']}",
    )
    say("refresh by cookie from another's page", "POST", "/auth/refresh/", body={}, **page | {"origin": "null"}, **ours)
    say("logout by cookie", "POST", "/auth/logout/", body={}, **page, **ours)
    say("a login is proved again", "POST", "/auth/reauthenticate/", body={"password": person.password}, **bearer)
    say("a session is not found", "DELETE", "/auth/sessions/0/", **bearer)
    say("the keys", "GET", "/auth/jwks.json")
    say("logout", "POST", "/auth/logout/", body={"refresh_token": renewed["refresh_token"]})
    say("nothing to log out", "POST", "/auth/logout/", body={"refresh_token": "nobody's"})
    return heard
