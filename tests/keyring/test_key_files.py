"""A key file that is missing is an error for whoever needs the keys, and for nobody else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ..tokens.test_keys import pem

SETTINGS = """
from pathlib import Path
HERE = Path(__file__).parent
SECRET_KEY, DEBUG, ALLOWED_HOSTS = "k" * 60, False, ["*"]
ROOT_URLCONF, WSGI_APPLICATION = "urls", "wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": HERE / "db.sqlite3"}}
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.staticfiles", "django_ironclad"]
STATIC_URL, STATIC_ROOT = "static/", HERE / "static"
IRONCLAD = {"KEYS": [str(HERE / "absent.pem")]}
MIDDLEWARE = ["django_ironclad.middleware.BearerMiddleware"]
"""
URLS = """
from django.http import HttpResponse
from django.urls import include, path
urlpatterns = [path("auth/", include("django_ironclad.urls")), path("hello/", lambda request: HttpResponse("hello"))]
"""
WSGI = """
import os
os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
from django.core.wsgi import get_wsgi_application
application = get_wsgi_application()
"""
#: No middleware of ours: the first request that needs a key says so.
FIRST_REQUEST = """
import django
from django.conf import settings
django.setup()
settings.MIDDLEWARE = []
from django.test import Client
client = Client(raise_request_exception=False)
print(client.get("/hello/").status_code, client.get("/auth/jwks.json").status_code)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in {"settings": SETTINGS, "urls": URLS, "wsgi": WSGI}.items():
        (tmp_path / f"{name}.py").write_text(text)
    return tmp_path


def run(project: Path, *command: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(project), *sys.path])
    env = os.environ | {"DJANGO_SETTINGS_MODULE": "settings", "PYTHONPATH": path}
    command = (sys.executable, "-W", "error", *command)
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60, cwd=project, env=env)


@pytest.mark.parametrize(
    "command",
    ["collectstatic --noinput", "migrate", "makemigrations --check", "check", "check --deploy", "shell -c print(1)"],
)
def test_a_command_that_needs_no_key_runs_without_and_says_what_is_missing(project: Path, command: str) -> None:
    done = run(project, "-m", "django", *command.split())

    assert done.returncode == 0, done.stderr
    assert f"the file {project / 'absent.pem'} cannot be read" in done.stderr


def test_a_server_does_not_start_without_its_keys_and_says_which(project: Path) -> None:
    done = run(project, "-c", "import wsgi")

    assert done.returncode != 0
    assert "IRONCLAD['KEYS']" in done.stderr.splitlines()[-1]

    (project / "absent.pem").write_text(pem(Ed25519PrivateKey.generate()))
    assert run(project, "-c", "import wsgi").returncode == 0


def test_without_our_middleware_the_request_that_needs_a_key_says_so(project: Path) -> None:
    done = run(project, "-c", FIRST_REQUEST)

    assert done.stdout.split() == ["200", "500"], done.stderr
    assert "cannot be read" in done.stderr


@pytest.mark.parametrize(
    "keys", ["[b'garbage']", "['-----BEGIN garbage-----']", "[HERE / 'settings.py']", "'absent.pem'"]
)
def test_what_is_there_and_is_no_key_stops_every_command(project: Path, keys: str) -> None:
    with (project / "settings.py").open("a") as settings:
        settings.write(f"\nIRONCLAD['KEYS'] = {keys}\n")
    if keys == "[b'garbage']":
        # A text that is no PEM is a path, and there could be a file.
        (project / "garbage").write_text("garbage")

    done = run(project, "-m", "django", "collectstatic", "--noinput")

    assert done.returncode != 0
    assert "IRONCLAD['KEYS']" in done.stderr
