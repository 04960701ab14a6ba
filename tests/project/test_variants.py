"""The broken variants of the package: each can still be made, and says what an attacker gains by it."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from ..attacks import variants
from ..attacks.variants import ROOT, DoesNotApply

#: What decides; each is broken in five ways at least.
CORE = {
    "auth/judging",
    "http/border",
    "http/cookie",
    "http/origin",
    "middleware",
    "models",
    "requirements",
    "sessions/ending",
    "sessions/refresh",
    "sessions/revoked",
    "tokens/access",
    "tokens/algorithms",
    "tokens/encoding",
    "tokens/keys",
    "tokens/refresh",
    "tokens/reuse",
    "tokens/signed",
    "tokens/verifier",
    "users/passwords",
}


def test_each_patch_fits_the_package_as_it_is() -> None:
    stale = []
    for variant in variants.every():
        try:
            variant.apply(ROOT, check=True)
        except DoesNotApply as error:
            stale.append(str(error))

    assert not stale, "\n".join(stale)


def test_a_patch_that_fits_no_longer_says_what_to_do(tmp_path: Path) -> None:
    (variant, *_) = variants.every()

    with pytest.raises(DoesNotApply, match=f"{variant.name}.patch no longer fits src/: weaken today's code"):
        variant.apply(tmp_path)


def test_each_core_module_is_broken_in_five_ways() -> None:
    ways = Counter(variant.module for variant in variants.every())

    assert len(variants.every()) >= 40
    assert {module for module in CORE if ways[module] < 5} == set()


def test_each_says_in_one_line_what_an_attacker_gains() -> None:
    for variant in variants.every():
        assert variant.gain.endswith("."), variant.name
        assert len(variant.gain) <= 120, variant.name
        (witness,) = variant.witnesses
        assert witness.startswith("tests/attacks/"), f"{variant.name} is noticed by no attack"


def test_one_in_twenty_is_noticed_by_the_attack_that_it_names() -> None:
    command = [sys.executable, "-m", "tests.attacks.variants"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    tried = len(variants.every()[::20])
    assert f"{tried} of {tried}" in done.stdout
