"""`python -m tests.user_models.run [KIND …]`: each kind in a process of its own, as a user model is for one's life.

Answers one JSON object: for each kind what went wrong in each step, "" for nothing, and what a client got to see.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import tempfile
import traceback
import types
from importlib import import_module
from pathlib import Path
from typing import Any

import dj_database_url
import ua_parser

from .kinds import KINDS

#: What every kind needs, and no user model: imported once, before the fork.
PRELOADED = ["django.core.management.commands.migrate", "django.db.backends.sqlite3.base", "django.db.models"]
PRELOADED += ["django.db.migrations.autodetector", "django.forms", "django.template.loader", "django.test.client"]
PRELOADED += ["django.test.utils", "django.views.decorators.cache", "django.views.i18n"]
PRELOADED += ["cryptography.hazmat.primitives.asymmetric.ec", "cryptography.hazmat.primitives.kdf.hkdf"]
PRELOADED += ["cryptography.hazmat.primitives.serialization"]
APPS = ["admin", "auth", "contenttypes", "messages", "sessions"]


class Router:
    """Everybody lives in the database `people`."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "people"

    db_for_write = db_for_read

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db == "people"


def configure(name: str) -> None:
    """A project whose user model is of this kind."""
    import django
    from django.conf import settings
    from django.db import connections
    from django.test.utils import setup_test_environment

    database = KINDS[name].database if name in KINDS else "default"
    os.environ["USER_MODEL"] = "integer" if name == "another_database" else name
    urls = types.ModuleType("tests.user_models.urls")
    sys.modules[urls.__name__] = urls
    server = dj_database_url.config(default="sqlite://:memory:")
    if server["ENGINE"].endswith("mysql"):
        import pymysql

        # mysqlclient wants a compiler.
        pymysql.install_as_MySQLdb()
    middleware = ["sessions.middleware.SessionMiddleware", "auth.middleware.AuthenticationMiddleware"]
    middleware += ["messages.middleware.MessageMiddleware"]
    processors = ["auth.context_processors.auth", "messages.context_processors.messages"]
    settings.configure(
        SECRET_KEY="k" * 60,
        ALLOWED_HOSTS=["testserver"],
        ROOT_URLCONF=urls.__name__,
        STATIC_URL="static/",
        AUTH_USER_MODEL="people.User",
        PASSWORD_HASHERS=["tests.campus.hashers.QuickHasher"],
        INSTALLED_APPS=[
            *(f"django.contrib.{app}" for app in APPS),
            "django_ironclad",
            "tests.user_models.apps.PeopleConfig",
        ],
        MIDDLEWARE=["django_ironclad.middleware.BearerMiddleware", *(f"django.contrib.{each}" for each in middleware)],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {
                    "context_processors": [
                        "django.template.context_processors.request",
                        *(f"django.contrib.{each}" for each in processors),
                    ]
                },
            }
        ],
        DATABASES={
            alias: {**server, "TEST": {"NAME": f"{alias}_{name}" if "DATABASE_URL" in os.environ else None}}
            for alias in {"default", database}
        },
        DATABASE_ROUTERS=[] if database == "default" else ["tests.user_models.run.Router"],
        # Of an app without migrations Django leaves out the relations, and with them some keys.
        MIGRATION_MODULES=dict.fromkeys([*APPS, "ironclad"]),
        LOGGING_CONFIG=None,
        USE_TZ=True,
    )
    logging.getLogger("django.request").setLevel(logging.CRITICAL)
    django.setup()
    setup_test_environment()
    if name == "composite":
        return
    connections[database].creation.create_test_db(verbosity=0, autoclobber=True)
    from .story import urlpatterns

    vars(urls)["urlpatterns"] = urlpatterns()


def tell(name: str) -> dict[str, Any]:
    """The story of this kind, in this process."""
    configure(name)
    from django.db import connections

    from .story import STEPS, Ada

    ada, went = Ada(KINDS[name]), {}
    for step in STEPS:
        try:
            step(ada)
            went[step.__name__] = ""
        except Exception:  # noqa: BLE001 - told to whoever asked
            went[step.__name__] = traceback.format_exc()
    connections[KINDS[name].database].creation.destroy_test_db("default", verbosity=0)
    return {"went": went, "wire": ada.wire}


def composite() -> dict[str, Any]:
    """A kind that cannot be, by Django's own checks."""
    configure("composite")
    from django.core.checks import run_checks

    return {"checks": [f"{message.id} {message.obj}" for message in run_checks(tags=["models"])]}


def one_way() -> dict[str, Any]:
    """A kind whose key no token can say."""
    configure("one_way")
    from django.contrib.auth import get_user_model
    from django.core.exceptions import ImproperlyConfigured

    from django_ironclad import auth
    from django_ironclad.models import Session

    user = get_user_model()(code="7", username="ada")
    user.save()
    try:
        auth.login(user)
    except ImproperlyConfigured as error:
        return {"error": str(error), "sessions": Session.objects.count()}
    return {"error": ""}


class Directory:
    """Where the passwords are of a kind that has none."""

    def authenticate(self, request: Any, username: str, password: str) -> Any:
        from django.contrib.auth import get_user_model

        return get_user_model()._base_manager.filter(username=username).first() if password == "directory" else None


def no_password() -> dict[str, Any]:
    """A kind whose model has no column for one."""
    configure("no_password")
    from django.conf import settings

    from .story import Ada

    settings.AUTHENTICATION_BACKENDS = [f"{__package__}.run.Directory"]
    ada = Ada(KINDS["no_groups"])
    ada.password = "directory"
    tokens = ada.login()
    token = tokens["access_token"]
    answers = {
        "refresh": ada.post("/auth/refresh/", {"refresh_token": tokens["refresh_token"]}),
        "me": ada.get("/auth/me/", token),
        "reauthenticate": ada.post("/auth/reauthenticate/", {"password": "directory"}, token),
        "password": ada.post("/auth/password/", {"old_password": "directory", "new_password": "n3w and l0ng"}, token),
    }
    return {name: [answer.status_code, answer.json().get("error")] for name, answer in answers.items()}


#: What is told of the kinds that nobody can have, or that have no password to tell a story with.
OTHERS = {"composite": composite, "one_way": one_way, "no_password": no_password}


def _child(name: str, result: Path) -> int:
    """A fork that writes its result there."""
    pid = os.fork()
    if pid:
        return pid
    try:
        told = tell(name) if name in KINDS else OTHERS[name]()
        result.write_text(json.dumps(told, default=str))
    except BaseException:  # noqa: BLE001 - whatever it is, the parent goes on
        result.write_text(json.dumps({"went": {"begins": traceback.format_exc()}, "wire": {}}))
    finally:
        os._exit(0)


def main(names: list[str]) -> None:
    for module in PRELOADED:
        import_module(module)
    # Reads its rules when it is first asked.
    ua_parser.parse("")
    with tempfile.TemporaryDirectory() as folder:
        waiting, running = list(names), set()
        while waiting or running:
            while waiting and len(running) < 2:
                running.add(_child(waiting[0], Path(folder) / waiting[0]))
                waiting.pop(0)
            running.discard(os.wait()[0])
        told = {name: json.loads((Path(folder) / name).read_text()) for name in names}
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1:] or [*KINDS, *OTHERS])
