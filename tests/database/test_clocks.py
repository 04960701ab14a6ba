"""Times are the database's and UTC, whatever time zones the project, the connection and the server have."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import override_settings

from django_ironclad.database import clocks
from django_ironclad.database.clocks import Now
from django_ironclad.models import Session
from django_ironclad.sessions.revoked import revoked_sessions

from ..conftest import Api, Person, time_passes
from ..sessions.test_revocation import Clock, clock, refused  # noqa: F401 - a fixture

db = pytest.mark.django_db(transaction=True)


def everything_goes_by_the_right_time(api: Api, ada: Person) -> None:
    """A device says when it was used; a grace, a limit and a list of ended sessions end when they should."""
    first = api.login(ada)
    began = datetime.now(UTC)
    [device] = api.get("/auth/sessions/", first["access_token"]).json()["sessions"]
    for said in (device["created_at"], device["last_used_at"]):
        moment = datetime.fromisoformat(said)
        assert moment.tzinfo is not None
        assert abs(moment - began) < timedelta(seconds=30)
    row = Session.objects.with_standing().get()
    assert abs(row.expires_at - began - timedelta(days=90)) < timedelta(seconds=30)
    assert abs(row.now - began) < timedelta(seconds=30)
    assert row.now.utcoffset() == timedelta(0)

    second = api.refresh(first["refresh_token"]).json()
    assert api.refresh(first["refresh_token"]).json()["refresh_token"] == second["refresh_token"]
    time_passes(days=13, hours=23)
    third = api.refresh(second["refresh_token"]).json()
    assert api.get("/plain/strict/", third["access_token"]).status_code == 200
    time_passes(days=14, hours=1)
    assert api.refresh(third["refresh_token"]).status_code == 400

    last = api.login(ada)
    api.logout(last["refresh_token"])
    ended = Session.objects.get(pk=last["refresh_token"].split(".")[0])
    assert abs(ended.revoked_at - datetime.now(UTC)) < timedelta(seconds=30)
    assert Session.objects.filter(revoked_at__gt=Now() - timedelta(minutes=1)).count() == 2
    assert Session.objects.filter(revoked_at__gt=datetime.now(UTC) - timedelta(minutes=1)).count() == 2


@db
@pytest.mark.parametrize("zone", ["Europe/Berlin", "Asia/Karachi", "America/New_York"])
def test_without_use_tz_times_are_the_right_ones(api: Api, ada: Person, zone: str) -> None:
    with override_settings(USE_TZ=False, TIME_ZONE=zone):
        everything_goes_by_the_right_time(api, ada)


@pytest.fixture
def of_its_own_zone() -> Iterator[None]:
    """The database is said to hold local times, as one that other programs write to."""
    before = connection.settings_dict["TIME_ZONE"]
    connection.settings_dict["TIME_ZONE"] = "Asia/Karachi"
    connection.close()
    vars(connection).pop("timezone", None)
    vars(connection).pop("timezone_name", None)
    yield
    connection.settings_dict["TIME_ZONE"] = before
    connection.close()
    vars(connection).pop("timezone", None)
    vars(connection).pop("timezone_name", None)


@db
def test_a_time_zone_of_the_databases_changes_nothing(of_its_own_zone: None, api: Api, ada: Person) -> None:
    everything_goes_by_the_right_time(api, ada)


mariadb = pytest.mark.skipif(connection.vendor != "mysql", reason="only MySQL's and MariaDB's clocks are local ones")


@pytest.fixture
def session() -> Iterator[Callable[[str], None]]:
    """Set a variable of the connection's."""

    def execute(variable: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"SET SESSION {variable}")

    yield execute
    connection.close()


@mariadb
@db
@pytest.mark.parametrize("zone", ["+05:00", "-11:00", "SYSTEM"])
def test_a_time_zone_of_the_session_changes_nothing(
    session: Callable[[str], None], zone: str, api: Api, ada: Person
) -> None:
    session(f"time_zone = '{zone}'")
    everything_goes_by_the_right_time(api, ada)


@mariadb
@db
@pytest.mark.parametrize("change", [datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC)])
def test_what_ended_just_before_summer_begins_or_ends_is_not_accepted_again(
    session: Callable[[str], None],
    change: datetime,
    api: Api,
    ada: Person,
    clock: Clock,  # noqa: F811
) -> None:
    """The server's own clock is Berlin's, and goes from two to three in that moment, or back from three to two."""
    session(f"timestamp = {(change - timedelta(seconds=30)).timestamp():.0f}")
    with connection.cursor() as cursor:
        cursor.execute("SELECT TIMESTAMPDIFF(HOUR, UTC_TIMESTAMP(), NOW())")
        assert cursor.fetchone()[0] in (1, 2), "scripts/with_mariadb.py starts it so"
    tokens = api.login(ada)
    living = api.login(ada)
    api.logout(tokens["refresh_token"])
    assert refused(tokens["access_token"])

    for seconds in (1, 30, 150, 299):
        session(f"timestamp = {(change + timedelta(seconds=seconds)).timestamp():.0f}")
        clock.now += 60
        # As a process that has just been started.
        revoked_sessions._forget()
        assert refused(tokens["access_token"])
        assert not refused(living["access_token"])
        assert api.refresh(tokens["refresh_token"]).status_code == 400
        living = api.refresh(living["refresh_token"]).json() if seconds == 1 else living
        [device] = api.get("/auth/sessions/", living["access_token"]).json()["sessions"]
        assert abs(datetime.fromisoformat(device["created_at"]) - change) < timedelta(seconds=35)


@db
def test_the_two_hours_of_the_night_when_summer_ends_are_told_apart(api: Api, ada: Person) -> None:
    api.login(ada)
    with override_settings(USE_TZ=False, TIME_ZONE="Europe/Berlin"):
        for hour in (0, 1):
            moment = datetime(2026, 10, 25, hour, 30, tzinfo=UTC)
            Session.objects.update(auth_time=moment)
            assert Session.objects.get().auth_time == moment


@db
def test_a_naive_time_is_the_projects_own(api: Api, ada: Person) -> None:
    api.login(ada)
    with override_settings(USE_TZ=False, TIME_ZONE="Asia/Karachi"):
        Session.objects.update(auth_time=datetime(2026, 10, 25, 5, 30))  # noqa: DTZ001
        assert Session.objects.get(auth_time=datetime(2026, 10, 25, 5, 30)).auth_time == datetime(  # noqa: DTZ001
            2026, 10, 25, 0, 30, tzinfo=UTC
        )


def test_the_process_clock_goes_on_while_the_machine_sleeps_where_the_system_has_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Ones that can be told from `time.monotonic`.
    monkeypatch.setattr(time, "CLOCK_BOOTTIME", time.CLOCK_REALTIME, raising=False)
    assert abs(clocks._clock()() - time.time()) < 60

    monkeypatch.delattr(time, "CLOCK_BOOTTIME")
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(time, "CLOCK_MONOTONIC", time.CLOCK_REALTIME)
    assert abs(clocks._clock()() - time.time()) < 60

    monkeypatch.setattr(sys, "platform", "win32")
    assert clocks._clock() is time.monotonic
