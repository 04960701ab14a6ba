"""Each system check, provoked; and a project that does as the README says hears none of ours."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from corsheaders.middleware import CorsMiddleware
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.checks import run_checks
from django.db import connection
from django.http import HttpResponse
from django.middleware.csrf import CsrfViewMiddleware
from django.test import RequestFactory, override_settings
from django.urls import include, path
from django.views.decorators.cache import never_cache
from ninja import NinjaAPI
from ninja.security import django_auth
from rest_framework.authentication import SessionAuthentication
from rest_framework.views import APIView

from django_ironclad import checks
from django_ironclad.checks import databases
from django_ironclad.drf import BearerAuthentication
from django_ironclad.middleware import BearerMiddleware
from django_ironclad.ninja import Bearer
from django_ironclad.ninja import requires as ninja_requires

# On Django 6.1 its own checks ask an SQLite whether it knows JSON.
pytestmark = pytest.mark.django_db
ROOT = Path(__file__).parents[1]
SAFE: dict[str, Any] = {
    "SECRET_KEY": "0123456789abcdef" * 4,
    "SESSION_COOKIE_SECURE": True,
    "AUTH_PASSWORD_VALIDATORS": [{"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"}],
}


def heard(*, deploy: bool = False) -> set[str]:
    messages = run_checks(include_deployment_checks=deploy)
    ours = [message for message in messages if message.id.startswith("ironclad.")]
    assert all(message.hint for message in ours)
    return {message.id.removeprefix("ironclad.") for message in ours}


def pem(private: Any) -> str:
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return str(private.private_bytes(encoding, form, serialization.NoEncryption()).decode())


ED25519 = pem(ed25519.Ed25519PrivateKey.generate())
URL = "https://api.example.org"


@pytest.fixture(autouse=True)
def _database_is_fine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever database these tests run on: its settings are the subject of one test only."""
    options = dict.fromkeys(databases.TIMEOUTS.get(connection.vendor, ()), 2)
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", options)
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", 60)


def test_these_settings_are_fine() -> None:
    assert heard() == set()
    with override_settings(**SAFE):
        assert heard(deploy=True) == set()


def test_the_middleware_stands_before_djangos_csrf_check() -> None:
    with override_settings(MIDDLEWARE=sorted(settings.MIDDLEWARE, key=lambda path: "Bearer" in path)):
        assert heard() == {"E001"}


class OwnMiddleware(BearerMiddleware):
    pass


class OwnCsrf(CsrfViewMiddleware):
    pass


@pytest.mark.parametrize("ours", ["django_ironclad.middleware.BearerMiddleware", f"{__name__}.OwnMiddleware"])
@pytest.mark.parametrize("csrf", ["django.middleware.csrf.CsrfViewMiddleware", f"{__name__}.OwnCsrf"])
def test_so_do_their_subclasses(ours: str, csrf: str) -> None:
    with override_settings(MIDDLEWARE=[ours, csrf]):
        assert not [each for each in checks.check_settings() if each.id == "ironclad.E001"]
    with override_settings(MIDDLEWARE=[csrf, ours]):
        (found,) = [each for each in checks.check_settings() if each.id == "ironclad.E001"]
    assert repr(ours) in str(found.hint)


class OwnAuthentication(BearerAuthentication):
    pass


class RestView(APIView):
    authentication_classes: list[Any] = []


def ninja(**operation: Any) -> tuple[Any, ...]:
    api = NinjaAPI(urls_namespace=f"checks-{id(operation)}", auth=operation.pop("default", None))
    api.get("/me", **operation)(lambda request: {})
    return (path("outer/", include([path("api/", api.urls)])),)


def rest(*classes: type) -> tuple[Any, ...]:
    return (path("rest/", never_cache(RestView.as_view(authentication_classes=classes))),)


NAME = "DEFAULT_AUTHENTICATION_CLASSES"


