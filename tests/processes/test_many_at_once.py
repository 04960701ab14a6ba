"""Two hundred callers in async views at the same moment: each is who they are, and none needs a thread."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from .servers import Answer, PostgreSQL, Server, uvicorn
from .watching import begin

CALLERS = 200
STRANGERS = 20
FRESHEN = "django_ironclad.sessions.revoked.RevokedSessions.freshen"
LOG = "django.utils.log.log_response"


@pytest.fixture
def server(database: PostgreSQL) -> Iterator[Server]:
    # Long enough for a busy machine: whoever finds the set much too old waits for the read, in a thread.
    with uvicorn(database, settings={"IRONCLAD": {"REVOCATION_INTERVAL": 10}}) as server:
        yield server


def hops(server: Server) -> Counter[str]:
    return Counter(server.connect().get("/hops/").json)


def all_at_once(server: Server, path: str, tokens: list[str], *, of: int) -> tuple[list[Answer], Counter[str]]:
    """The answers, none of which is given before `of` callers are in the view; and what ran in a thread meanwhile."""
    connections = [server.connect() for _ in tokens]
    before = hops(server)
    for connection, token in zip(connections, tokens, strict=True):
        connection.send("GET", f"{path}?meeting={path}&of={of}", token=token)
    answers = [connection.receive() for connection in connections]
    hopped = hops(server)
    hopped.subtract(before)
    return answers, +hopped


@pytest.mark.parametrize(
    ("path", "public"),
    [("/together/plain/", "/together/public/"), ("/together/ninja/who/", "/together/ninja/public/")],
    ids=["the middleware", "Ninja"],
)
def test_each_of_many_at_once_is_who_they_are_and_none_needs_a_thread(
    server: Server, measured: Callable[[object], None], path: str, public: str
) -> None:
    logins = [login for [login] in begin(server, CALLERS, 1)]
    good = [login.access_token for login in logins]
    bad = [token + "x" for token in good[:STRANGERS]]
    assert server.connect().get("/async/", good[0]).status == 200

    answers, hopped = all_at_once(server, path, [*bad, *good], of=CALLERS)
    nobodys, hopped_of_nobody = all_at_once(server, public, [""] * CALLERS, of=CALLERS)

    refused, answered = answers[:STRANGERS], answers[STRANGERS:]
    assert [(answer.status, answer.json["error"]) for answer in refused] == [(401, "invalid_token")] * STRANGERS
    assert [answer.json["user"] for answer in answered] == [login.user for login in logins]
    assert len({answer.json["thread"] for answer in answered}) == 1
    assert {answer.status for answer in nobodys} == {200}
    # Django itself hops: a few times a request to say that it began and ended, and to log a refusal.
    assert hopped.keys() - hopped_of_nobody.keys() <= {FRESHEN, LOG}
    slowest = max(answer.latency for answer in answers)
    assert hopped[FRESHEN] <= 1
    assert hopped[LOG] == STRANGERS
    for name, count in hopped_of_nobody.items():
        assert hopped[name] / len(answers) <= count / len(nobodys) + 0.05, name
    measured(
        f"{CALLERS} in the view at once, {STRANGERS} refused meanwhile: {hopped[FRESHEN]} hops of ours; "
        f"Django's own: {sum(hopped_of_nobody.values()) / len(nobodys):.1f} a request, with a token or without; "
        f"the slowest answer took {slowest:.2f} s"
    )
