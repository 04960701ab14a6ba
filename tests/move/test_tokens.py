"""How many of their tokens are alive, by tables as the packages make them, whether their app is still there or not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.checks import run_checks
from django.db import connection, models
from django.utils import timezone

from django_ironclad.move import PACKAGES, Project, report

pytestmark = pytest.mark.django_db(transaction=True)


class Outstanding(models.Model):  # noqa: DJ008
    jti = models.CharField(max_length=255, unique=True)
    expires_at = models.DateTimeField()

    class Meta:
        app_label = "campus"
        managed = False
        db_table = "token_blacklist_outstandingtoken"


class Blacklisted(models.Model):  # noqa: DJ008
    token = models.OneToOneField(Outstanding, models.CASCADE, db_constraint=False)

    class Meta:
        app_label = "campus"
        managed = False
        db_table = "token_blacklist_blacklistedtoken"


class Knox(models.Model):  # noqa: DJ008
    expiry = models.DateTimeField(null=True)

    class Meta:
        app_label = "campus"
        managed = False
        db_table = "knox_authtoken"


@pytest.fixture(autouse=True)
def _tables() -> Iterator[None]:
    kinds: list[Any] = [Outstanding, Blacklisted, Knox]
    there = connection.introspection.table_names()
    kinds = [kind for kind in kinds if kind._meta.db_table not in there]
    with connection.schema_editor() as editor:
        for kind in kinds:
            editor.create_model(kind)
    yield
    with connection.schema_editor() as editor:
        for kind in reversed(kinds):
            editor.delete_model(kind)


def said(package: str) -> dict[str, str]:
    return {each.where: each.says for each in report(Project(()), PACKAGES[package]).findings if each.code == "M041"}


def in_days(days: int) -> datetime:
    return timezone.now() + timedelta(days=days)


def test_what_is_neither_expired_nor_blacklisted_is_alive() -> None:
    end = in_days(3)
    for jti, ends in (("a", end), ("b", in_days(2)), ("c", in_days(-1)), ("d", in_days(9))):
        token = Outstanding.objects.create(jti=jti, expires_at=ends)
    Blacklisted.objects.create(token=token)

    shown = said("simplejwt")["token_blacklist_outstandingtoken"]
    assert shown.startswith("2 alive, the last of them until ")
    # In the zone of the database's own texts.
    assert f"{end:%Y-%m}" in shown


def test_a_knox_token_without_an_end_is_alive() -> None:
    Knox.objects.create(expiry=None)
    Knox.objects.create(expiry=in_days(-1))
    assert said("knox")["knox_authtoken"].startswith("1 alive, without an end")


def test_where_there_are_no_tables_nothing_is_said_of_them() -> None:
    assert said("authtoken") == {}


def test_tables_may_go_once_their_app_has_and_nothing_in_them_is_alive() -> None:
    def told() -> list[str]:
        found = run_checks(databases=["default"])
        return [each.msg for each in found if each.id == "ironclad.W042" and "knox_authtoken" in each.msg]

    token = Knox.objects.create(expiry=in_days(1))
    assert told() == []
    Knox.objects.filter(pk=token.pk).update(expiry=in_days(-1))
    (message,) = told()
    assert "knox_authtoken" in message
    assert [each for each in run_checks() if each.id == "ironclad.W042"] == []
