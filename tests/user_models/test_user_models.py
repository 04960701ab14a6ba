"""Every kind of user model through all that a person does: each in a process of its own, all of them started once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from django_ironclad.tokens.encoding import b64decode, b64encode, dump_json

from . import story
from .kinds import KINDS

ROOT = Path(__file__).parents[2]
#: What the browser client is tried with.
WIRE = ROOT / "client/tests/user-models.json"


@pytest.fixture(scope="session")
def told() -> dict[str, Any]:
    command = [sys.executable, "-W", "error", "-m", "tests.user_models.run"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.mark.parametrize("step", [step.__name__ for step in story.STEPS])
@pytest.mark.parametrize("kind", KINDS)
def test_she(kind: str, step: str, told: dict[str, Any]) -> None:
    went = told[kind]["went"]

    assert "begins" not in went, went["begins"]
    assert went[step] == "", went[step]


def test_a_composite_key_is_refused_by_djangos_own_check_which_names_our_session(told: dict[str, Any]) -> None:
    assert "fields.E347 ironclad.Session.user" in told["composite"]["checks"]


def test_a_key_that_its_field_does_not_read_back_is_an_error_at_login_that_names_the_field(
    told: dict[str, Any],
) -> None:
    assert "OneWayField.to_python() does not read 'no. 7'" in told["one_way"]["error"]
    assert told["one_way"]["sessions"] == 0


def test_where_users_have_no_password_here_it_is_confirmed_elsewhere_and_not_changed(told: dict[str, Any]) -> None:
    assert told["no_password"] == {
        "refresh": [200, None],
        "me": [200, None],
        "reauthenticate": [200, None],
        "password": [400, "invalid_request"],
    }


def test_the_table_is_no_smaller_than_it_was() -> None:
    assert len(KINDS) >= 25
    assert len(story.STEPS) >= 18


def _lasting(seen: dict[str, Any]) -> dict[str, Any]:
    """What is the same in each run, in the form that a client gets; the access token says just who this is."""
    claims = {name: seen["claims"][name] for name in ("sub", "username", "groups")}
    token = ".".join(map(b64encode, (b"{}", dump_json({**claims, "sid": "a-session"}), b"signature")))
    login = seen["login"] | {"access_token": token, "refresh_token": "a-session.0.0.mac"}
    return {"claims": claims, "login": login, "me": seen["me"]}


def test_the_browser_client_is_tried_with_what_is_said_of_each_of_them(told: dict[str, Any]) -> None:
    """`client/tests/user-models.test.ts` does it. To write the file anew: WRITE_USER_MODELS=1."""
    wire = {kind: _lasting(told[kind]["wire"]) for kind in KINDS}
    if os.environ.get("WRITE_USER_MODELS"):
        WIRE.write_text(json.dumps(wire, indent=2, ensure_ascii=False) + "\n")

    assert json.loads(WIRE.read_text()) == wire
    for kind, said in wire.items():
        payload = json.loads(b64decode(said["login"]["access_token"].split(".")[1]))
        assert payload["sub"] == KINDS[kind].sub
