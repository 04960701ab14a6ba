"""What holds when many do the same at once: real threads, on whatever database these tests run."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine
from django.db import connection, connections

from django_ironclad.models import Session

from ..conftest import BEHIND_A_POOLER, Api, Person, race, time_passes

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(params=["read committed", "repeatable read", "serializable"])
def isolation(request: pytest.FixtureRequest) -> Iterator[str]:
    """What every new connection of this test has, also for statements outside of a transaction."""
    if connection.vendor == "sqlite":
        if request.param != "read committed":
            pytest.skip("there is one level of isolation here")
        yield "the only one"
        return
    options = connections.settings["default"].setdefault("OPTIONS", {})
    before = dict(options)
    if connection.vendor == "mysql":
        options["isolation_level"] = request.param
    elif BEHIND_A_POOLER:
        if request.param != "read committed":
            pytest.skip("the pooler's connections are there already, and it takes no such option")
    else:
        # Django's own option is for transactions only.
        level = request.param.replace(" ", "\\ ")
        options["options"] = f"{before.get('options', '')} -c default_transaction_isolation={level}".strip()
    yield request.param
    options.clear()
    options.update(before)


@pytest.fixture(params=[False, True], ids=["autocommit", "ATOMIC_REQUESTS"])
def transactions(request: pytest.FixtureRequest) -> Iterator[None]:
    connections.settings["default"]["ATOMIC_REQUESTS"] = request.param
    yield
    connections.settings["default"]["ATOMIC_REQUESTS"] = False


def the_one_successor(answers: list[Any], told: Callable[[str], None]) -> str:
    """What all were answered who were; who lost the swap each time is asked to come again, and loses nothing."""
    statuses = [answer.status_code for answer in answers]
    assert set(statuses) <= {200, 503}
    successors = {answer.json()["refresh_token"] for answer in answers if answer.status_code == 200}
    assert len(successors) == 1
    told(f"{statuses.count(503)} of {len(statuses)} answered 503")
    return str(successors.pop())


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest) -> Callable[[str], None]:
    def tell(what: str) -> None:
        with capsys.disabled():
            print(f"\n{connection.vendor}: {request.node.name}: {what}", end="")  # noqa: T201

    return tell


@pytest.mark.usefixtures("transactions")
def test_twenty_threads_with_one_refresh_token_get_one_successor(
    api: Api, ada: Person, isolation: str, caplog: pytest.LogCaptureFixture, told: Callable[[str], None]
) -> None:
    first = api.login(ada)["refresh_token"]

    successor = the_one_successor(race(20, lambda _: Api().refresh(first)), told)

    row = Session.objects.get()
    assert (row.generation, row.branch, row.repeated, row.doubts) == (1, 0, True, 1)
    assert api.refresh(first).json()["refresh_token"] == api.refresh(successor).json()["refresh_token"] == successor
    if isolation in ("read committed", "the only one"):
        assert "locked" not in caplog.text
        assert "TemporarilyUnavailable" not in caplog.text


def deadlocks() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SHOW GLOBAL STATUS LIKE 'Innodb_deadlocks'")
        return int(cursor.fetchone()[1])


@pytest.mark.skipif(connection.vendor != "mysql", reason="only MariaDB counts them")
def test_thirty_races_of_twenty_meet_no_deadlock(
    api: Api, ada: Person, isolation: str, told: Callable[[str], None]
) -> None:
    before, token, unavailable = deadlocks(), api.login(ada)["refresh_token"], 0
    for _ in range(30):
        time_passes(minutes=5)
        Session.objects.update(doubts=0)
        answers = race(20, lambda _, token=token: Api().refresh(token))
        unavailable += sum(answer.status_code == 503 for answer in answers)
        token = the_one_successor(answers, lambda _: None)

    assert Session.objects.values_list("generation", "branch", "revoked_at").get() == (30, 0, None)
    assert deadlocks() == before
    told(f"{unavailable} of 600 answered 503")


def test_the_threads_that_come_late_get_one_branch(
    api: Api, ada: Person, isolation: str, told: Callable[[str], None]
) -> None:
    first = api.login(ada)["refresh_token"]
    api.refresh(first)
    time_passes(hours=3)

    successor = the_one_successor(race(20, lambda _: Api().refresh(first)), told)

    row = Session.objects.get()
    assert (row.generation, row.branch, row.repeated, row.doubts) == (1, 1, True, 2)
    assert api.refresh(successor).json()["refresh_token"] == successor


@pytest.mark.parametrize("doubts", [0, 1, 2, 11])
def test_the_threads_that_ask_for_a_repeat_at_once_count_as_one_doubt(
    api: Api, ada: Person, isolation: str, doubts: int, told: Callable[[str], None]
) -> None:
    """Each finds the successor not repeated yet, and only one may note that; the current token is asked for as well."""
    first = api.login(ada)["refresh_token"]
    current = api.refresh(first).json()["refresh_token"]
    Session.objects.update(doubts=doubts)

    answers = race(20, lambda number: Api().refresh(current if number % 4 == 0 else first))

    assert {answer.status_code for answer in answers} <= {200, 503}
    tokens = {answer.json().get("refresh_token", "") for answer in answers if answer.status_code == 200}
    assert tokens == ({current} if doubts < 2 else {current, ""})
    row = Session.objects.get()
    assert (row.generation, row.branch) == (1, 0)
    assert (row.repeated, row.doubts) == ((True, doubts + 1) if doubts < 2 else (False, doubts))
    told(f"{sum(answer.status_code == 503 for answer in answers)} of 20 answered 503")


@pytest.mark.parametrize("act", ["password", "reauthenticate"])
def test_refreshes_that_race_with_a_new_seed_sign_nobody_out(
    api: Api, ada: Person, isolation: str, act: str, told: Callable[[str], None]
) -> None:
    """Five tabs: before it they are answered, after it they are asked to come again; nobody is refused."""
    seen: list[int] = []
    for number in range(10):
        tokens = api.login(ada)
        new = f"an entirely other one {number}"
        body = {"password": ada.password} if act == "reauthenticate" else {"old_password": ada.password}
        body |= {"new_password": new} if act == "password" else {}

        def do(tab: int, tokens: dict[str, Any] = tokens, body: dict[str, str] = body) -> Any:
            if tab:
                return Api().refresh(tokens["refresh_token"])
            return Api().post(f"/auth/{act}/", body, authorization=f"Bearer {tokens['access_token']}")

        changed, *refreshed = race(5, do)

        assert changed.status_code == 200, changed.content
        ada.password = new if act == "password" else ada.password
        seen += [answer.status_code for answer in refreshed]
        for answer in refreshed:
            assert answer.status_code in (200, 503)
            if answer.status_code == 200:
                assert api.refresh(answer.json().get("refresh_token") or tokens["refresh_token"]).status_code == 503
        time_passes(minutes=1)
        assert api.refresh(changed.json()["refresh_token"]).status_code == 200
        row = Session.objects.latest("created_at")
        assert (row.revoked_at, row.doubts) == (None, 0)
    told(f"{seen.count(503)} of {len(seen)} refreshes answered 503")


def test_a_refresh_that_races_with_a_logout_never_survives_it(api: Api, ada: Person, isolation: str) -> None:
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
        assert refreshed.status_code in (200, 400, 503)
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
