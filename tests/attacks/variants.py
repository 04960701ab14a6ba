"""The attacks are attacked: the package is broken on purpose, by each patch in variants/, and they have to notice.

`python -m tests.attacks.variants` tries one variant in twenty with the attack its patch names, `--all` tries each, and
`--complete` tries each with the whole suite and says who noticed. Other arguments are names of variants.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
PATCHES: Final = Path(__file__).parent / "variants"
SUITE: Final = "tests/attacks"
#: Seconds that the attacks on one variant may take.
PATIENCE: Final = 600
#: Other people's modules, which every variant needs: each is tried in a fork of one process that has them already.
PRELOADED: Final = (
    "asgiref.sync",
    "channels",
    "cryptography.hazmat.primitives.asymmetric.rsa",
    "cryptography.hazmat.primitives.serialization",
    "django.core.handlers.asgi",
    "django.db.backends.sqlite3.base",
    "django.db.migrations.executor",
    "django.template.backends.django",
    "django.test",
    "hypothesis",
    "psycopg",
    "pydantic",
    "pytest_django.plugin",
    "rest_framework",
)
_WITNESS = re.compile(r"^Noticed by: (\S.*)$", re.MULTILINE)
_MODULE = re.compile(r"^\+\+\+ b/src/django_ironclad/(.*)\.py$", re.MULTILINE)
_FAILED = re.compile(r"^FAILED (.+?)(?: - .*)?$", re.MULTILINE)


class DoesNotApply(Exception):
    """The package has moved on from under a patch."""


@dataclass(frozen=True)
class Variant:
    """The package with one weakness more."""

    patch: Path

    @property
    def name(self) -> str:
        return self.patch.stem

    @property
    def gain(self) -> str:
        """What an attacker gains by it, in one sentence."""
        return self.patch.read_text().partition("\n")[0]

    @property
    def module(self) -> str:
        """Which module is weakened."""
        return _MODULE.findall(self.patch.read_text())[0]

    @property
    def witnesses(self) -> list[str]:
        """Tests that notice."""
        return _WITNESS.findall(self.patch.read_text())

    def apply(self, folder: Path, *, check: bool = False) -> None:
        """Weaken the package in `folder`/src; `check` only sees whether that could be done. Raises DoesNotApply."""
        command = ["git", "apply", *(["--check"] if check else []), str(self.patch)]
        # In a folder of a repository git would look for the paths from the repository's root.
        outside = os.environ | {"GIT_CEILING_DIRECTORIES": str(folder.parent)}
        done = subprocess.run(command, cwd=folder, env=outside, capture_output=True, text=True, check=False)
        if done.returncode:
            raise DoesNotApply(
                f"{self.patch.relative_to(ROOT)} no longer fits src/: weaken today's code in the same way, write what "
                f"`git diff -U1 src` says in the place of the patch's own diff, and take it back.\n{done.stderr}"
            )


def every() -> list[Variant]:
    """All variants, by name."""
    return [Variant(patch) for patch in sorted(PATCHES.glob("*.patch"))]


def attack(variant: Variant | None, tests: list[str]) -> tuple[int, str]:
    """Pytest's exit code and output for `tests`, against this variant, or against the package as it is."""
    with tempfile.TemporaryDirectory(prefix="ironclad-variant-") as name:
        folder = Path(name)
        # With what is compiled of it: only what is weakened need be compiled again.
        shutil.copytree(ROOT / "src", folder / "src")
        if variant:
            variant.apply(folder)
        child = os.fork()
        if not child:
            code = 70
            try:
                code = _attack(folder, tests)
            finally:
                # Nothing of what the parent would do at its end.
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        return code, (folder / "output").read_text(errors="replace")


def _attack(folder: Path, tests: list[str]) -> int:
    """In a process of its own: the package in `folder` is the only one that it and its children will import."""
    import pytest

    signal.alarm(PATIENCE)
    output = os.open(folder / "output", os.O_WRONLY | os.O_CREAT)
    os.dup2(output, sys.stdout.fileno())
    os.dup2(output, sys.stderr.fileno())
    os.chdir(ROOT)
    # What passes on a broken package is no evidence.
    os.environ.pop("EVIDENCE", None)
    paths = [str(folder / "src"), str(ROOT / "demo")]
    sys.path[:0] = paths
    os.environ |= {"PYTHONPATH": os.pathsep.join(paths), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    plugins = ("pytest_django.plugin", "time_machine", "django_ironclad.pytest_plugin", "no:cacheprovider")
    options = ["-x", "-q", "--nomigrations", "-m", "not browser", "-W", "ignore::pytest.PytestAssertRewriteWarning"]
    code = pytest.main([*options, *(f"-p{plugin}" for plugin in plugins), *tests])
    import django_ironclad

    if not Path(django_ironclad.__file__).is_relative_to(folder):
        raise RuntimeError(f"not the variant was attacked, but {django_ironclad.__file__}")
    return int(code)


def main(arguments: list[str]) -> int:
    """0 when the attacks pass for the package as it is, and fail for each variant."""
    options = {argument for argument in arguments if argument.startswith("--")}
    complete, names = "--complete" in options, set(arguments) - options
    chosen = [variant for variant in every() if variant.name in names] if names else every()
    if not arguments:
        chosen = chosen[::20]
    for module in PRELOADED:
        import_module(module)
    began = time.monotonic()
    known = [SUITE] if complete else sorted({test for variant in chosen for test in variant.witnesses})
    code, output = attack(None, known)
    if code:
        _say(f"{output}\nThat was the package as it is: no variant can be told from it.")
        return 1
    missed = 0
    for variant in chosen:
        tests = [SUITE] if complete else variant.witnesses
        # Pytest's 1 says that a test failed; anything else but 0, that none could be run.
        code, output = attack(variant, tests) if tests else (0, "")
        if code != 1:
            missed += 1
            _say(f"{variant.name}: {output if code else 'nobody notices.'} {variant.gain}")
        elif complete:
            _say(f"{variant.name}: {', '.join(_FAILED.findall(output))}")
    seconds = time.monotonic() - began
    _say(f"{len(chosen) - missed} of {len(chosen)} broken variants of the package are noticed ({seconds:.0f} s)")
    return 1 if missed else 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
