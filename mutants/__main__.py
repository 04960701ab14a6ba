"""Puts every fault into the modules that matter most, and says which no test notices: `python -m mutants [MODULE…]`.

`docs/security-mutants.md` says of each survivor why it is no fault: it behaves as the original does. Any other, and a
row there that stands for none, is an error.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from .faults import Mutant, mutants

ROOT = Path(__file__).parents[1]
EXPLAINED = ROOT / "docs/security-mutants.md"
_TOKENS = [
    *("tests/tokens/test_tokens.py", "tests/tokens/test_verifier.py", "tests/properties/test_verifying.py"),
    "tests/auth/test_authorization.py::test_no_project_says_in_our_place_what_is_ours",
    "tests/sessions/test_claims.py",
    *("-k", "not door and not many_threads and not entry_is_small and not bearer_header and not scheme and not memory"),
]
_KEYS = ["tests/tokens/test_keys.py", "tests/tokens/test_vectors.py"]
_SESSIONS = [
    *(
        "tests/sessions/test_sessions.py",
        "tests/sessions/test_ending.py",
        "tests/auth/test_logout.py",
        "tests/users/test_user_events.py",
    ),
    *("tests/database/test_statements.py", "tests/attacks/test_after_the_end.py"),
    *("tests/auth/test_authorization.py", "tests/auth/test_login.py::test_the_session_knows_its_device"),
    "tests/database/test_prepared.py::test_the_session_that_was_just_started_is_the_one_in_the_database",
    *("-k", "not races and not twenty"),
]
_REVOKED = ["tests/sessions/test_revocation.py", "tests/sessions/test_revocation_stories.py", "tests/test_realms.py"]
_HTTP = [
    *("tests/http/test_cookies.py", "tests/auth/test_login.py", "tests/properties/test_requests.py"),
    "tests/auth/test_as_django_does.py",
    *("-k", "not time and not slow"),
]
#: The tests of each room. What measures or waits is left out where others see the same.
TESTS = {
    "tokens.encoding": ["tests/tokens/test_encoding.py"],
    "tokens.algorithms": _KEYS,
    "tokens.keys": _KEYS,
    "tokens.ring": _KEYS,
    "tokens.scope": ["tests/test_requirements.py", *_TOKENS],
    "tokens.access": [
        *("tests/tokens/test_tokens.py", "tests/properties/test_verifying.py", "tests/sessions/test_claims.py"),
        *("tests/sessions/test_left_out_groups.py", "tests/test_requirements.py"),
        *("-k", "not door and not many_threads and not websocket and not event_loop"),
    ],
    "tokens.signed": _TOKENS,
    "sessions.ending": _SESSIONS,
    "sessions.news": [
        "tests/database/test_outages_of_others.py::test_without_whoever_collects_the_log_no_answer_is_lost",
        *_SESSIONS,
    ],
    "sessions.revoked": _REVOKED,
    "sessions.recent": _REVOKED,
    "http.cookie": ["tests/http/test_cookies.py"],
    "http.bearer": ["tests/test_realms.py", *_HTTP],
    "http.body": ["tests/auth/test_own_views.py", *_HTTP],
    "http.credentials": _HTTP,
}


def survivors(module: str) -> tuple[int, list[Mutant]]:
    """How many mutants there are, and which of them no test notices."""
    all_of_them = mutants((ROOT / f"src/django_ironclad/{module.replace('.', '/')}.py").read_text())
    with tempfile.NamedTemporaryFile() as file:
        _pytest(module, TESTS[module], check=True, VERDICTS=file.name)
        verdicts = json.loads(Path(file.name).read_text())
    open_ones = {number: tests for number, (verdict, tests) in verdicts.items() if verdict in ("survived", "elsewhere")}
    # Without a fault they pass, by these names: so it is the fault when they do not.
    if open_ones:
        _pytest(module, sorted({test for tests in open_ones.values() for test in tests}), check=True)
    # What was patched into a function may have been too late for what had called it before: from the beginning.
    survived = [
        all_of_them[int(number)]
        for number, tests in open_ones.items()
        if _pytest(module, ["-x", *tests], check=False, MUTANT=number) == 0
    ]
    return len(all_of_them), survived


def _pytest(module: str, arguments: list[str], *, check: bool, **environment: str) -> int:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "mutants.plugin",
        "-p",
        "no:randomly",
        "-p",
        "no:cacheprovider",
    ]
    env = {**os.environ, "MUTATED": module, **environment}
    done = subprocess.run([*command, *arguments], cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise SystemExit(done.stdout[-3000:] + done.stderr[-3000:])
    return done.returncode


def explained() -> set[tuple[str, str]]:
    rows = re.findall(r"^\| `([\w.]+)` \| `(.+?)` \| .+ \|$", EXPLAINED.read_text(), re.MULTILINE)
    return {(module, name.replace("\\|", "|")) for module, name in rows}


def main(modules: list[str]) -> int:
    wrong = 0
    for module in modules:
        count, survived = survivors(module)
        known = {name for each, name in explained() if each == module}
        names = {mutant.name for mutant in survived}
        killed = count - len(survived)
        print(f"{module}: {count} mutants, {killed} noticed ({killed / count:.1%}), {len(names & known)} explained")
        for mutant in survived:
            if mutant.name not in known:
                print(f"  nobody notices, in line {mutant.line}: {mutant.name}")
        for name in sorted(known - names):
            print(f"  explained, but noticed or gone: {name}")
        wrong += len(names ^ known)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or [*TESTS]))
