"""The corpus: small projects as people have them, one file each in `corpus/`, and how one is written down and run.

A file begins with what is expected of the move, `name: value` each, and then has the project's files, each behind a
line `=== path`. What it does not have is taken of the skeleton below.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent

SETTINGS = """\
from datetime import timedelta

SECRET_KEY = "a-secret-key-of-the-corpus-only-51b7"
ALLOWED_HOSTS = ["testserver"]
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ROOT_URLCONF = "shop.urls"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
MIDDLEWARE = []
"""
#: Beside SETTINGS, where a project does not say otherwise.
APPS = """
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "rest_framework",
    "shop",
]
"""
READERS = """
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework_simplejwt.authentication.JWTAuthentication"],
}
"""
SKELETON = {
    "shop/__init__.py": "",
    "shop/settings.py": SETTINGS + APPS + READERS,
    "shop/urls.py": """\
from django.urls import path
from rest_framework_simplejwt.views import TokenObtainPairView, TokenRefreshView

from shop.views import Me

urlpatterns = [
    path("api/token/", TokenObtainPairView.as_view(), name="token_obtain_pair"),
    path("api/token/refresh/", TokenRefreshView.as_view(), name="token_refresh"),
    path("api/me/", Me.as_view()),
]
""",
    "shop/views.py": """\
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView


class Me(APIView):
    permission_classes = [IsAuthenticated]

    def get(self, request):
        return Response({"username": request.user.username})
""",
    "drive.py": """\
def drive(client, user):
    body = client.post("/api/token/", {"username": "ada", "password": "pw"}, "application/json").json()
    assert client.get("/api/me/").status_code == 401
    me = client.get("/api/me/", headers={"authorization": f"Bearer {body['access']}"})
    assert me.json() == {"username": "ada"}, me.content
    again = client.post("/api/token/refresh/", {"refresh": body["refresh"]}, "application/json")
    assert again.status_code == 200, again.content
    me = client.get("/api/me/", headers={"authorization": f"Bearer {again.json()['access']}"})
    assert me.status_code == 200, me.content
""",
}


@dataclass(frozen=True)
class SmallProject:
    name: str
    expected: dict[str, str]
    files: dict[str, str]

    @property
    def package(self) -> str:
        return self.expected.get("from", "simplejwt")

    def codes(self, name: str) -> set[str]:
        return set(self.expected.get(name, "").split())

    def write(self, folder: Path) -> Path:
        for path, text in (SKELETON | self.files).items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text.replace("{{SETTINGS}}", SETTINGS).replace("{{APPS}}", APPS).encode())
        return folder


def corpus() -> list[SmallProject]:
    return [_read(file) for file in sorted((HERE / "corpus").glob("*.txt"))]


def _read(file: Path) -> SmallProject:
    head, *parts = f"\n{file.read_text()}".split("\n=== ")
    said = [line.partition(":") for line in head.strip().splitlines() if not line.startswith("#")]
    expected = {name: value.strip() for name, _, value in said if value.strip()}
    files = {}
    for part in parts:
        path, _, text = part.partition("\n")
        files[path] = text.rstrip("\n") + "\n" if text.strip() else ""
    if expected.get("newlines") == "crlf":
        files = {path: text.replace("\n", "\r\n") for path, text in files.items()}
    return SmallProject(file.stem, expected, files)


def run(stage: str, folders: dict[str, Path], packages: dict[str, str], settings: dict[str, str]) -> dict[str, Any]:
    """What the projects answered at this stage: one process, which forks for each of them."""
    jobs = [[name, str(folder), packages[name], settings[name]] for name, folder in folders.items()]
    command = [sys.executable, "-W", "error", "-m", "tests.move.running", stage]
    done = subprocess.run(
        command, cwd=HERE.parents[1], input=json.dumps(jobs), capture_output=True, text=True, check=True, timeout=3600
    )
    return dict(json.loads(line) for line in done.stdout.splitlines())
