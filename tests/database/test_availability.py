"""A database that does not answer is 503, whichever statement it is that it does not answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import OperationalError, connection

from ..conftest import Api, Person
from ..http.test_wire import ENDPOINTS, Caller


@contextmanager
def broken(*, after: int) -> Iterator[None]:
    """After so many statements, none reaches the database any more."""
    left = after

    def execute(run: Callable[..., Any], *arguments: Any) -> Any:
        nonlocal left
        if left == 0:
            raise OperationalError("the database is gone")
        left -= 1
        return run(*arguments)

    with connection.execute_wrapper(execute):
        yield


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("call", [call for call in ENDPOINTS if "temporarily_unavailable" in ENDPOINTS[call]["errors"]])
def test_a_database_that_goes_away_at_any_statement_is_503(ada: Person, call: str) -> None:
    statuses = []
    while not statuses or statuses[-1] == 503:
        caller = Caller(ada, scope=None)
        with broken(after=len(statuses)):
            statuses.append(caller.call(call).status_code)

    assert len(statuses) > 1
    assert statuses[-1] == ENDPOINTS[call]["status"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="a primary is demoted under PostgreSQL only")
def test_a_database_that_has_become_read_only_is_503(api: Api, ada: Person) -> None:
    """The driver calls it an internal error, and not an operational one."""
    first = api.login(ada)["refresh_token"]
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
        try:
            answers = [api.refresh(first), api.logout(first)]
        finally:
            cursor.execute("SET default_transaction_read_only = off")

    assert [(answer.status_code, answer.json()["error"]) for answer in answers] == [
        (503, "temporarily_unavailable")
    ] * 2
    assert api.refresh(first).status_code == 200
