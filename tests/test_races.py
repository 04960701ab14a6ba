"""What holds when many do the same at once: real threads, on whatever database these tests run."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.db import connection

from django_ironclad.models import Session

from .conftest import Api, Person, race, time_passes

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(params=[False, True], ids=["autocommit", "ATOMIC_REQUESTS"])
def transactions(request: pytest.FixtureRequest) -> Iterator[None]:
    from django.db import connections

    connections.settings["default"]["ATOMIC_REQUESTS"] = request.param
    yield
    connections.settings["default"]["ATOMIC_REQUESTS"] = False


def test_twenty_threads_with_one_refresh_token_get_one_successor(
    api: Api, ada: Person, transactions: None, caplog: pytest.LogCaptureFixture
) -> None:
    first = api.login(ada)["refresh_token"]

    answers = race(20, lambda _: Api().refresh(first))

    assert [answer.status_code for answer in answers] == [200] * 20
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1
    assert Session.objects.get().generation == 1
    assert "locked" not in caplog.text


def test_the_threads_that_come_late_get_one_branch(api: Api, ada: Person) -> None:
    first = api.login(ada)["refresh_token"]
    api.refresh(first)
    time_passes(hours=3)

    answers = race(20, lambda _: Api().refresh(first))

    assert [answer.status_code for answer in answers] == [200] * 20
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1
    row = Session.objects.get()
    assert (row.generation, row.branch) == (1, 1)


def test_a_refresh_that_races_with_a_logout_never_survives_it(api: Api, ada: Person) -> None:
    """200 schedules: whatever the order, afterwards nothing that anybody holds is good."""
    chance = random.Random(20260101)
    for schedule in range(200):
        tokens = api.login(ada)
        held = [tokens["refresh_token"]]
        delays = [chance.random() * 0.004 for _ in range(2)]

        def act(number: int, tokens: dict[str, Any] = tokens, delays: list[float] = delays) -> Any:
            time.sleep(delays[number])  # which of the two comes first, not how much time passes
            act = (Api().refresh, Api().logout)[number]
            return act(tokens["refresh_token"])

        refreshed, ended = race(2, act)

        assert ended.status_code == 204
        assert refreshed.status_code in (200, 400)
        if refreshed.status_code == 200:
            held.append(refreshed.json()["refresh_token"])
            assert api.get("/auth/me/", refreshed.json()["access_token"]).status_code == 401
        for token in held:
            assert api.refresh(token).status_code == 400, schedule
        assert api.get("/auth/me/", tokens["access_token"]).status_code == 401
    assert not Session.objects.filter(revoked_at=None).exists()


def test_a_logout_that_races_with_itself_ends_the_session_once(api: Api, ada: Person) -> None:
    from django_ironclad import signals

    heard: list[str] = []
    lock = threading.Lock()

    def receive(reason: str, **_: Any) -> None:
        with lock:
            heard.append(reason)

    signals.session_revoked.connect(receive)
    try:
        first = api.login(ada)["refresh_token"]
        answers = race(10, lambda _: Api().logout(first))
    finally:
        signals.session_revoked.disconnect(receive)

    assert [answer.status_code for answer in answers] == [204] * 10
    assert heard == ["logout"]


def test_two_hosts_whose_clocks_differ_sign_nobody_out(api: Api, ada: Person) -> None:
    """One host is 15 s ahead of the other: rotation goes by the database's clock, and by nobody else's."""
    token = api.login(ada)["refresh_token"]
    for turn in range(6):
        ahead = turn % 2 * 15
        with time_machine.travel(time.time() + ahead, tick=True):
            answer = api.refresh(token)
            repeated = api.refresh(token)
        assert (answer.status_code, repeated.status_code) == (200, 200)
        token = answer.json()["refresh_token"]
        # From the third time in a row on it is withheld, which is nobody's clock either.
        assert repeated.json().get("refresh_token", "") == (token if turn % 3 < 2 else "")
        time_passes(seconds=60)
    assert Session.objects.get().generation == 6
    assert connection.vendor in ("sqlite", "postgresql")