@pytest.mark.parametrize(
    ("project", "expected"),
    [
        ({}, {"W006"}),
        ({"REST_FRAMEWORK": {NAME: ["rest_framework.authentication.SessionAuthentication"]}}, {"W006"}),
        ({"REST_FRAMEWORK": {NAME: ["django_ironclad_is_not_here.Authentication"]}}, {"W006"}),
        ({"REST_FRAMEWORK": {NAME: ["django_ironclad.drf.BearerAuthentication"]}}, set()),
        ({"REST_FRAMEWORK": {NAME: ["django_ironclad.drf.StrictBearerAuthentication"]}}, set()),
        ({"REST_FRAMEWORK": {NAME: [f"{__name__}.OwnAuthentication"]}}, set()),
        ({"REST_FRAMEWORK": {NAME: [OwnAuthentication]}}, set()),
        ({"MIDDLEWARE": ["django_ironclad.middleware.BearerMiddleware"]}, set()),
        ({"MIDDLEWARE": [f"{__name__}.OwnMiddleware"]}, set()),
        ({"ROOT_URLCONF": rest(SessionAuthentication)}, {"W006"}),
        ({"ROOT_URLCONF": rest(SessionAuthentication, OwnAuthentication)}, set()),
        ({"ROOT_URLCONF": ninja(default=django_auth)}, {"W006"}),
        ({"ROOT_URLCONF": ninja(default=Bearer())}, set()),
        ({"ROOT_URLCONF": ninja(auth=[django_auth, ninja_requires(scope="read")])}, set()),
    ],
)
def test_something_has_to_look_at_tokens(project: dict[str, Any], expected: set[str]) -> None:
    with override_settings(**{"MIDDLEWARE": [], "REST_FRAMEWORK": {}, "ROOT_URLCONF": ()} | project):
        assert {message.id for message in checks.check_settings()} == {f"ironclad.{each}" for each in expected}


class Elsewhere:
    """A router that sends sessions away."""

    def db_for_write(self, model: type[Any], **_: object) -> str | None:
        return "elsewhere" if model._meta.app_label == "ironclad" else None


def test_sessions_and_users_share_a_database() -> None:
    with override_settings(DATABASE_ROUTERS=["tests.test_checks.Elsewhere"]):
        assert {message.id for message in checks.check_settings()} == {"ironclad.E004"}


