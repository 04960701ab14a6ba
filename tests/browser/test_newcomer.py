"""Somebody new, with the README and what is published: the wheel in a new Django project, the tarball in one of npm."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import django
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from .running import PASSWORD, ROOT, Demo, environment, running

pytestmark = pytest.mark.browser

CLIENT = ROOT / "client"
SECTION = (ROOT / "README.md").read_text().partition("\n## Five minutes to a login\n")[2].partition("\n## ")[0]
#: The text before each block of code, its language and the block.
BLOCKS = re.findall(r"(.*?)```(\w+)\n(.*?)```", SECTION, re.DOTALL)
PAGE = next(code for _, language, code in BLOCKS if language == "html")
SCRIPT = re.compile(r'<script type="module">\n(.*?)</script>', re.DOTALL)


def run(*command: str | Path, **options: Any) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **options)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


@dataclass(frozen=True)
class Project:
    folder: Path
    environment: dict[str, str]

    @property
    def mysite(self) -> Path:
        return self.folder / "mysite"

    def run(self, line: str) -> str:
        """What the line prints, typed into a terminal in which the virtual environment is active."""
        return run("bash", "-c", line, cwd=self.folder, env=self.environment)

    def write(self, name: str, text: str, *, append: bool = False) -> None:
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text((file.read_text() if append else "") + text)

    def serve(self, **more: str) -> Iterator[Demo]:
        python = str(Path(self.environment["PATH"].partition(":")[0]) / "python")
        command = (python, "-u", "manage.py", "runserver", "--noreload", "0")
        with running(self.folder / "server", command, cwd=self.folder, env=self.environment | more) as demo:
            yield demo


def make_environment(folder: Path, packages: Path) -> dict[str, str]:
    """A new virtual environment. It borrows what the tests have installed, but for this package; it asks no index."""
    venv = folder / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", venv)
    (site_packages,) = venv.glob("lib/python*/site-packages")
    for lent in Path(sysconfig.get_path("purelib")).iterdir():
        if "ironclad" not in lent.name:
            (site_packages / lent.name).symlink_to(lent)
    active = environment(
        PATH=f"{venv}/bin:{os.environ['PATH']}",
        PIP_DISABLE_PIP_VERSION_CHECK="1",
        PIP_FIND_LINKS=str(packages),
        PIP_NO_INDEX="1",
        PIP_PRE="1",
        DJANGO_SUPERUSER_PASSWORD=PASSWORD,
    )
    active.pop("PYTHONPATH", None)
    return active


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, packages: Path) -> Project:
    """Everything that the section says, done in its order; but nobody is there to type a password, or to wait."""
    folder = tmp_path_factory.mktemp("newcomer")
    project = Project(folder, make_environment(folder, packages))
    for text, language, code in BLOCKS:
        if language == "sh":
            for line in code.splitlines():
                if line.startswith("python") and "runserver" not in line:
                    project.run(f"{line} --noinput" if "createsuperuser" in line else line)
        else:
            name = re.findall(r"`(mysite/[\w/.]+)`", text)[-1]
            project.write(name, code, append=language == "python")
    # For later: `runserver` looks for such a folder when it starts.
    (project.mysite / "static").mkdir()
    return project


@pytest.fixture(scope="module")
def demo(project: Project) -> Iterator[Demo]:
    yield from project.serve()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """The README tells nobody to draw an icon, and a browser complains of none."""
    context.route("**/favicon.ico", lambda route: route.fulfill(status=204))
    return context.new_page()


def log_in(page: Page, hello: str = '{"hello":"ada"}') -> None:
    expect(page.get_by_role("button")).to_have_text(["Log in"])
    page.get_by_label("User").fill("ada")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.locator("output")).to_have_text("No active account was found with these credentials.")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.locator("output")).to_have_text(hello)
    expect(page.get_by_role("button")).to_have_text(["Log out"])


def log_out(page: Page) -> None:
    with page.expect_response("**/auth/logout/"):
        page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("button")).to_have_text(["Log in"])
    expect(page.locator("output")).to_be_empty()
    for label in ("User", "Password"):
        expect(page.get_by_label(label)).to_have_value("")


def test_the_readme_alone_leads_to_a_login_and_a_protected_call_in_a_browser(
    project: Project, demo: Demo, page: Page
) -> None:
    where = project.run("python -c 'import django_ironclad; print(django_ironclad.__file__)'")
    assert Path(where).is_relative_to(project.folder / "venv")
    assert "no issues" in project.run("python manage.py check")
    assert demo.call("GET", "/hello/").status == 401

    page.goto("/")
    log_in(page)
    page.reload()
    expect(page.locator("output")).to_have_text('{"hello":"ada"}')

    (cookie,) = page.context.cookies()
    assert (cookie["name"], cookie["httpOnly"]) == ("ironclad_refresh_token", True)

    log_out(page)
    assert page.context.cookies() == []
    page.reload()
    log_in(page)


def test_its_curl_lines_work_as_they_stand(project: Project, demo: Demo) -> None:
    try_the_curl_lines(project, demo)


def try_the_curl_lines(project: Project, demo: Demo) -> None:
    """Each as it is written, but for the address and what stands for a token."""
    login, hello, refresh, logout = re.findall(r"^curl .+$", SECTION, re.MULTILINE)

    def curl(line: str, **tokens: str) -> tuple[str, Any]:
        line = line.replace("http://localhost:8000", demo.url)
        for shown, token in tokens.items():
            line = re.sub(rf"{shown}[\w.-]*…[^\s\"]*", token, line)
        text, _, status = project.run(line + " --silent --write-out ' %{http_code}'").rpartition(" ")
        return status, json.loads(text) if text else None

    status, tokens = curl(login)
    shown = re.search(r"^# (\{.+\})$", SECTION, re.MULTILINE)
    assert shown is not None
    assert (status, tokens.keys()) == ("200", json.loads(shown[1]).keys())
    assert curl(hello, eyJ=tokens["access_token"]) == ("200", {"hello": "ada"})
    status, refreshed = curl(refresh, **{"8c1f": tokens["refresh_token"]})
    assert (status, refreshed.keys()) == ("200", tokens.keys())
    assert curl(logout, **{"8c1f": tokens["refresh_token"]}) == ("204", None)
    status, refused = curl(refresh, **{"8c1f": refreshed["refresh_token"]})
    assert (status, refused["error"]) == ("400", "invalid_grant")
    status, refused = curl(hello, eyJ=refreshed["access_token"])
    assert (status, refused["error"]) == ("401", "invalid_token")


VARIANTS = (ROOT / "README.md").read_text().partition("\n## The same with Django Ninja")[2].partition("\n## ")[0]


def start(project: Project, folder: Path, *, settings: str, urls: str) -> Project:
    """Another new project, with these lines at the end of its settings and addresses."""
    another = Project(folder, project.environment)
    another.run("python -m django startproject mysite .")
    another.write("mysite/settings.py", settings, append=True)
    another.write("mysite/urls.py", urls, append=True)
    another.run("python manage.py migrate")
    another.run("python manage.py createsuperuser --username ada --email ada@example.org --noinput")
    assert "no issues" in another.run("python manage.py check")
    return another


@pytest.mark.parametrize("number", [1, 2], ids=["Django Ninja", "plain Django"])
def test_its_other_views_work_as_they_stand(project: Project, page: Page, tmp_path: Path, number: int) -> None:
    settings, *urls = re.findall(r"```python\n(.*?)```", VARIANTS, re.DOTALL)
    another = start(project, tmp_path, settings=settings, urls=urls[number - 1])
    another.write("mysite/templates/page.html", PAGE)

    with contextmanager(another.serve)() as demo:
        for token in ("", "garbage"):
            refused = demo.call("GET", "/hello/", token=token)
            assert (refused.status, refused.json["error"]) == (401, "invalid_token")
        try_the_curl_lines(another, demo)
        page.goto(demo.url)
        log_in(page, '{"hello": "ada"}')
        log_out(page)


#: A project as many are: pages behind Django's own login, an API for them and for scripts, errors in a form of its own.
GROWN_SETTINGS = """
INSTALLED_APPS += ["rest_framework", "rest_framework.authtoken", "mysite"]
LOGIN_REDIRECT_URL = "/home/"
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework.authentication.SessionAuthentication",
        "rest_framework.authentication.TokenAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "EXCEPTION_HANDLER": "mysite.errors.handle",
}
"""
GROWN_ERRORS = """
from rest_framework.views import exception_handler

