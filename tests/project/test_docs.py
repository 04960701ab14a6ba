"""What the pages of docs/ show is run: projects, whose blocks begin with the name of their file, and single lines."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.staticfiles import finders
from django.template import Context, Engine
from django.test import Client, RequestFactory, override_settings
from django.urls import clear_url_caches
from ninja.testing import TestClient

from django_ironclad import auth
from django_ironclad.models import Session

from ..conftest import Api, Person
from ..websockets import Websocket

pytestmark = pytest.mark.django_db
DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"^```python\n# (school/\w+\.py)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Write down the project of a page."""

    def write(page: str) -> None:
        text = (DOCS / page).read_text()
        blocks = BLOCK.findall(text)
        assert len({path for path, _ in blocks}) == text.count("```python") > 0
        for path, code in blocks:
            (tmp_path / path).parent.mkdir(exist_ok=True)
            (tmp_path / path).write_text(code)
        importlib.invalidate_caches()

    monkeypatch.syspath_prepend(tmp_path)
    with override_settings(ROOT_URLCONF="school.urls"):
        yield write
    for name in [name for name in sys.modules if name.partition(".")[0] == "school"]:
        del sys.modules[name]
    clear_url_caches()


def said(path: str, person: Person, *, method: str = "get", scope: str = "") -> Any:
    """What the answer's body says, or the error that it names."""
    token = auth.login(person.user, scope=scope).access_token
    body = getattr(Client(), method)(path, headers={"authorization": f"Bearer {token}"}).json()
    return body["error"] if isinstance(body, dict) and "error" in body else body


def test_authorization(
    project: Callable[[str], None], api: Api, ada: Person, person: Callable[..., Person], has_groups: bool
) -> None:
    project("authorization.md")
    settings = importlib.import_module("school.settings")
    with override_settings(IRONCLAD=settings.IRONCLAD):
        assert said("/grades/", ada) == {"of": ada.name, "groups": []}
        assert said("/change/", ada) == "insufficient_scope"
        assert said("/rest/change/", ada, method="post") == "insufficient_scope"
        assert said("/report/", ada) == "access_denied"
        assert api.login(ada, scope="grades:read grades:write")["scope"] == "grades:read"
        with override_settings(ROOT_URLCONF="school.strict"):
            assert said("/enrol/", ada) == "access_denied"
        if not has_groups:
            return
        rosa = person("rosa", groups=("registrar",), is_superuser=True)
        assert said("/grades/", rosa, scope="grades:read") == {"of": rosa.name, "groups": ["registrar"]}
        assert said("/change/", rosa) == said("/rest/change/", rosa, method="post") == {"by": rosa.name}
        assert said("/change/", rosa, scope="grades:read") == "insufficient_scope"
        assert said("/report/", rosa) == {"for": rosa.name}
        with override_settings(ROOT_URLCONF="school.strict"):
            assert said("/enrol/", rosa) == {"by": rosa.name}


def test_ninja(project: Callable[[str], None], ada: Person, person: Callable[..., Person], has_groups: bool) -> None:
    project("ninja.md")
    with override_settings(IRONCLAD={"SCOPES": lambda user, groups: ["grades:read", *groups]}):
        assert said("/api/notices", ada) == Client().get("/api/notices").json()
        if isinstance(ada.user.pk, int):
            me = {"id": ada.user.pk, "email": ada.user.email}
            assert said("/api/me", ada) == said("/api/me/async", ada) == me
        assert said("/api/grades", ada) == {"of": ada.name, "groups": []}
        assert said("/api/grades", ada, method="post") == "insufficient_scope"
        assert said("/api/transfer", ada, method="post") == "access_denied"
        if has_groups:
            rosa = person("rosa", groups=("registrar", "grades:write"))
            assert said("/api/grades", rosa, method="post") == {"by": rosa.name}
            assert said("/api/transfer", rosa, method="post") == {"by": rosa.name}
        from school.either import api  # type: ignore[import-not-found]  # Of the page.

        headers = {"Authorization": f"Bearer {auth.login(ada.user).access_token}"}
        assert TestClient(api).post("/notes", headers=headers).json() == {"by": ada.name}
        assert TestClient(api).post("/notes").json()["error"] == "invalid_token"
        from school.optional import api as optional  # type: ignore[import-not-found]

        assert TestClient(optional).get("/timetable", headers=headers).json() == {"of": ada.name}
        assert TestClient(optional).get("/timetable").json() == {"of": "everybody"}
        for bad in ("Bearer garbage", f"{headers['Authorization']}x"):
            assert TestClient(optional).get("/timetable", headers={"Authorization": bad}).status_code == 401