WILD = ["https://*.example.org"]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"IRONCLAD": {"COOKIE_SAMESITE": "None"}, "SESSION_COOKIE_SECURE": False}, {"E002"}),
        ({"IRONCLAD": {"COOKIE_SAMESITE": "None"}}, set()),
        ({"IRONCLAD": {"COOKIE_SAMESITE": "None"}, "CSRF_TRUSTED_ORIGINS": WILD}, {"E003"}),
        ({"IRONCLAD": {"COOKIE_SAMESITE": "None", "TRANSPORTS": ["body"]}, "CSRF_TRUSTED_ORIGINS": WILD}, set()),
        ({"CSRF_TRUSTED_ORIGINS": WILD}, set()),
        ({"CORS_ALLOW_ALL_ORIGINS": True}, set()),
        ({"CORS_ALLOW_ALL_ORIGINS": True, "CORS_ALLOW_CREDENTIALS": True}, {"E005"}),
        ({"CORS_ORIGIN_ALLOW_ALL": True, "CORS_ALLOW_CREDENTIALS": True}, {"E005"}),
        ({"CORS_ORIGIN_ALLOW_ALL": True, "CORS_ALLOW_ALL_ORIGINS": False, "CORS_ALLOW_CREDENTIALS": True}, set()),
    ],
)
def test_what_is_unsafe_together_is_an_error(more: dict[str, Any], expected: set[str]) -> None:
    with override_settings(**SAFE | more):
        assert heard() == expected


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"SESSION_COOKIE_SECURE": False}, {"W001"}),
        ({"SESSION_COOKIE_SECURE": False, "IRONCLAD": {"TRANSPORTS": ["body"]}}, set()),
        ({"IRONCLAD": {"ACCESS_TOKEN_LIFETIME": timedelta(minutes=61)}}, {"W002"}),
        ({"IRONCLAD": {"DRF_JWT_TOKEN_LIFETIME": timedelta(hours=2)}}, {"W002"}),
        ({"IRONCLAD": {"ACCESS_TOKEN_LIFETIME": timedelta(minutes=60)}}, set()),
        ({"IRONCLAD": {"ACCESS_TOKEN_LIFETIME": timedelta(minutes=1)}}, {"W019"}),
        ({"IRONCLAD": {"ACCESS_TOKEN_LIFETIME": timedelta(seconds=61)}}, set()),
        ({"IRONCLAD": {"REUSE_GRACE": timedelta(seconds=50)}}, {"W019"}),
        ({"IRONCLAD": {"REUSE_GRACE": timedelta(seconds=49)}}, set()),
        ({"IRONCLAD": {"KEYS": [ED25519]}}, {"W004"}),
        ({"IRONCLAD": {"KEYS": [ED25519], "ISSUER": URL, "AUDIENCE": "others"}}, set()),
        ({"IRONCLAD": {"AUDIENCE": "others"}}, {"W008"}),
        ({"CSRF_TRUSTED_ORIGINS": WILD}, {"W007"}),
        ({"SECRET_KEY": "short"}, {"E006"}),
        ({"SECRET_KEY": "django-insecure-" + "0123456789abcdef" * 4}, {"E006"}),
        ({"PASSWORD_HASHERS": ["django.contrib.auth.hashers.MD5PasswordHasher"]}, {"W013"}),
        ({"AUTH_PASSWORD_VALIDATORS": []}, {"W014"}),
        ({"IRONCLAD": {"COOKIE_NAME": "my-refresh"}}, {"W015"}),
        ({"IRONCLAD": {"COOKIE_NAME": "my-refresh", "TRANSPORTS": ["body"]}}, set()),
        ({"IRONCLAD": {"COOKIE_NAME": "my-secret"}}, set()),
        ({"AXES_LOCKOUT_PARAMETERS": ["username"]}, {"W012"}),
        ({"INSTALLED_APPS": [app for app in settings.INSTALLED_APPS if app != "axes"]}, {"W011"}),
    ],
)
def test_what_is_risky_in_production_is_told_at_deployment(more: dict[str, Any], expected: set[str]) -> None:
    with override_settings(**SAFE | more):
        assert heard(deploy=True) == expected


@pytest.mark.parametrize("make", [str, Path], ids=["a text", "a Path"])
def test_a_key_file_that_is_missing_is_told_wherever_checks_run_and_stops_no_command(make: Any, tmp_path: Path) -> None:
    for deploy in (False, True):
        with override_settings(**SAFE | {"IRONCLAD": {"KEYS": [make(tmp_path / "absent.pem")]}}):
            assert heard(deploy=deploy) == {"W021"}
    (tmp_path / "absent.pem").write_text(ED25519)
    (tmp_path / "absent.pem").chmod(0o600)
    with override_settings(**SAFE | {"IRONCLAD": {"KEYS": [make(tmp_path / "absent.pem")], "ISSUER": URL}}):
        assert heard(deploy=True) == set()


def test_axes_has_to_look_for_the_name_that_backends_are_told() -> None:
    field = get_user_model().USERNAME_FIELD
    with override_settings(AXES_USERNAME_FORM_FIELD="login"):
        assert heard() == {"W022"}
    with override_settings(AXES_USERNAME_FORM_FIELD=field):
        assert heard() == set()