def handle(error, context):
    response = exception_handler(error, context)
    if response is not None:
        response.data = {"problem": response.data}
    return response
"""
GROWN_URLS = """
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.urls import include
from rest_framework.decorators import api_view
from rest_framework.response import Response

@login_required
def home(request):
    return HttpResponse(f"<h1>Home of {request.user.get_username()}</h1>")

@api_view(["GET", "POST"])
def notes(request):
    return Response({"of": request.user.get_username(), "by": type(request.successful_authenticator).__name__})

urlpatterns += [
    path("accounts/", include("django.contrib.auth.urls")),
    path("home/", home),
    path("notes/", notes),
]
"""
GROWN_LOGIN = '<form method="post">{% csrf_token %}{{ form.as_p }}<button>Sign in</button></form>'
NOTES = """async (headers) => {
    const answers = await Promise.all(["GET", "POST"].map((method) => fetch("/notes/", { method, headers })));
    return Promise.all(answers.map(async (answer) => [answer.status, await answer.json()]));
}"""


def test_a_project_with_sessions_a_login_page_and_other_settings_keeps_all_of_them(
    project: Project, page: Page, tmp_path: Path
) -> None:
    section = (ROOT / "README.md").read_text().partition("\n## In a project that you have\n")[2].partition("\n## ")[0]
    settings, urls = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    grown = start(project, tmp_path, settings=GROWN_SETTINGS + settings, urls=GROWN_URLS + urls)
    grown.write("mysite/errors.py", GROWN_ERRORS)
    grown.write("mysite/templates/registration/login.html", GROWN_LOGIN)
    key = grown.run("python manage.py drf_create_token ada").split()[2]

    def notes(headers: dict[str, str]) -> Any:
        return page.evaluate(NOTES, headers)

    def by(name: str) -> list[Any]:
        return [[200, {"of": "ada", "by": name}]] * 2

    with contextmanager(grown.serve)() as demo:
        # As before: a visitor is sent to the login page, its session opens pages and API, with Django's CSRF token.
        page.goto(f"{demo.url}/home/")
        assert page.url.endswith("/accounts/login/?next=/home/")
        assert [status for status, _ in notes({})] == [401, 401]
        assert notes({"Authorization": f"Token {key}"}) == by("TokenAuthentication")
        page.get_by_label("Username").fill("ada")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading")).to_have_text("Home of ada")
        csrf = {cookie["name"]: cookie["value"] for cookie in page.context.cookies()}["csrftoken"]
        assert notes({"X-CSRFToken": csrf}) == by("SessionAuthentication")
        assert notes({})[1] == [403, {"problem": {"detail": "CSRF Failed: CSRF token missing."}}]

        # And by a token, beside that session.
        tokens = demo.login("ada")
        bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
        assert notes(bearer) == by("BearerAuthentication")
        assert demo.call("GET", "/home/", token=tokens["access_token"]).status == 200
        assert demo.call("GET", "/home/").status == 302

        # Each ends without the other; a refusal has the form that the project gives to all of them.
        assert demo.call("POST", "/auth/logout/", {"refresh_token": tokens["refresh_token"]}).status == 204
        (status, refused), _ = notes(bearer)
        assert (status, refused["problem"]["error"]) == (401, "invalid_token")
        assert notes({"X-CSRFToken": csrf}) == by("SessionAuthentication")
        assert page.goto(f"{demo.url}/admin/").status == 200  # type: ignore[union-attr]
        expect(page.get_by_role("link", name="Sessions")).to_be_visible()


PRODUCTION = """
from .settings import *

