"""The demo as a process: what it prints, what it keeps, how it starts, fails and stops."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from .running import MANAGE, PASSWORD, ROOT, Demo, demo_environment, environment, running

pytestmark = pytest.mark.browser


def run(*command: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, **options)  # type: ignore[call-overload, no-any-return]


def test_it_prints_the_address_the_users_and_three_curl_lines_that_work_as_printed(demo: Demo) -> None:
    printed = demo.output.read_text()
    assert re.search(rf"^  Address +{re.escape(demo.url)}$", printed, re.MULTILINE)
    assert re.search(r"^  Users +ada .*, alan .*, rosa ", printed, re.MULTILINE)
    assert PASSWORD in printed
    lines = re.findall(r"^ *(curl .+)$", printed, re.MULTILINE)
    results = [run("bash", "-c", line) for line in lines]

    public, login, protected = [json.loads(result.stdout) for result in results]
    assert [result.returncode for result in results] == [0, 0, 0]
    assert {"Welcome", "Library"} <= {notice["title"] for notice in public}
    assert login["username"] == "ada"
    assert login["expires_in"] == 30
    assert {grade["student"] for grade in protected} == {"ada"}


def test_the_three_users_have_the_printed_password_and_their_groups(demo: Demo) -> None:
    groups = {
        name: demo.call("GET", "/auth/me/", token=demo.login(name)["access_token"]).json["groups"]
        for name in ("ada", "alan", "rosa")
    }

    assert groups == {"ada": [], "alan": [], "rosa": ["registrar"]}


def test_an_unauthenticated_call_is_challenged_and_a_forbidden_one_is_403(demo: Demo) -> None:
    nobody = demo.call("GET", "/office/")
    assert nobody.status == 401
    assert nobody.headers["WWW-Authenticate"].startswith("Bearer")
    assert demo.call("GET", "/office/", token=demo.login("alan")["access_token"]).status == 403


def test_a_stale_token_locks_nobody_out_of_the_notices(demo: Demo) -> None:
    assert demo.call("GET", "/public-data/", token="stale").status == 200
    assert demo.call("GET", "/protected-data/", token="stale").status == 401


def test_a_second_start_keeps_data_and_sessions_and_creates_nothing_again(tmp_path: Path) -> None:
    data = tmp_path / "a place with spaces" / "data"
    data.parent.mkdir()
    with running(data) as first:
        rosa = first.login("rosa")
        token = rosa["access_token"]
        assert first.call("PATCH", "/office/1/", {"grade": "F"}, token=token).status == 200
        before = first.call("GET", "/office/", token=token).json
        notices = first.call("GET", "/public-data/").json
        assert first.stop() == 0
    with running(data) as second:
        assert second.call("GET", "/public-data/").json == notices
        assert second.call("GET", "/office/", token=token).json == before
        assert second.call("POST", "/auth/refresh/", {"refresh_token": rosa["refresh_token"]}).status == 200
    assert stat.S_IMODE((data / "secret_key").stat().st_mode) == 0o600
    assert (data / "demo.log").stat().st_size


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_a_signal_stops_it_and_frees_the_port(tmp_path: Path, number: signal.Signals) -> None:
    with running(tmp_path / "data") as demo:
        assert demo.stop(number) == 0
        assert "Traceback" not in demo.output.read_text()
        with pytest.raises(ConnectionRefusedError):
            demo.call("GET", "/")


def test_a_taken_port_is_told_in_one_line_and_touches_no_data(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run(*MANAGE, "demo", "--port", str(port), env=demo_environment(tmp_path))

    assert result.returncode == 1
    assert not result.stdout
    assert result.stderr.splitlines() == [
        f"CommandError: Cannot listen on 127.0.0.1, port {port}: Address already in use. Try another --port."
    ]
    assert not (tmp_path / "campus.sqlite3").exists()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout that is installed already: its Python is the one that runs these tests."""
    root = tmp_path / "checkout"
    (root / ".venv" / "bin").mkdir(parents=True)
    (root / "scripts").mkdir()
    for name in (
        "demo/manage.py",
        "demo/campus",
        "scripts/demo",
        "scripts/_setup",
        "pyproject.toml",
        "constraints.txt",
    ):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).symlink_to(ROOT / name)
    requirements = (root / "pyproject.toml").read_text() + (root / "constraints.txt").read_text()
    (root / ".venv" / ".installed-demo").write_text(requirements)
    for name, text in {"python": f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', "pip": "#!/bin/sh\nexit 9\n"}.items():
        file = root / ".venv" / "bin" / name
        file.write_text(text)
        file.chmod(0o755)
    return root


def test_the_script_starts_it_from_any_directory_and_stops_with_it(checkout: Path) -> None:
    data = checkout.parent / "somewhere"
    command = (str(checkout / "scripts" / "demo"), "--port=0", "--host", "127.0.0.1", "--data", "somewhere/data")
    data.mkdir()
    with running(data / "data", command, cwd=checkout.parent, env=environment()) as demo:
        assert demo.login("ada")["username"] == "ada"
        assert (data / "data" / "campus.sqlite3").exists()
        assert demo.stop() == 0
        with pytest.raises(ConnectionRefusedError):
            demo.call("GET", "/")


def test_the_script_installs_again_when_the_requirements_changed(checkout: Path) -> None:
    (checkout / ".venv" / ".installed-demo").write_text("as they were")
    result = run(str(checkout / "scripts" / "demo"), "--data", str(checkout / "data"), env=environment())

    assert result.returncode == 9
    assert "Installing" in result.stdout


def test_the_script_says_which_python_it_needs(checkout: Path) -> None:
    (checkout / ".venv" / "bin" / "pip").unlink()
    tools = checkout / "tools"
    tools.mkdir()
    for name in ("bash", "dirname", "mkdir", "cat"):
        (tools / name).symlink_to(
            Path("/usr/bin") / name if os.path.exists(f"/usr/bin/{name}") else Path("/bin") / name
        )
    result = run(str(checkout / "scripts" / "demo"), env=environment(PATH=str(tools)))

    assert result.returncode == 1
    assert "Python 3.11 or later is needed" in result.stderr


@pytest.mark.parametrize("arguments", [["--frobnicate"], ["--port"]])
def test_the_script_explains_its_arguments(checkout: Path, arguments: list[str]) -> None:
    script = str(checkout / "scripts" / "demo")
    asked, mistaken = run(script, "--help"), run(script, *arguments)

    assert asked.returncode == 0
    assert "--data DIR" in asked.stdout
    assert mistaken.returncode == 2
    assert "--data DIR" in mistaken.stderr


def test_the_production_settings_pass_djangos_deployment_checks() -> None:
    production = environment(SECRET_KEY="k" * 25 + "0123456789" * 3, ALLOWED_HOSTS="campus.example")
    result = run(*MANAGE, "check", "--deploy", "--fail-level", "DEBUG", env=production)

    assert result.returncode == 0, result.stderr


def test_the_production_settings_refuse_to_work_without_a_key() -> None:
    result = run(*MANAGE, "check", "--deploy", env=environment())

    assert result.returncode != 0
    assert "SECRET_KEY" in result.stderr