#: For django-cors-headers, and whether somebody whom nobody named has an origin that it lets in.
CORS: list[tuple[dict[str, Any], bool]] = [
    ({"CORS_ALLOWED_ORIGINS": ["https://app.example.org"]}, False),
    ({"CORS_ALLOWED_ORIGINS": ["https://app.example.org", "null"]}, True),
    ({"CORS_ORIGIN_WHITELIST": ["null"]}, True),
    *(
        ({"CORS_ALLOWED_ORIGIN_REGEXES": [pattern]}, True)
        for pattern in [".*", "^.*$", ".+", "", "https?://", r"^https://.+$"]
    ),
    *(
        ({"CORS_ALLOWED_ORIGIN_REGEXES": [pattern]}, True)
        for pattern in [r"^\w+://[\w.:-]+$", r"^https://[\w.-]+\.com$"]
    ),
    *(
        ({"CORS_ALLOWED_ORIGIN_REGEXES": [pattern]}, True)
        for pattern in [r"^http://.*:8443$", r"^https://[\w-]+\.vercel\.app$", r"^https://.*\.netlify\.app$"]
    ),
    *(
        ({"CORS_ALLOWED_ORIGIN_REGEXES": [pattern]}, True)
        for pattern in [
            r"^https://[a-z]+(\.[a-z]+)*$",
            r"^https://[a-z0-9]+\.(com|org)$",
            r"^(null|https://a\.example\.org)$",
        ]
    ),
    ({"CORS_ALLOWED_ORIGIN_REGEXES": [r"^https://\w+\.example\.org"]}, True),
    *(
        ({"CORS_ALLOWED_ORIGIN_REGEXES": [pattern]}, True)
        for pattern in [
            r"^https://.*example\.org$",
            r"^https?://[\w.-]*\.?example\.org$",
            r"^https://a.example.org$",
            r"^https://a.example\.org$",
            r"^https://\w+.example\.org$",
        ]
    ),
    *(
        ({"CORS_ALLOWED_ORIGIN_REGEXES": [pattern]}, False)
        for pattern in [
            r"^https://(.*\.)?example\.org$",
            r"^https://[\w-]+\.example\.org(:\d+)?$",
            r"^http://127.0.0.1:\d+$",
            r"^https?://(www|app)\.example\.org$",
        ]
    ),
    ({"CORS_ALLOWED_ORIGIN_REGEXES": [r"^https://app\.example\.org(:\d+)?"]}, True),
    ({"CORS_ALLOWED_ORIGIN_REGEXES": [re.compile("HTTPS://.*", re.IGNORECASE)]}, True),
    ({"CORS_ORIGIN_REGEX_WHITELIST": [".*"]}, True),
    ({"CORS_ORIGIN_REGEX_WHITELIST": [".*"], "CORS_ALLOWED_ORIGIN_REGEXES": []}, False),
    ({"CORS_ALLOWED_ORIGIN_REGEXES": [r"^https://\w+\.example\.org$", r"^http://localhost:\d+$"]}, False),
    (
        {
            "CORS_ALLOWED_ORIGIN_REGEXES": [
                r"^http://localhost:\d+",
                r"(^https://app\.example\.org$)",
                r"^http://a:3000",
            ]
        },
        False,
    ),
    ({"CORS_ALLOWED_ORIGIN_REGEXES": [re.compile(r"^https://app\.example\.org\Z")]}, False),
]
#: Whoever has one of these is nobody's friend.
STRANGERS = [
    *("null", "https://evil.example", "http://evil.example", "https://evil.com", "https://evil.vercel.app"),
    "https://evil.netlify.app",
    *("https://nobodynamesthisexample.org", "https://axexample.org", "https://evilxexample.org"),
    *("http://evil.example:8443", "https://x.example.org.evil.example", "https://app.example.org.evil.example"),
]


@pytest.mark.parametrize(("cors", "open_to_all"), CORS, ids=lambda value: str(value) if isinstance(value, dict) else "")
def test_every_way_to_let_all_origins_in_is_an_error(cors: dict[str, Any], open_to_all: bool) -> None:
    """As django-cors-headers itself reads these settings."""
    middleware = CorsMiddleware(lambda _: HttpResponse())
    with override_settings(**SAFE, **cors, CORS_ALLOW_CREDENTIALS=True):
        answers = [middleware(RequestFactory().get("/", headers={"origin": origin})) for origin in STRANGERS]
        let_in = [answer for answer in answers if "access-control-allow-credentials" in answer]
        assert bool(let_in) == open_to_all
        assert heard() == ({"E005"} if open_to_all else set())
    with override_settings(**SAFE, **cors):
        assert heard(deploy=True) == set()


