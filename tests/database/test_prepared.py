"""What the ORM compiled once finds and changes what the ORM itself would, on every connection, with every value."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model
from django.db import OperationalError, connection, connections
from django.db.models.sql import UpdateQuery
from django.test.utils import CaptureQueriesContext

from django_ironclad import auth
from django_ironclad.database.prepared import Parameter, Prepared
from django_ironclad.models import Session
from django_ironclad.sessions import standing
from django_ironclad.signals import session_started

from ..conftest import Person, race, time_passes

pytestmark = pytest.mark.django_db
COLUMN: Callable[[str], Any] = Session._meta.get_field


def by_agent() -> Prepared:
    agent = Parameter("agent", COLUMN("user_agent"))
    return Prepared(
        lambda: Session.objects.filter(user_agent=agent).order_by("pk").values_list("pk", "rotated_at").query
    )


def test_rows_are_those_of_the_orm_with_its_types(ada: Person) -> None:
    for _ in range(3):
        auth.login(ada.user)
    Session.objects.filter(pk=Session.objects.order_by("pk")[0].pk).update(user_agent="it's 100 %s")
    prepared = by_agent()

    for agent in ("", "it's 100 %s", "nobody's"):
        expected = list(Session.objects.filter(user_agent=agent).order_by("pk").values_list("pk", "rotated_at"))
        assert prepared.rows("default", agent=agent) == expected


def test_an_update_says_how_many_rows_it_changed(ada: Person) -> None:
    def build() -> Any:
        query: Any = Session.objects.filter(pk=Parameter("pk", COLUMN("id"))).query.chain(UpdateQuery)
        query.add_update_values({"generation": Parameter("generation", COLUMN("generation"))})
        return query

    auth.login(ada.user)
    auth.login(ada.user)
    first, second = Session.objects.order_by("pk")
    prepared = Prepared(build)

    assert prepared.changed("default", pk=first.pk, generation=7) == 1
    assert prepared.changed("default", pk=second.pk, generation=8) == 1
    assert prepared.changed("default", pk=uuid4(), generation=9) == 0
    assert list(Session.objects.order_by("pk").values_list("generation", flat=True)) == [7, 8]


def test_a_statement_is_compiled_once_a_connection(ada: Person) -> None:
    built: list[int] = []

    def build() -> Any:
        built.append(1)
        return Session.objects.filter(pk=Parameter("pk", COLUMN("id"))).values_list("pk").query

    prepared = Prepared(build)
    for _ in range(3):
        prepared.rows("default", pk=uuid4())
    assert len(built) == 1


@pytest.mark.django_db(transaction=True)
def test_each_thread_has_its_own(ada: Person) -> None:
    prepared = by_agent()
    auth.login(ada.user)
    assert [len(found) for found in race(8, lambda _: prepared.rows("default", agent=""))] == [1] * 8
    prepared.rows("default", agent="")
    connections["default"].close()
    assert len(prepared.rows("default", agent="")) == 1


def test_errors_are_djangos() -> None:
    prepared = by_agent()
    prepared.rows("default", agent="")

    def breaks(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        raise OperationalError("gone")

    with connection.execute_wrapper(breaks), pytest.raises(OperationalError):
        prepared.rows("default", agent="")


@pytest.mark.parametrize("find", [standing.find, standing.find_whole])
def test_the_session_is_the_one_that_the_orm_would_load(
    ada: Person, has_groups: bool, find: Callable[[str], Session]
) -> None:
    if has_groups:
        from django.contrib.auth.models import Group

        ada.user.groups.add(*(Group.objects.create(name=name) for name in ("registrar", "choir")))
    auth.login(ada.user)
    expected = Session.objects.with_standing().get()

    found = find(str(expected.pk))

    for instance, other in ((found, expected), (found.user, expected.user)):
        assert type(instance) is type(other)
        assert instance._state.db == other._state.db
        assert not instance._state.adding
        for field in type(other)._meta.concrete_fields:
            assert getattr(instance, field.attname) == getattr(other, field.attname), field
    assert found.user_is_visible is True
    assert found.group_names == (["choir", "registrar"] if has_groups else [])
    with CaptureQueriesContext(connection) as queries:
        assert found.user.get_username() == ada.name
    assert len(queries) == 0


def test_the_session_that_was_just_started_is_the_one_in_the_database(ada: Person) -> None:
    heard: list[Session] = []

    def receive(session: Session, **_: object) -> None:
        heard.append(session)

    session_started.connect(receive)
    try:
        auth.login(ada.user, client_id="app", amr=("pwd", "otp"), session_lifetime=timedelta(days=7))
    finally:
        session_started.disconnect(receive)

    (session,), stored = heard, Session.objects.get()
    assert (session._state.db, session._state.adding) == ("default", False)
    for field in Session._meta.concrete_fields:
        assert getattr(session, field.attname) == getattr(stored, field.attname), field
    assert stored.created_at == stored.rotated_at == stored.expires_at - timedelta(days=7)


def test_the_clock_is_the_databases_and_runs(ada: Person) -> None:
    auth.login(ada.user)
    sid = str(Session.objects.get().pk)
    first = standing.find(sid)
    time_passes(seconds=5)
    second = standing.find(sid)
    rested = [session.now - session.rotated_at for session in (first, second)]
    assert rested[1] - rested[0] >= timedelta(seconds=5)
    assert second.now >= first.now


def test_a_session_of_nobodys_has_no_user(ada: Person) -> None:
    auth.login(ada.user)
    sid = str(Session.objects.get().pk)
    get_user_model()._default_manager.all().delete()
    found = standing.find(sid)
    assert (found.user, found.user_is_visible, found.group_names) == (None, False, [])


def test_a_manager_that_hides_users_is_asked_anew_each_time(ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    model = get_user_model()
    auth.login(ada.user)
    sid = str(Session.objects.get().pk)
    shown: list[Any] = [ada.user.pk]
    everybody = type(model._default_manager).get_queryset
    monkeypatch.setattr(
        type(model._default_manager), "get_queryset", lambda manager: everybody(manager).filter(pk__in=list(shown))
    )

    for pks, visible in (([ada.user.pk], True), ([], False), ([ada.user.pk], True)):
        shown[:] = pks
        with CaptureQueriesContext(connection) as queries:
            assert standing.find(sid).user_is_visible is visible
        assert len(queries) == 1
