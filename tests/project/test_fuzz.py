"""Where fuzzing begins is judged as it will be: also where there is no fuzzer."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fuzz import seeds, targets

# joserfc would rather be told "Ed25519" (RFC 9864), which PyJWT and many others do not read.
pytestmark = pytest.mark.filterwarnings("ignore:EdDSA is deprecated via RFC 9864")


@pytest.mark.parametrize(("name", "least"), [("tokens", 2000), ("requests", 80), ("refresh_tokens", 7)])
def test_every_seed_is_refused_or_read_as_others_read_it(
    name: str, least: int, measured: Callable[[object], None]
) -> None:
    targets.said.clear()
    number = 0
    for number, seed in enumerate(seeds.SEEDS[name](), 1):  # noqa: B007 - counted
        targets.TARGETS[name](seed)

    measured(f"{number:,} inputs: {dict(targets.said)}, 0 accepted that should be refused")
    assert number >= least
    assert targets.said["accepted"] > 0
    assert targets.said["refused"] > 0


def test_an_oracle_that_is_never_asked_would_show() -> None:
    """What is accepted is held against others: a token that nobody else reads is not let through."""
    good = next(iter(seeds.tokens()))[1:].decode()
    with pytest.raises(AssertionError):
        targets._others_agree("HS256", good, {"iss": "another"})
