"""A session where Django usually stands, each right and with one setting wrong; and then the log says which."""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext

import django_ironclad

from .browsers import some
from .certificates import certificate
from .deployed import deployed
from .running import PASSWORD, Demo

pytestmark = pytest.mark.browser
HOSTS = ("app.example.test", "api.example.test", "app.elsewhere.test")
TLS = {"SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https")}

PASS_HOST = "If the page is yours, name its origin in CSRF_TRUSTED_ORIGINS, or let the proxy pass on Host as it came."
SSL_HEADER = "If a proxy ends TLS, let it send X-Forwarded-Proto, and set SECURE_PROXY_SSL_HEADER."
SITES = "If the page is yours, name its origin in CSRF_TRUSTED_ORIGINS and set IRONCLAD['COOKIE_SAMESITE'] = 'None'."
#: A life: in, a protected call, a reload, the next token, out. What each step comes to, or the code of its error.
LIFE = """async ([script, baseURL, password, step]) => {
    const { createAuth } = await import(script);
    const auth = createAuth({ baseURL });
    await auth.ready;
    const profile = new URL("../profile/", new URL(baseURL, location.href)).href;
    const steps = {
        "log in": async () => { await auth.login({ username: "ada", password }); return auth.state.user.username },
        "go on": async () => {
            await auth.refresh();
            return [auth.state.user.username, (await auth.fetch(profile)).status].join(" ");
        },
        "log out": async () => { await auth.logout(); return auth.state.status },
    };
    return steps[step]().catch((error) => error.code);
}"""
RIGHT = ["ada", "ada 200", "ada 200", "signed-out"]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    return certificate(tmp_path_factory.mktemp("tls"), *HOSTS)


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(ignore_https_errors=True)
    context.set_default_timeout(20_000)
    yield context
    context.close()


def live(context: BrowserContext, page_url: str, api: str = "", script: str = "") -> list[str]:
    """What comes of a life on a page there; of its first step alone, where that fails."""
    page = context.new_page()
    script = script or "/static/django_ironclad/ironclad.js"
    told: list[str] = []
    for step in ("log in", "go on", "go on", "log out"):
        page.goto(page_url)
        told.append(str(page.evaluate(LIFE, [script, f"{api}/auth/", PASSWORD, step])))
        if told in (["origin_not_allowed"], ["invalid_request"]):
            return told
    return told


def warnings(app: Demo) -> list[str]:
    """What the log warns of, of ours."""
    lines = (app.data / "demo.log").read_text().splitlines()
    return [line.partition(" django_ironclad: ")[2] for line in lines if " WARNING django_ironclad: " in line]


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler], files: tuple[str, str] | None = None) -> Iterator[int]:
    """The port of a server with this handler, by TLS or not."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        if files:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*files)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


# On one origin.


@pytest.mark.parametrize("right", [True, False], ids=["right", "without the transport"])
def test_on_one_origin(context: BrowserContext, files: tuple[str, str], tmp_path: Path, right: bool) -> None:
    settings = {} if right else {"IRONCLAD": {"TRANSPORTS": ["body"]}}
    with deployed(tmp_path / "data", "wsgi", *files, **settings) as app:
        came = live(context, f"{app.url.replace('127.0.0.1', HOSTS[0])}/public-data/")
        assert came == (RIGHT if right else ["invalid_request"])
        wrong = "refused invalid_request: IRONCLAD['TRANSPORTS'] has no 'cookie'."
        assert warnings(app) == ([] if right else [wrong])


# Behind a development server that hands on what it does not know.


class DevelopmentServer(BaseHTTPRequestHandler):
    django = ""
    #: As Vite calls it: whether Host becomes Django's own.
    change_origin = False

    def do_GET(self) -> None:
        sent = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
        if self.change_origin:
            sent["Host"] = self.django
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with closing(http.client.HTTPConnection(self.django, timeout=20)) as connection:
            connection.request(self.command, self.path, body, sent)
            answer = connection.getresponse()
            content = answer.read()
            self.send_response_only(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in ("connection", "transfer-encoding", "content-length"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    do_POST = do_GET  # noqa: N815 - its name in the standard library

    def log_message(self, *_: object) -> None:
        """Nothing."""


DEVELOPMENT = {"SESSION_COOKIE_SECURE": False, "ALLOWED_HOSTS": ["localhost", "127.0.0.1"]}


@pytest.mark.parametrize(
    ("change_origin", "trusted"), [(False, False), (True, False), (True, True)], ids=["right", "wrong", "trusted"]
)
def test_behind_a_development_server(
    context: BrowserContext, tmp_path: Path, change_origin: bool, trusted: bool
) -> None:
    class Proxy(DevelopmentServer):
        pass

    with serving(Proxy) as port:
        origin = f"http://localhost:{port}"
        settings = DEVELOPMENT | ({"CSRF_TRUSTED_ORIGINS": [origin]} if trusted else {})
        with deployed(tmp_path / "data", "wsgi", **settings) as app:
            Proxy.django, Proxy.change_origin = urlsplit(app.url).netloc, change_origin
            wrong = change_origin and not trusted
            assert live(context, f"{origin}/public-data/") == (["origin_not_allowed"] if wrong else RIGHT)
            said = f"refused origin_not_allowed: Origin {origin}, and this is {app.url}. {PASS_HOST}"
            assert warnings(app) == ([said] if wrong else [])


# A page on another origin: of the same site, and of another.


class FrontEnd(SimpleHTTPRequestHandler):
    """The client's files, as a server of its own has them."""

    def __init__(self, *arguments: Any) -> None:
        static = Path(django_ironclad.__file__).parent / "static/django_ironclad"
        super().__init__(*arguments, directory=str(static))

    def log_message(self, *_: object) -> None:
        """Nothing."""