@pytest.mark.django_db(transaction=True)
def test_channels(project: Callable[[str], None], ada: Person) -> None:
    project("channels.md")

    async def ask(token: str) -> str:
        socket = Websocket(importlib.import_module("school.asgi").application, token, "/ws/grades/")
        assert (await socket.connect())["type"] == "websocket.accept"
        await socket.say("who am I?")
        answer = await socket.hear()
        await socket.disconnect()
        return answer

    with override_settings(ROOT_URLCONF="tests.urls", IRONCLAD={"SCOPES": lambda user, groups: ["read"]}):
        token = auth.login(ada.user).access_token
        assert async_to_sync(ask)(token) == f"{ada.name} {ada.user.email} ()"


#: What the pages take for granted in a block that is no whole file. One that needs more names it here.
GIVEN = """
from datetime import timedelta

from django.urls import include, path
from django.views.decorators.cache import cache_page
from django.views.decorators.vary import vary_on_headers
from rest_framework import viewsets
from rest_framework.permissions import AllowAny
from rest_framework.views import APIView
"""


def run_blocks(page: str, ada: Person, **names: Any) -> dict[str, Any]:
    """Run each block of Python in turn; with settings of ours, somebody can log in. What they have defined."""
    exec(GIVEN, names)
    for block in re.findall(r"^```python\n(.*?)^```$", (DOCS / page).read_text(), re.MULTILINE | re.DOTALL):
        # A path among others, as in a list.
        exec(compile(block.rstrip().rstrip(","), f"docs/{page}", "exec"), names)
        with override_settings(IRONCLAD=names.pop("IRONCLAD", {})):
            auth.authenticate(auth.login(ada.user).access_token)
    return names


def test_the_guide(ada: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (DOCS / "guide.md").read_text()
    command = re.search(r"`(openssl genpkey [^`]+?)(keys/[\w-]+\.pem)`", text)
    assert command is not None
    (tmp_path / "keys").mkdir()
    for key in set(re.findall(r"keys/[\w-]+\.pem", text)):
        subprocess.run([*command[1].split(), key], cwd=tmp_path, check=True, capture_output=True, timeout=20)
    for name in ("campus", "campus.tokens"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    sys.modules["campus.tokens"].claims = lambda user, group_names: {"tenant": "acme"}  # type: ignore[attr-defined]
    this, other = (auth.verify(auth.login(ada.user).access_token) for _ in range(2))
    request = RequestFactory().get("/")
    request.auth = this  # type: ignore[attr-defined]

    defined = run_blocks("guide.md", ada, BASE_DIR=tmp_path, user=ada.user, request=request, sid=other.sid)

    auth.authenticate(defined["tokens"].access_token)
    assert Session.objects.get(pk=this.sid).revoked_at is None
    assert Session.objects.get(pk=other.sid).revoked_reason == "lost phone"


def test_the_checks(ada: Person) -> None:
    assert run_blocks("checks.md", ada)["DATABASES"]["default"]["CONN_MAX_AGE"] == 60


def test_tenants(ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    names: dict[str, Any] = {}
    blocks = re.findall(r"^```python\n(.*?)^```$", (DOCS / "tenants.md").read_text(), re.MULTILINE | re.DOTALL)
    for block in blocks:
        exec(compile(block, "docs/tenants.md", "exec"), names)
        if block.startswith("# mysite/tenants.py\n"):
            for name in ("mysite", "mysite.tenants"):
                monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
            sys.modules["mysite.tenants"].realm = names.pop("realm")  # type: ignore[attr-defined]
    assert names["Router"]().db_for_write(Session) is None
    with override_settings(IRONCLAD=names["IRONCLAD"]):
        token = names["invite"](ada.user).access_token
        with names["realm"]("acme"):
            assert auth.verify(token).claims["realm"] == "acme"
            assert names["Router"]().db_for_read(Session) == "acme"


def test_the_templates_of_the_client() -> None:
    ours = "django_ironclad.templatetags.ironclad"
    engine = Engine(builtins=["django.templatetags.static", ours], libraries={"ironclad": ours})
    page = "".join(
        engine.from_string(block).render(Context())
        for block in re.findall(r"^```html\n(.*?)^```$", (DOCS / "client.md").read_text(), re.MULTILINE | re.DOTALL)
    )

    files = set(re.findall(r"/static/(django_ironclad/[\w.-]+)", page))
    assert "django_ironclad/ironclad-angularjs.js" in files
    assert all(finders.find(file) for file in files)