DEBUG = False
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "mysite.production_urls"
STATIC_ROOT = BASE_DIR / "collected"
STORAGES = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"}}
"""
URLS = """
from django.conf import settings
from django.urls import path
from django.views.static import serve

from .urls import urlpatterns

urlpatterns += [path("static/<path:path>", serve, {"document_root": settings.STATIC_ROOT})]
"""
#: With the policy of Django itself, where it has one; else with the nonce as django-csp hands it on.
POLICY = """
from django.utils.csp import CSP

MIDDLEWARE = ["django.middleware.csp.ContentSecurityPolicyMiddleware", *MIDDLEWARE]
TEMPLATES[0]["OPTIONS"]["context_processors"].append("django.template.context_processors.csp")
SECURE_CSP = {"default-src": [CSP.SELF], "script-src": [CSP.SELF, CSP.NONCE]}
"""
POLICY_BY_HAND = """
import secrets

def policy(get_response):
    def middleware(request):
        request.csp_nonce = secrets.token_urlsafe()
        response = get_response(request)
        response["Content-Security-Policy"] = f"default-src 'self'; script-src 'self' 'nonce-{request.csp_nonce}'"
        return response
    return middleware

MIDDLEWARE = ["mysite.production.policy", *MIDDLEWARE]
"""


@pytest.fixture(scope="module")
def production(project: Project) -> Iterator[Demo]:
    """The same project with hashed static files, a strict policy, and the page's script in a file of its own."""
    (script,) = SCRIPT.findall(PAGE)
    project.write("mysite/static/mysite/page.js", script)
    tag = '{% load static %}<script type="module" src="{% static "mysite/page.js" %}"></script>'
    project.write("production/page.html", SCRIPT.sub(tag, PAGE))
    templates = 'TEMPLATES[0]["DIRS"] = [BASE_DIR / "production"]\n'
    policy = POLICY if django.VERSION >= (6,) else POLICY_BY_HAND
    project.write("mysite/production.py", PRODUCTION + templates + policy)
    project.write("mysite/production_urls.py", URLS)
    settings = "mysite.production"
    project.run(f"python manage.py collectstatic --noinput --settings {settings}")
    yield from project.serve(DJANGO_SETTINGS_MODULE=settings)


