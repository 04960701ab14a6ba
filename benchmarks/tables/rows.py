"""Sessions are refreshed again and again, and the tables that this fills are measured: rows.py WHICH SESSIONS TIMES.

WHICH is ironclad or simplejwt; `DATABASE_URL` names an empty PostgreSQL. After the logins, and then up to twenty times,
it prints what there is, as one line of JSON.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import time
from datetime import timedelta
from typing import Any

import dj_database_url
import django
from django.conf import settings

from django_ironclad.tokens.reuse import PAUSE

APPS = {
    "ironclad": ["django_ironclad"],
    "simplejwt": ["rest_framework", "rest_framework_simplejwt", "rest_framework_simplejwt.token_blacklist"],
}
TABLES = {
    "ironclad": ["ironclad_session"],
    "simplejwt": ["token_blacklist_outstandingtoken", "token_blacklist_blacklistedtoken"],
}
#: A token of ours rotates again after six times this; until then it is answered with itself.
REUSE_GRACE = timedelta(seconds=1)


def configure(which: str) -> None:
    database = dj_database_url.config(conn_max_age=None)
    # Only bytes are measured: nobody waits for a disk.
    database["OPTIONS"] = {"options": "-c synchronous_commit=off"}
    settings.configure(
        SECRET_KEY="of-this-benchmark-only-and-as-long-as-it-should-be",
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", *APPS[which]],
        DATABASES={"default": database},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        MIDDLEWARE=["django_ironclad.middleware.BearerMiddleware"] if which == "ironclad" else [],
        IRONCLAD={"REUSE_GRACE": REUSE_GRACE},
        # As its documentation has it for refresh tokens that are used once.
        SIMPLE_JWT={"ROTATE_REFRESH_TOKENS": True, "BLACKLIST_AFTER_ROTATION": True},
    )
    django.setup()


def login(user_id: int) -> str:
    """The refresh token of a new session."""
    from django.contrib.auth.models import User

    user = User.objects.get(pk=user_id)
    if "django_ironclad" in settings.INSTALLED_APPS:
        from django_ironclad import auth

        return auth.login(user).refresh_token
    from rest_framework_simplejwt.tokens import RefreshToken

    return str(RefreshToken.for_user(user))


def refresh(token: str) -> str:
    """The next refresh token."""
    if "django_ironclad" in settings.INSTALLED_APPS:
        from django_ironclad import auth

        return auth.refresh(token).refresh_token
    from rest_framework_simplejwt.serializers import TokenRefreshSerializer

    serializer = TokenRefreshSerializer(data={"refresh": token})
    serializer.is_valid(raise_exception=True)
    return str(serializer.validated_data["refresh"])


def measure(which: str) -> dict[str, Any]:
    from django.db import connection

    found = {"rows": 0, "table_bytes": 0, "index_bytes": 0}
    with connection.cursor() as cursor:
        for table in TABLES[which]:
            cursor.execute(f"SELECT count(*), pg_table_size('{table}'), pg_indexes_size('{table}') FROM {table}")
            found = {name: sum_ + one for (name, sum_), one in zip(found.items(), cursor.fetchone(), strict=True)}
    return found


def main(which: str, sessions: int, times: int) -> None:
    configure(which)
    from django.contrib.auth.models import User
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    users = User.objects.bulk_create([User(username=f"user-{number}", password="!") for number in range(sessions)])
    started = time.monotonic()

    def say(turn: int) -> None:
        took = round(time.monotonic() - started)
        print(json.dumps({"refreshes": turn * sessions, "seconds": took, **measure(which)}), flush=True)

    workers = multiprocessing.get_context("spawn").Pool(os.cpu_count(), configure, [which])
    with workers:
        tokens = workers.map(login, [user.pk for user in users], chunksize=10)
        say(0)
        for turn in range(1, times + 1):
            # None before its time: the first of the last turn may have been the last of it.
            time.sleep(PAUSE * REUSE_GRACE.total_seconds() if which == "ironclad" else 0)
            tokens = workers.map(refresh, tokens, chunksize=10)
            if turn * 20 % times < 20:
                say(turn)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
