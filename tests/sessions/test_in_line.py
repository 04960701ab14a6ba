"""Who is chosen to end a deadlock, or cannot be put in line with others, is tried again, and nobody hears of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
from django.contrib.sessions.models import Session as Record
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone

from django_ironclad import auth
from django_ironclad.models import Session

from ..conftest import PASSWORD, Api, Person, begun, race
from .test_races import isolation  # noqa: F401 - a fixture

pytestmark = pytest.mark.django_db(transaction=True)

needs_a_server = pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite lets one transaction write at a time")
gives_up_the_lighter = pytest.mark.skipif(
    connection.vendor != "mysql", reason="elsewhere there is none, or whoever notices it first is given up"
)


def in_the_way_of(act: Callable[[], Any], *, second: Callable[[], Any], first: Callable[[], Any]) -> Any:
    """What `act` returns, whose first lock a transaction asks for that has its second."""
    with transaction.atomic():
        # MySQL and MariaDB give up whoever has changed least.
        Record.objects.bulk_create(
            Record(session_key=f"heavy-{number}", session_data="", expire_date=timezone.now()) for number in range(20)
        )
        second()
        acting = begun(act)
        assert not acting.done()
        first()
    return acting.result(60)


@gives_up_the_lighter
def test_a_login_that_a_deadlock_ends_is_tried_again(ada: Person) -> None:
    """Its row waits for that of the user; who has the latter wants to change each session."""
    users = type(ada.user)._base_manager.filter(pk=ada.user.pk)
    body = {"username": ada.name, "password": PASSWORD}

    answer = in_the_way_of(
        lambda: Api().post("/auth/login/", body),
        second=lambda: users.select_for_update().get(),
        first=lambda: Session.objects.update(scope=""),
    )

    assert answer.status_code == 200


@gives_up_the_lighter
def test_a_pruning_that_a_deadlock_ends_is_tried_again(api: Api, ada: Person) -> None:
    ids = sorted(api.login(ada)["refresh_token"].split(".")[0] for _ in range(2))
    older, newer = (Session.objects.filter(pk=pk) for pk in ids)
    older.update(revoked_at=datetime(2020, 1, 1, tzinfo=UTC))
    newer.update(revoked_at=datetime(2020, 1, 2, tzinfo=UTC))

    def prune() -> str:
        output = StringIO()
        call_command("ironclad_prune", stdout=output)
        return output.getvalue()

    said = in_the_way_of(prune, second=lambda: newer.update(scope="x"), first=lambda: older.update(scope="x"))

    assert "2 sessions deleted." in said


@needs_a_server
@pytest.mark.parametrize("noted", [True, False], ids=["last_login", "no last_login"])
def test_those_who_log_in_at_once_by_a_view_in_a_transaction_all_do(ada: Person, settings: Any, noted: bool) -> None:
    """As with ATOMIC_REQUESTS, in a view of the project's own."""
    settings.IRONCLAD = {"UPDATE_LAST_LOGIN": noted}

    def log_in(_: int) -> str:
        if connection.vendor == "mysql":
            connection.cursor().execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
        with transaction.atomic():
            if connection.vendor == "postgresql":
                connection.cursor().execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
            return auth.login(type(ada.user)._default_manager.get(pk=ada.user.pk)).refresh_token

    tokens = {token for _ in range(3) for token in race(8, log_in)}

    assert Session.objects.live().count() == len(tokens) == 24


def test_those_who_log_in_at_once_all_do(ada: Person, isolation: str) -> None:  # noqa: F811
    body = {"username": ada.name, "password": PASSWORD}

    answers = [answer for _ in range(5) for answer in race(4, lambda _: Api().post("/auth/login/", body))]

    statuses = [answer.status_code for answer in answers]
    if isolation == "serializable":
        # On a busy machine four tries may be too few there; nobody is refused.
        assert set(statuses) <= {200, 503}
    else:
        assert statuses == [200] * 20


def test_those_who_amend_one_session_at_once_all_do(api: Api, ada: Person, isolation: str) -> None:  # noqa: F811
    access = auth.verify(api.login(ada)["access_token"])

    for turn in range(5):
        race(4, lambda number, turn=turn: auth.amend(access, {"turn": turn, "number": number}))

    assert Session.objects.get().claims["turn"] == 4