def test_hashed_static_files_and_a_strict_policy_are_no_obstacle(production: Demo, page: Page) -> None:
    answer = page.goto(production.url)

    assert answer is not None
    policy = answer.headers["content-security-policy"]
    assert re.fullmatch(r"default-src 'self'; script-src 'self' 'nonce-[\w-]{20,}'", policy)
    log_in(page)
    names = page.evaluate("import('django-ironclad/sessions').then((module) => Object.keys(module))")
    assert names == ["createSessions"]
    loaded = page.evaluate("performance.getEntriesByType('resource').map((entry) => new URL(entry.name).pathname)")
    assert any(re.fullmatch(r"/static/django_ironclad/ironclad\.[0-9a-f]{12}\.js", path) for path in loaded)


def test_the_npm_package_in_a_new_project_logs_in_and_calls_a_protected_view(
    project: Project, demo: Demo, page: Page, tmp_path: Path
) -> None:
    # A copy, because a build writes the static files too.
    source = tmp_path / "source/client"
    shutil.copytree(CLIENT, source, ignore=shutil.ignore_patterns("node_modules", "dist"))
    (source / "node_modules").symlink_to(CLIENT / "node_modules")
    run("npm", "run", "build", cwd=source)
    run("npm", "pack", "--pack-destination", tmp_path, cwd=source)
    (tarball,) = tmp_path.glob("*.tgz")

    new = tmp_path / "new"
    new.mkdir()
    run("npm", "init", "--yes", cwd=new)
    run("npm", "install", "--offline", "--no-audit", "--no-fund", tarball, cwd=new)
    (script,) = SCRIPT.findall(PAGE)
    (new / "main.js").write_text(script)
    served = project.mysite / "static/bundled"
    esbuild = CLIENT / "node_modules/.bin/esbuild"
    run(esbuild, "main.js", "--bundle", "--format=esm", "--target=es2022", f"--outfile={served}/main.js", cwd=new)
    page_of_it = re.sub(r"\{%.+?%\}", "", SCRIPT.sub('<script type="module" src="main.js"></script>', PAGE))
    (served / "index.html").write_text(page_of_it)

    page.goto("/static/bundled/index.html")
    log_in(page)
