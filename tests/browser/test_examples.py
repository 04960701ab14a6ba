"""The examples, installed and started as their README says, in front of the demo, in a browser."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from .running import PASSWORD, ROOT, Demo, demo_environment, environment, running

pytestmark = pytest.mark.browser

#: A copy of client/ and examples/, beside each other as in the checkout. It stays, so that npm installs each only once.
KEPT = ROOT / ".examples"
BUILD, INSTALL, START = (
    line.partition("#")[0].strip()
    for line in re.findall(r"```sh\n(.*?)```", (ROOT / "examples/README.md").read_text(), re.DOTALL)[0].splitlines()
)


def run(line: str, folder: Path) -> None:
    done = subprocess.run(("bash", "-c", line), cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"


def copy(name: str) -> Path:
    """The folder `name` as it is in the checkout, with what was installed in it before."""
    folder = KEPT / name
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        if old.name != "node_modules":
            shutil.rmtree(old) if old.is_dir() else old.unlink()
    unwanted = shutil.ignore_patterns("node_modules", "dist", ".angular")
    shutil.copytree(ROOT / name, folder, ignore=unwanted, dirs_exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def client() -> Path:
    """Built by the README's line; what `npm ci` would bring, scripts/test has brought."""
    folder = copy("client")
    if not (folder / "node_modules").exists():
        (folder / "node_modules").symlink_to(ROOT / "client/node_modules")
    run(BUILD.replace("npm ci && ", ""), copy("examples/react"))
    return folder


def install(name: str, client: Path) -> Path:
    """The example's folder, with `npm ci` done for this lock file and this build of the client."""
    folder = copy(f"examples/{name}")
    files = [folder / "package-lock.json", *sorted((client / "dist").iterdir())]
    wanted = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    stamp = folder / "node_modules/.installed-for"
    if not (stamp.exists() and stamp.read_text() == wanted):
        run(INSTALL, folder)
        stamp.write_text(wanted)
    return folder


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        return int(free.getsockname()[1])


@contextmanager
def served(folder: Path, demo: Demo, page: Page, output: Path, port: int = 0) -> Iterator[str]:
    """The address of its development server, as long as `page` may look at it.

    Django is not at the README's port, but where these tests have theirs.
    """
    for config in ("vite.config.ts", "proxy.conf.json"):
        if (folder / config).exists():
            text = (folder / config).read_text()
            assert "http://127.0.0.1:8000" in text
            (folder / config).write_text(text.replace("http://127.0.0.1:8000", demo.url))
    command = (*START.split(), "--", "--port", str(port or free_port()))
    with running(output, command, cwd=folder, env=environment(NO_COLOR="1"), start_new_session=True) as server:
        try:
            yield server.url
        finally:
            # First: a development server's page looks for it when it is gone, and complains.
            page.close()
            # npm, its shell, and what that has started.
            with suppress(ProcessLookupError):
                os.killpg(server.process.pid, signal.SIGTERM)


@pytest.mark.parametrize("name", ["react", "vue", "angular"])
def test_an_example_logs_in_through_its_own_development_server(
    name: str, client: Path, demo: Demo, page: Page, tmp_path: Path
) -> None:
    page.route("**/favicon.ico", lambda route: route.fulfill(status=204))
    ended = page.locator("form")
    with served(install(name, client), demo, page, tmp_path / "server") as url:
        page.goto(url)
        log_in(page, "wrong")
        expect(page.get_by_role("alert")).to_have_text("No active account was found with these credentials.")
        log_in(page, PASSWORD)
        see_the_profile(page)
        page.reload()
        see_the_profile(page)
        (cookie,) = page.context.cookies()
        page.get_by_role("button", name="Log out").click()
        expect(ended).to_be_visible()
        page.reload()
        expect(ended).to_be_visible()
        assert page.context.cookies() == []

    refused = demo.post_with(cookie, "/auth/refresh/")
    assert (refused.status, refused.json["error"]) == (400, "invalid_grant")


def install_with_the_short_form(client: Path) -> Path:
    folder = install("react", client)
    config = folder / "vite.config.ts"
    short, count = re.subn(r'\{ target: ("[^"]+"), changeOrigin: false \}', r"\1", config.read_text())
    assert count == 1
    config.write_text(short)
    return folder


def test_the_short_form_of_vites_proxy_is_refused_by_its_host(
    client: Path, demo: Demo, page: Page, tmp_path: Path
) -> None:
    page.route("**/favicon.ico", lambda route: route.fulfill(status=204))
    log = demo.data / "demo.log"
    before = len(log.read_text())
    with served(install_with_the_short_form(client), demo, page, tmp_path / "server") as url:
        page.goto(url)
        log_in(page, PASSWORD)
        expect(page.get_by_role("alert")).to_have_text("The request does not come from an allowed origin.")

    (refusal,) = (line for line in log.read_text()[before:].splitlines() if "refused origin_not_allowed" in line)
    assert f"Origin {url}, and this is {demo.url}" in refusal
    assert "CSRF_TRUSTED_ORIGINS" in refusal


def test_a_proxy_that_rewrites_the_host_needs_its_origin_in_the_settings(
    client: Path, page: Page, tmp_path: Path
) -> None:
    page.route("**/favicon.ico", lambda route: route.fulfill(status=204))
    port = free_port()
    trusting = demo_environment(tmp_path / "data") | {"CSRF_TRUSTED_ORIGINS": f"http://localhost:{port}"}
    with (
        running(tmp_path / "data", env=trusting) as demo,
        served(install_with_the_short_form(client), demo, page, tmp_path / "server", port) as url,
    ):
        page.goto(url)
        log_in(page, PASSWORD)
        see_the_profile(page)


def log_in(page: Page, password: str) -> None:
    page.get_by_label("User name").fill("ada")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()


def see_the_profile(page: Page) -> None:
    """A protected call, whose answer the page shows."""
    expect(page.get_by_role("heading")).to_have_text("Signed in as ada")
    page.get_by_role("button", name="My profile").click()
    expect(page.locator("pre")).to_contain_text(re.compile(r'"username": ?"ada"'))
