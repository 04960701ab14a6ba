"""The faults that mutation testing puts in are faults; and what is said of those that nobody notices is up to date."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from mutants.__main__ import TESTS, explained
from mutants.faults import mutants

SOURCES = Path(__file__).parents[2] / "src/django_ironclad"

SMALL = '''
Kind = Literal["never"]

def half(number: int = 4, *, exact: bool = False) -> int:
    """Half of it."""
    if number < 0 or not exact:
        raise ValueError("never mind")
    return cast("int", number // 2)
'''


def test_each_fault_changes_one_thing_and_has_a_name() -> None:
    found = mutants(SMALL)

    assert {mutant.name for mutant in found} >= {
        "half: number < 0 → number <= 0",
        "half: number < 0 or not exact → number < 0 and (not exact)",
        "half: number < 0 or not exact → number < 0",
        "half: not exact → exact",
        "half: raise ValueError('never mind') → removed",
        "half: return cast('int', number // 2) → return None",
        "half: number // 2 → number * 2",
        "half: 2 → 3",
        "half: 4 → 5",
        "half: False → True",
    }
    assert len({mutant.name for mutant in found}) == len({mutant.source for mutant in found}) == len(found)
    assert all(mutant.source != ast.unparse(ast.parse(SMALL)) for mutant in found)
    assert all("never" not in mutant.what.partition(" → ")[2] for mutant in found)
    assert all("intx" not in mutant.what.partition(" → ")[2] for mutant in found)


@pytest.mark.parametrize("module", TESTS)
def test_every_mutant_that_is_explained_is_there(module: str) -> None:
    names = {mutant.name for mutant in mutants((SOURCES / f"{module.replace('.', '/')}.py").read_text())}

    assert {name for each, name in explained() if each == module} <= names