def cors(origin: str) -> dict[str, Any]:
    return {
        "ALLOWED_HOSTS": [HOSTS[1]],
        "CSRF_TRUSTED_ORIGINS": [origin],
        "CORS_ALLOWED_ORIGINS": [origin],
        "CORS_ALLOW_CREDENTIALS": True,
        "CORS_EXPOSE_HEADERS": ["WWW-Authenticate", "Retry-After"],
    }


#: The page's host, what is set otherwise, and what the log then says.
ELSEWHERE: dict[str, tuple[str, dict[str, Any], str]] = {
    "one site": (HOSTS[0], {}, ""),
    "one site, not trusted": (
        HOSTS[0],
        {"CSRF_TRUSTED_ORIGINS": []},
        f"Origin {{page}}, and this is {{api}}. {PASS_HOST}",
    ),
    "two sites, Strict": (HOSTS[2], {}, f"Origin {{page}}, and this is {{api}}, which are two sites. {SITES}"),
    "two sites": (HOSTS[2], {"IRONCLAD": {"COOKIE_SAMESITE": "None"}}, ""),
}


@pytest.mark.parametrize("case", some(ELSEWHERE, "one site", "two sites, Strict"))
def test_a_page_on_another_origin(context: BrowserContext, files: tuple[str, str], tmp_path: Path, case: str) -> None:
    host, otherwise, said = ELSEWHERE[case]
    with serving(FrontEnd, files) as port:
        page = f"https://{host}:{port}"
        with deployed(tmp_path / "data", "wsgi", *files, **(cors(page) | otherwise)) as app:
            api = app.url.replace("127.0.0.1", HOSTS[1])
            life = live(context, page, api, "/ironclad.js")
            # This browser keeps no cookie of another site than the page's, whatever we say, and others do so, too.
            came = life[:1] if case == "two sites" else life
            assert came == (["origin_not_allowed"] if said else RIGHT[: len(came)])
            assert warnings(app) == ([f"refused origin_not_allowed: {said.format(page=page, api=api)}"] if said else [])


# Behind nginx, which ends TLS.

NGINX = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
{user}
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {certificate};
        ssl_certificate_key {key};
        location / {{
            proxy_pass {django};
            {headers}
        }}
    }}
}}
"""


@contextmanager
def nginx(folder: Path, files: tuple[str, str], django: str, port: int, headers: str) -> Iterator[None]:
    """nginx, ready."""
    program = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:" + os.environ["PATH"])
    if program is None:
        pytest.skip("nginx is not there, and scripts/test installs it only as root with apt-get: install nginx")
    folder.mkdir()
    user = "user root;" if os.geteuid() == 0 else ""
    config = folder / "nginx.conf"
    config.write_text(
        NGINX.format(
            folder=folder, user=user, port=port, certificate=files[0], key=files[1], django=django, headers=headers
        )
    )
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen([program, "-p", str(folder), "-c", str(config)], stdout=output, stderr=output)
    try:
        deadline = time.monotonic() + 20
        while True:
            assert process.poll() is None, (folder / "output").read_text()
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert time.monotonic() < deadline, "nginx does not listen"
                time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(timeout=20)


PROTO = "proxy_set_header X-Forwarded-Proto $scheme;"
HOST = "proxy_set_header Host $http_host;"
#: What is set, what nginx sends, and what the log then says.
PROXIED: dict[str, tuple[dict[str, Any], str, str]] = {
    "right": (TLS, f"{HOST} {PROTO}", ""),
    "no SECURE_PROXY_SSL_HEADER": (
        {},
        f"{HOST} {PROTO}",
        f"Origin {{page}}, and this is http://{{host}}. {SSL_HEADER}",
    ),
    "no X-Forwarded-Proto": (TLS, HOST, f"Origin {{page}}, and this is http://{{host}}. {SSL_HEADER}"),
    "no Host": (TLS, PROTO, f"Origin {{page}}, and this is https://{{django}}. {PASS_HOST}"),
    "Host without its port": (
        TLS,
        f"proxy_set_header Host $host; {PROTO}",
        f"Origin {{page}}, and this is https://{HOSTS[0]}. {PASS_HOST}",
    ),
    "Host as nobody types it": (TLS, f"proxy_set_header Host APP.example.test:$server_port; {PROTO}", ""),
}


@pytest.mark.parametrize("case", some(PROXIED, "right", "no Host"))
def test_behind_an_nginx_that_ends_tls(
    context: BrowserContext, files: tuple[str, str], tmp_path: Path, case: str
) -> None:
    settings, headers, said = PROXIED[case]
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    host = f"{HOSTS[0]}:{port}"
    allowed = {"ALLOWED_HOSTS": [HOSTS[0], "127.0.0.1"]}
    with deployed(tmp_path / "data", "wsgi", **allowed, **settings) as app:
        with nginx(tmp_path / "nginx", files, app.url, port, headers):
            assert live(context, f"https://{host}/public-data/") == (["origin_not_allowed"] if said else RIGHT)
        line = said.format(page=f"https://{host}", host=host, django=urlsplit(app.url).netloc)
        assert warnings(app) == ([f"refused origin_not_allowed: {line}"] if said else [])