OWN = ["https://app.example.org"]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"ALLOWED_HOSTS": ["app.example.org"], "CSRF_TRUSTED_ORIGINS": OWN}, {"W016"}),
        ({"ALLOWED_HOSTS": ["App.example.org", "localhost", "10.0.0.7"], "CSRF_TRUSTED_ORIGINS": OWN}, {"W016"}),
        ({"ALLOWED_HOSTS": ["app.example.org", "api.example.org"], "CSRF_TRUSTED_ORIGINS": OWN}, set()),
        ({"ALLOWED_HOSTS": [".example.org"], "CSRF_TRUSTED_ORIGINS": OWN}, set()),
        ({"ALLOWED_HOSTS": ["*"], "CSRF_TRUSTED_ORIGINS": OWN}, set()),
        ({"ALLOWED_HOSTS": ["localhost"], "CSRF_TRUSTED_ORIGINS": OWN}, set()),
        ({"ALLOWED_HOSTS": ["app.example.org"], "CSRF_TRUSTED_ORIGINS": []}, set()),
        (
            {
                "ALLOWED_HOSTS": ["app.example.org"],
                "CSRF_TRUSTED_ORIGINS": OWN,
                "SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https"),
            },
            set(),
        ),
        ({"CORS_ALLOWED_ORIGINS": OWN}, set()),
        ({"CORS_ALLOWED_ORIGINS": OWN, "CORS_ALLOW_CREDENTIALS": True}, {"W017"}),
        ({"CORS_ALLOW_CREDENTIALS": True, "CORS_EXPOSE_HEADERS": ["*"]}, {"W017"}),
        ({"CORS_ALLOW_CREDENTIALS": True, "CORS_EXPOSE_HEADERS": ["retry-after"]}, {"W017"}),
        ({"CORS_ALLOW_CREDENTIALS": True, "CORS_EXPOSE_HEADERS": ["retry-after", "WWW-AUTHENTICATE", "X-A"]}, set()),
    ],
)
def test_a_front_end_elsewhere_or_a_proxy_that_is_set_up_by_half_is_told_at_deployment(
    more: dict[str, Any], expected: set[str]
) -> None:
    with override_settings(**SAFE | more):
        assert heard(deploy=True) == expected


@pytest.mark.parametrize(
    "origin",
    [
        *("https://App.example.org", "https://app.example.org/", "https://app.example.org:443", "http://a.example:80"),
        *(
            "https://b\xfccher.example",
            "https://*",
            "https://*example.org",
            "https://a.*.example.org",
            "https://user@a.example",
        ),
        *("https://a.example/path", "https://a b.example", "https://"),
    ],
)
def test_an_origin_that_no_browser_sends_is_told(origin: str) -> None:
    fine = ["https://app.example.org", "http://localhost:5173", "https://xn--bcher-kva.example", "http://[::1]:8000"]
    fine += ["capacitor://localhost", "chrome-extension://abcdefgh", "http://10.0.0.7:8000", "https://my_app.example"]
    with override_settings(**SAFE, CSRF_TRUSTED_ORIGINS=fine):
        assert heard(deploy=True) == set()
    with override_settings(**SAFE, CSRF_TRUSTED_ORIGINS=[*fine, origin]):
        assert heard() == {"W018"}


def test_rsa_is_told_at_deployment() -> None:
    key = pem(rsa.generate_private_key(public_exponent=65537, key_size=2048))
    with override_settings(**SAFE, IRONCLAD={"KEYS": [key], "ISSUER": URL}):
        assert heard(deploy=True) == {"W003"}


def test_a_key_file_that_others_may_read_is_told_at_deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "key.pem"
    file.write_text(ED25519)
    for key in (file, str(file)):
        with override_settings(**SAFE, IRONCLAD={"KEYS": [key], "ISSUER": URL}):
            file.chmod(0o644)
            assert heard(deploy=True) == {"W005"}
            with monkeypatch.context() as patch:
                # Whose files look so whoever may read them.
                patch.setattr(sys, "platform", "win32")
                assert heard(deploy=True) == set()
            file.chmod(0o600)
            assert heard(deploy=True) == set()


