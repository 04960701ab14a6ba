"""A worker that is killed before or after any statement: what was promised holds, and whoever asks again gets it."""

from __future__ import annotations

import os
import signal
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection, connections

from django_ironclad.models import Session

from ..conftest import PASSWORD, Api, Person, time_passes

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def killed_at(moment: int) -> Iterator[None]:
    """This very process: before its first statement at 0, after it at 1, before the second at 2."""
    passed = 0

    def pass_a_moment() -> None:
        nonlocal passed
        if passed == moment:
            os.kill(os.getpid(), signal.SIGKILL)
        passed += 1

    def execute(run: Callable[..., Any], *arguments: Any) -> Any:
        pass_a_moment()
        result = run(*arguments)
        pass_a_moment()
        return result

    with connection.execute_wrapper(execute):
        yield


def in_a_worker_that_is_killed(act: Callable[[], Any], moment: int) -> bool:
    """Whether it was: else it had answered before."""
    connections.close_all()
    if connection.vendor == "postgresql":
        # A worker would share the pool's with the tests.
        connection.close_pool()  # type: ignore[attr-defined]
    with warnings.catch_warnings():
        # Of threads that other tests left: the worker needs none of them.
        warnings.simplefilter("ignore", DeprecationWarning)
        worker = os.fork()
    if not worker:
        try:
            with killed_at(moment):
                act()
        finally:
            # Nothing of the tests goes on here.
            os._exit(0)
    _, status = os.waitpid(worker, 0)
    return os.WIFSIGNALED(status)


def each_moment(prepare: Callable[[], Callable[[], Any]]) -> Iterator[int]:
    """What `prepare` returns is done by a worker that is killed at this moment; one after the other."""
    moment = 0
    while in_a_worker_that_is_killed(prepare(), moment):
        yield moment
        moment += 1
    # As many as it has statements, twice; the last one after its last.
    assert moment >= 4


def refreshed(api: Api, token: str) -> str:
    answer = api.refresh(token)
    assert answer.status_code == 200, answer.content
    return str(answer.json().get("refresh_token", token))


def assert_goes_on(api: Api, token: str) -> None:
    """Three times, on the only line there is."""
    for _ in range(3):
        time_passes(minutes=5)
        token = refreshed(api, token)
    row = Session.objects.get(pk=token.split(".")[0])
    assert token.split(".")[1:3] == [str(row.generation), str(row.branch)]
    assert row.revoked_at is None


@pytest.mark.parametrize("later", [0, 15, 3600], ids=["at once", "15 s later", "an hour later"])
@pytest.mark.parametrize("before", [None, 0, 3600], ids=["the first", "a repeated one", "a late one"])
def test_a_refresh_whose_worker_is_killed_is_answered_when_it_is_asked_again(
    api: Api, ada: Person, before: int | None, later: int
) -> None:
    token = ""

    def prepare() -> Callable[[], Any]:
        nonlocal token
        token = api.login(ada)["refresh_token"]
        if before is not None:
            refreshed(api, token)
            time_passes(seconds=before)
        return lambda: Api().refresh(token)

    for _ in each_moment(prepare):
        time_passes(seconds=later)
        assert_goes_on(api, refreshed(api, token))


def test_a_theft_that_is_found_by_a_worker_that_is_killed_is_found_again(api: Api, ada: Person) -> None:
    stolen = held = ""

    def prepare() -> Callable[[], Any]:
        nonlocal stolen, held
        stolen = held = api.login(ada)["refresh_token"]
        for _ in range(2):
            held = refreshed(api, held)
            time_passes(minutes=5)
        return lambda: Api().refresh(stolen)

    for _ in each_moment(prepare):
        assert [api.refresh(token).status_code for token in (stolen, held)] == [400, 400]
        assert Session.objects.get(pk=stolen.partition(".")[0]).revoked_reason == "refresh_token_reused"


def test_a_logout_whose_worker_is_killed_is_done_when_it_is_asked_again(api: Api, ada: Person) -> None:
    token = ""

    def prepare() -> Callable[[], Any]:
        nonlocal token
        token = api.login(ada)["refresh_token"]
        return lambda: Api().logout(token)

    for _ in each_moment(prepare):
        assert api.logout(token).status_code == 204
        assert api.refresh(token).status_code == 400


def end_others(api: Api, person: Person, access_token: str) -> Any:
    return api.http.delete("/auth/sessions/", headers={"authorization": f"Bearer {access_token}"})


def change_password(api: Api, person: Person, access_token: str) -> Any:
    words = {"old_password": person.password, "new_password": PASSWORD + "!"}
    return api.post("/auth/password/", words, authorization=f"Bearer {access_token}")


@pytest.mark.parametrize("how", [end_others, change_password])
def test_other_sessions_end_all_or_none_when_the_worker_is_killed(api: Api, ada: Person, how: Any) -> None:
    """And none is left of a password that was changed."""
    others: list[str] = []
    mine: dict[str, Any] = {}

    def prepare() -> Callable[[], Any]:
        nonlocal others, mine
        Session.objects.all().delete()
        ada.user.set_password(PASSWORD)
        ada.user.save()
        others = [api.login(ada)["refresh_token"] for _ in range(3)]
        mine = api.login(ada)
        return lambda: how(Api(), ada, mine["access_token"])

    for _ in each_moment(prepare):
        ada.user.refresh_from_db()
        ended = Session.objects.filter(revoked_at__isnull=False).count()
        if how is change_password:
            assert ended == (3 if ada.user.check_password(PASSWORD + "!") else 0)
        assert ended in (0, 3)
        assert {api.refresh(other).status_code for other in others} == ({400} if ended else {200})
        if how is change_password and ended:
            # The new refresh token was in the answer that nobody got: who changed the password logs in with it.
            assert api.refresh(mine["refresh_token"]).status_code == 503
            time_passes(seconds=61)
            assert api.refresh(mine["refresh_token"]).json()["error"] == "invalid_grant"
            assert api.login(replace(ada, password=PASSWORD + "!"))
        else:
            assert_goes_on(api, refreshed(api, mine["refresh_token"]))
