"""Attacks by whoever was signed out and wants to stay, or wants to be overlooked; and by who may only look."""

from __future__ import annotations

import uuid
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth import get_user_model
from django.core.mail.backends import locmem
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import Client, override_settings

from django_ironclad import auth, sessions
from django_ironclad.models import Session
from tests.conftest import Api, Person, time_passes
from tests.sessions.test_revocation import Clock, clock, end_elsewhere, refused  # noqa: F401 - a fixture

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_mail_in_memory_keeps_no_session_alive(api: Api, ada: Person, clock: Clock) -> None:  # noqa: F811
    token = api.login(ada)["access_token"]
    assert not refused(token)
    locmem.EmailBackend()
    end_elsewhere()
    clock.now += 2

    assert refused(token)


def test_pruning_brings_no_session_back(api: Api, ada: Person, clock: Clock) -> None:  # noqa: F811
    with override_settings(IRONCLAD={"DRF_JWT_TOKEN_LIFETIME": timedelta(days=7)}):
        token = api.login(ada)["access_token"]
        end_elsewhere()
        time_passes(days=2)
        assert refused(token)

        for arguments in (("--older-than", "1"), ("--older-than", "7"), ()):
            with suppress(CommandError):
                call_command("ironclad_prune", *arguments, stdout=StringIO())
        clock.now += 60

        assert refused(token)


def test_the_time_in_the_database_is_utc_whatever_the_project_says(api: Api, ada: Person) -> None:
    api.login(ada)
    with override_settings(USE_TZ=False, TIME_ZONE="Asia/Karachi"):
        assert abs(Session.objects.get().rotated_at - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_client_gives_no_orders_to_the_operators_terminal(api: Api, ada: Person) -> None:
    body = {"username": ada.name, "password": ada.password}
    api.post("/auth/login/", body, **{"user-agent": "x\x1b[1A\x1b[2K\x9b1A\x7f\r"})
    output = StringIO()
    call_command("ironclad_sessions", ada.name, stdout=output)

    assert output.getvalue().replace("\n", "").isprintable()


@pytest.mark.urls("tests.test_admin")
def test_the_admin_tells_nothing_hidden_by_its_address(api: Api, ada: Person) -> None:
    api.login(ada)
    row = Session.objects.get()
    boss: Any = get_user_model()._default_manager.create_superuser("boss", "boss@example.org", "a password")
    client = Client()
    client.force_login(boss)
    page = "/admin/ironclad/session/"
    assert client.get(page).status_code == 200

    for question in ({"auth_hash__startswith": row.auth_hash[:3]}, {"seed__gt": "a"}, {"transport": row.transport}):
        assert client.get(f"{page}?{urlencode(question)}").status_code == 400


def test_a_session_that_a_transaction_did_not_see_is_ended_by_it_all_the_same(api: Api, ada: Person) -> None:
    api.login(ada)
    time_passes(seconds=1)
    with transaction.atomic():
        began = Session.objects.get()
        sessions.revoke_all(ada.user, reason="lost phone")
        # As one that another connection has committed since the snapshot.
        began.pk = uuid.uuid4()
        began.save(force_insert=True)

    assert list(Session.objects.values_list("revoked_reason", flat=True)) == ["lost phone"] * 2


def test_who_is_signed_out_everywhere_signs_in_again_in_the_same_transaction(api: Api, ada: Person) -> None:
    old = api.login(ada)["access_token"]
    with transaction.atomic():
        sessions.revoke_all(ada.user, reason="lost phone")
        new = auth.login(ada.user).access_token

    assert [refused(old), refused(new)] == [True, False]
