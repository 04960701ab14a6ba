"""One switch against `last_login`: with it our logins leave the column alone, and everybody else is told as ever."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from django.contrib.auth.signals import user_logged_in
from django.test import Client, override_settings

from ..conftest import PASSWORD, Api, Person

pytestmark = pytest.mark.django_db


def noted(person: Person) -> bool:
    person.user.refresh_from_db()
    return person.user.last_login is not None


def test_a_login_is_noted_as_djangos_own_is(api: Api, ada: Person) -> None:
    api.login(ada)

    assert noted(ada)


def test_with_the_switch_a_login_of_ours_is_not_noted_and_receivers_hear_of_it(api: Api, ada: Person) -> None:
    heard: list[Any] = []

    def hear(user: Any, request: Any, **_: Any) -> None:
        heard.append((user, request.path))

    user_logged_in.connect(hear)
    try:
        with override_settings(IRONCLAD={"UPDATE_LAST_LOGIN": False}):
            api.login(ada)
    finally:
        user_logged_in.disconnect(hear)

    assert heard == [(ada.user, "/auth/login/")]
    assert not noted(ada)


@override_settings(IRONCLAD={"UPDATE_LAST_LOGIN": False})
def test_a_login_by_djangos_session_is_noted_all_the_same(ada: Person) -> None:
    assert Client().login(username=ada.name, password=PASSWORD)

    assert noted(ada)


#: A project whose own app, last of all, may do away with Django's receiver; prints how often `last_login` is written.
PROJECT = """
import sys, types, django
from django.apps import AppConfig
from django.conf import settings
last, user_model = types.ModuleType("last"), sys.argv[3]
sys.modules["last"] = last
class Last(AppConfig):
    name, path = "last", "/"
    def ready(self):
        from django.contrib.auth.models import update_last_login
        from django.contrib.auth.signals import user_logged_in
        if sys.argv[2] == "none":
            user_logged_in.disconnect(update_last_login, dispatch_uid="update_last_login")
last.Last = Last
settings.configure(SECRET_KEY="k" * 60, INSTALLED_APPS=sys.argv[1].split(",") + ["last.Last"],
    AUTH_USER_MODEL=user_model, DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}})
django.setup()
from django.core.management import call_command
call_command("migrate", run_syncdb=True, verbosity=0)
from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext, override_settings
from django_ironclad import auth
user = get_user_model().objects.create_user("ada", password="pw")
for update in (True, False):
    with override_settings(IRONCLAD={"UPDATE_LAST_LOGIN": update}), CaptureQueriesContext(connection) as queries:
        auth.login(user)
    print(sum("last_login" in each["sql"] and each["sql"].startswith("UPDATE") for each in queries), end=" ")
"""
AUTH = "django.contrib.contenttypes,django.contrib.auth"


@pytest.mark.parametrize(
    ("apps", "receiver", "written"),
    [
        (f"{AUTH},django_ironclad", "django's", "1 0"),
        (f"django_ironclad,{AUTH}", "django's", "1 0"),
        (f"{AUTH},django_ironclad", "none", "0 0"),
        (f"django_ironclad,{AUTH}", "none", "0 0"),
    ],
)
def test_it_is_written_once_or_never_in_whatever_order_the_apps_are(apps: str, receiver: str, written: str) -> None:
    command = [sys.executable, "-W", "error", "-c", PROJECT, apps, receiver, "auth.User"]
    run = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)

    assert run.stdout.split() == written.split(), run.stderr
