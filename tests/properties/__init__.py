"""What holds for any input: each property is tried with many, and says at the end of the run with how many."""

from __future__ import annotations

import functools
import os
from collections import Counter
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import SearchStrategy

#: scripts/fuzz asks for more, and for others each time.
EXAMPLES = int(os.environ.get("HYPOTHESIS_MAX_EXAMPLES", "0"))
#: With how many inputs each property was tried in this run.
tried: Counter[str] = Counter()


def patient(examples: int) -> settings:
    """A busy machine is no failure; and here a test is red because of a change, not by luck."""
    return settings(
        max_examples=EXAMPLES or examples,
        derandomize=not EXAMPLES,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    )


def for_all(examples: int = 100, **inputs: SearchStrategy[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Hypothesis' `given`, counted."""

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(test)
        def counted(*args: Any, **given_inputs: Any) -> None:
            tried[test.__name__] += 1
            test(*args, **given_inputs)

        return patient(examples)(given(**inputs)(counted))

    return decorate