@pytest.mark.skipif("connection.vendor == 'sqlite'", reason="SQLite has no server that could stop answering")
def test_a_database_without_timeouts_or_lasting_connections_is_told_at_deployment() -> None:
    timeouts = {"connect_timeout": 2} | (
        {"read_timeout": 5} if connection.vendor == "mysql" else {"tcp_user_timeout": 2000}
    )
    with override_settings(**SAFE):
        connection.settings_dict["OPTIONS"] = {"connect_timeout": 2}
        assert heard(deploy=True) == {"W009"}
        connection.settings_dict["CONN_MAX_AGE"] = 0
        assert heard(deploy=True) == {"W009", "W010"}
        connection.settings_dict["OPTIONS"] = {**timeouts, "pool": True}
        assert heard(deploy=True) == set()


def test_each_check_has_its_line_in_the_docs() -> None:
    source = "".join(file.read_text() for file in (ROOT / "src/django_ironclad/checks").glob("*.py"))
    docs = (ROOT / "docs/checks.md").read_text()
    ids = {part[:4] for part in source.split('id="ironclad.')[1:]}
    assert len(ids) > 24
    assert {identifier for identifier in ids if f"`ironclad.{identifier}`" not in docs} == set()


def test_a_default_project_that_follows_the_readme_hears_nothing(tmp_path: Path) -> None:
    """And at deployment only what nobody but the project can know."""
    django = [sys.executable, "-m", "django"]
    # With the environment of the tests, it would be their project.
    clean = {
        name: value for name, value in os.environ.items() if name not in ("DJANGO_SETTINGS_MODULE", "DATABASE_URL")
    }
    subprocess.run([*django, "startproject", "site_of_mine", str(tmp_path)], check=True, env=clean)
    settings_file = tmp_path / "site_of_mine" / "settings.py"
    text = settings_file.read_text()
    csrf = '    "django.middleware.csrf.CsrfViewMiddleware",'.replace('"', "'")
    assert csrf in text
    text = text.replace(csrf, f"    'django_ironclad.middleware.BearerMiddleware',\n{csrf}")
    text = text.replace("INSTALLED_APPS = [", "INSTALLED_APPS = [\n    'django_ironclad',")
    text += '\nREST_FRAMEWORK = {"DEFAULT_AUTHENTICATION_CLASSES": ["django_ironclad.drf.BearerAuthentication"]}\n'
    settings_file.write_text(text)
    program = (
        "import json, django; django.setup(); from django.core.checks import run_checks as run;"
        "print(json.dumps([[m.id for m in run(include_deployment_checks=deploy)] for deploy in (False, True)]))"
    )
    environment = clean | {"DJANGO_SETTINGS_MODULE": "site_of_mine.settings", "PYTHONWARNINGS": "error"}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    plain, deployed = json.loads(done.stdout)
    assert plain == []
    assert {each for each in deployed if each.startswith("ironclad.")} == {
        "ironclad.E006",  # startproject's SECRET_KEY
        "ironclad.W001",  # SESSION_COOKIE_SECURE
        "ironclad.W011",  # who limits logins
    }


def test_an_authenticator_of_theirs_that_stands_before_ours_is_an_error() -> None:
    authentication = pytest.importorskip("rest_framework_simplejwt.authentication")
    theirs = "rest_framework_simplejwt.authentication.JWTAuthentication"
    own = type("Own", (authentication.JWTAuthentication,), {})
    ours = "django_ironclad.drf.BearerAuthentication"
    orders: list[tuple[list[Any], bool]] = [
        ([theirs, ours], True),
        ([own, SessionAuthentication, BearerAuthentication], True),
        ([ours, theirs], False),
        ([theirs], False),
    ]
    for named, wanted in orders:
        with override_settings(REST_FRAMEWORK={"DEFAULT_AUTHENTICATION_CLASSES": named}):
            assert ("E040" in heard()) is wanted, named


def test_a_setting_that_nobody_reads_any_more_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "knox", raising=False)
    with override_settings(REST_KNOX={}):
        assert heard() == {"W041"}
        monkeypatch.setitem(sys.modules, "knox", sys)
        assert heard() == set()
