"""`python -m tests.move.running STAGE`: each project of the jobs on stdin, in a process that is forked from this one.

Stage `before` runs the project, reports, lets the codemod write, and reports again; `after` runs it again, and asks
the codemod what it would change now.
"""

from __future__ import annotations

import io
import json
import os
import sys
import traceback
from importlib import import_module
from pathlib import Path
from typing import Any

import django
import django.test.client

#: What every project needs, and what reads no settings when it is imported: once for all.
FOR_ALL = (
    *("cryptography.hazmat.primitives.asymmetric.rsa", "jwt", "libcst.metadata", "requests"),
    *("django.contrib.auth.hashers", "django.contrib.auth.management", "django.contrib.postgres.fields"),
    *("django.core.management.commands.check", "django.core.management.commands.migrate"),
    *("django.core.management.commands.flush", "django.db.backends.sqlite3.base", "django.views.generic"),
    *("rest_framework.authentication", "rest_framework.metadata", "rest_framework.serializers"),
    "django_ironclad.tokens",
)


class NoMigrations(dict):  # type: ignore[type-arg]
    """Tables are made of the models."""

    def __contains__(self, app: object) -> bool:
        return True

    def __getitem__(self, app: str) -> None:
        return None


def prepare(folder: str, settings: str) -> None:
    sys.path.insert(0, folder)
    os.chdir(folder)
    os.environ["DJANGO_SETTINGS_MODULE"] = settings
    from django.conf import settings as django_settings

    apps = [*django_settings.INSTALLED_APPS]
    # The one thing that a person does before the report: it is our command.
    django_settings.INSTALLED_APPS = apps if "django_ironclad" in apps else [*apps, "django_ironclad"]
    django_settings.MIGRATION_MODULES = NoMigrations()
    django.setup()


def drive(errors: list[str]) -> None:
    """Check the project, make its tables and a user, and let it be used."""
    from django.core.management import call_command

    try:
        call_command("check", verbosity=0)
        call_command("migrate", run_syncdb=True, verbosity=0)
        from django.contrib.auth import get_user_model

        user = get_user_model()._default_manager.create_user(username="ada", password="pw")
        module: dict[str, Any] = {}
        exec(compile(Path("drive.py").read_text(), "drive.py", "exec"), module)
        module["drive"](django.test.client.Client(), user)
    except BaseException:  # noqa: BLE001  # Of a project: told, whatever it is.
        errors.append(traceback.format_exc())


def move(package: str, *options: str) -> tuple[str, int]:
    """What the command says, and with which code it ends."""
    from django.core.management import call_command

    out = io.StringIO()
    try:
        call_command("ironclad_move", package, *options, stdout=out)
    except SystemExit as end:
        return out.getvalue(), int(str(end.code))
    return out.getvalue(), 0


def before(package: str) -> dict[str, Any]:
    errors: list[str] = []
    drive(errors)
    shown, code = move(package, "--format", "json")
    left, _ = move(package, "--write", "--format", "json")
    return {"errors": errors, "report": json.loads(shown), "code": code, "left": json.loads(left)}


def after(package: str) -> dict[str, Any]:
    errors: list[str] = []
    drive(errors)
    diff, _ = move(package, "--diff")
    shown, code = move(package, "--format", "json")
    return {"errors": errors, "report": json.loads(shown), "code": code, "diff": diff}


def forked(stage: str, folder: str, package: str, settings: str) -> Any:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        # Whatever a command says of itself: what goes out is the answer alone.
        sys.stdout = sys.stderr
        try:
            prepare(folder, settings)
            said = (before if stage == "before" else after)(package)
        except BaseException:  # noqa: BLE001  # Likewise.
            said = {"errors": [traceback.format_exc()]}
        with os.fdopen(writing, "w") as pipe:
            json.dump(said, pipe)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    return json.loads(text)


if __name__ == "__main__":
    for name in FOR_ALL:
        import_module(name)
    for name, *job in json.load(sys.stdin):
        sys.stdout.write(json.dumps([name, forked(sys.argv[1], *job)]) + "\n")
        # A child would say it again.
        sys.stdout.flush()
