"""The game is solved in small: no thief survives our rule for refresh tokens, and no honest client pays for that.

`./scripts/stress game` solves all of it. Each line of the rule, changed, changes what the game says, or a row of the
table.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from django_ironclad.tokens.refresh import RefreshToken
from django_ironclad.tokens.reuse import Line, Refuse, Repeat, Rotate, Withhold, decide
from simulation.game import bounds
from simulation.game.candidates import GRACE, NOW, Ours
from simulation.game.failover import Failovers
from simulation.game.graph import explore, longest
from simulation.game.honest import Tabs
from simulation.game.otherwise import decide_otherwise
from simulation.game.plays import PLAYS, Refilling, Server
from simulation.game.scripts import GAPS, PLAIN, SCRIPTS
from simulation.game.seed import is_anybody_signed_out
from simulation.game.thief import Game
from simulation.rules import Ironclad

PAGE = (Path(__file__).parents[2] / "docs/simulation.md").read_text().splitlines()


@pytest.mark.parametrize("gaps", GAPS)
def test_a_thief_gets_nothing_any_more_after_thirteen_turns_however_often_his_victim_comes(gaps: str) -> None:
    """However patient he is, and whenever he copied it, also just after the login."""
    game = Game(Ours(), PLAIN, GAPS[gaps])

    assert [game.bound(silent)[0] for silent in (0, 1, 11)] == [13, 13, 13]


def test_nor_where_his_victim_loses_answers_and_has_two_tabs() -> None:
    assert Game(Ours(), SCRIPTS, GAPS["works"]).bound(11)[0] == 13


@pytest.mark.parametrize("victim", bounds.ENDLESS)
def test_a_rule_that_forgives_with_time_keeps_a_thief_for_ever(victim: str) -> None:
    assert bounds.former(victim) == "never"


@pytest.mark.parametrize("name", PLAYS)
def test_each_endless_thief_is_found_by_the_fourteenth_turn(name: str) -> None:
    found = bounds.played(name, Server(Ironclad()))

    assert found is not None
    assert found <= 14


@pytest.mark.parametrize(
    "name", ["15 s before the victim, in step again after 12", "the same, paid in advance", list(PLAYS)[-1]]
)
def test_he_is_never_found_where_a_budget_refills(name: str) -> None:
    assert bounds.played(name, Server(Refilling())) is None


@pytest.mark.parametrize(("tabs", "slow", "sleep", "lost"), [(1, 1, True, 13), (2, 1, True, 10), (2, 5, False, 10)])
def test_honest_tabs_are_signed_out_after_so_many_lost_answers_in_a_row_and_no_fewer(
    tabs: int, slow: int, sleep: bool, lost: int
) -> None:
    assert Tabs(Ours(), tabs, slow, sleep).fewest()[0] == lost


def test_a_row_that_was_never_refreshed_bears_as_many_lost_answers() -> None:
    """At generation 0 there is no parent yet, and no pause."""
    new = Ours()
    new.starts = [(state, tokens) for state, tokens in Ours.starts if tokens == "C"]

    assert Tabs(new, 1).fewest()[0] == 13
    assert Tabs(new, 2).fewest()[0] == 10
    assert Game(new).bound()[0] == 13


def test_to_write_back_the_token_that_came_signs_tabs_out_without_a_lost_answer() -> None:
    """What an endpoint for other packages' clients must not do in place of an answer without a refresh token."""
    assert Tabs(Ours(), 2, gives_back=True).fewest()[0] == 0


def test_failovers_give_a_thief_so_many_turns_more_each() -> None:
    """With small limits, for the states are many."""
    small = Failovers(decide_otherwise(MAX_REPEATED=1, MAX_DOUBTS=3))

    assert [small.thief(failovers) for failovers in (0, 1)] == [4, 14]


@pytest.mark.parametrize("tabs", [2, 3])
def test_a_new_seed_signs_no_tab_out_that_refreshes_behind_a_lock(tabs: int) -> None:
    assert not is_anybody_signed_out(tabs=tabs, lock=True)


def test_a_new_seed_may_sign_tabs_out_that_take_no_lock_and_store_an_overtaken_answer() -> None:
    """The page says so: such an answer was given before the new seed, and stored after what told of it."""
    assert not is_anybody_signed_out(tabs=1, lock=False)
    assert is_anybody_signed_out(tabs=2, lock=False)


def test_the_page_says_what_the_game_says() -> None:
    lines = [*bounds.plays(), *bounds.seeds()]
    assert [line for line in lines if line not in PAGE] == []
    for victim in list(bounds.VICTIMS)[:2]:
        assert f"| {victim} | 13 | 13 | 13 | never |" in PAGE


def test_a_walk_without_end_is_found_and_the_longest_is_counted() -> None:
    line: Callable[[int], list[tuple[int, bool]]] = lambda n: [(n + 1, n % 2 == 0)] if n < 6 else []  # noqa: E731
    assert longest(explore([0], line), [0]) == 5
    assert longest(explore([0], lambda n: [((n + 1) % 3, n == 1)]), [0]) is None
    assert longest(explore([0], lambda n: [((n + 1) % 3, False)]), [0]) == 0


#: The table of docs/guide.md, where each limit lies, as (line, token, seconds, decision).
TABLE: list[tuple[tuple[int, int, int, bool, int], tuple[int, int], float, object]] = [
    ((0, 0, 0, False, 0), (0, 0), 0, Rotate(1, 0, 0, doubts=0)),
    ((1, 0, 0, False, 0), (1, 0), 59.9, Repeat(1, 0, held=True)),
    ((5, 2, 1, False, 3), (5, 2), 59.9, Repeat(5, 2, held=True)),
    ((5, 2, 1, False, 3), (5, 2), 60, Rotate(6, 0, 2, doubts=0)),
    ((5, 2, 1, True, 3), (5, 2), 60, Rotate(6, 0, 2, doubts=3)),
    ((5, 2, 1, False, 1), (4, 1), 10, Repeat(5, 2, held=False, doubts=2)),
    ((5, 2, 1, False, 2), (4, 1), 10, Withhold()),
    ((5, 2, 1, True, 1), (4, 1), 10, Repeat(5, 2, held=False)),
    ((5, 2, 1, True, 1), (4, 1), 10.1, Withhold()),
    ((5, 2, 1, False, 1), (4, 1), 59.9, Withhold()),
    ((5, 2, 1, True, 11), (4, 1), 60, Rotate(5, 3, 1, doubts=12, how="late")),
    ((5, 2, 1, False, 12), (4, 1), 60, Refuse(reuse=True)),
    ((5, 2, 1, False, 3), (4, 0), 5, Refuse(reuse=True)),
    ((5, 2, 1, False, 3), (4, 2), 5, Refuse(reuse=True)),
    ((5, 2, 1, False, 3), (5, 1), 5, Refuse(reuse=True)),
    ((5, 3, 1, False, 3), (5, 2), 5, Refuse(reuse=True)),
    ((5, 2, 1, False, 3), (3, 1), 5, Refuse(reuse=True)),
    ((5, 2, 1, True, 3), (5, 3), 5, Rotate(6, 0, 3, doubts=3, how="behind")),
    ((5, 2, 1, True, 3), (8, 0), 5, Rotate(9, 0, 0, doubts=3, how="behind")),
    ((5, 2, 1, True, 3), (9, 0), 5, Refuse(reuse=False)),
]


def breaks_the_table(rule: Any) -> bool:
    for (generation, branch, parent_branch, repeated, doubts), token, age, expected in TABLE:
        line = Line(generation, branch, parent_branch, NOW - timedelta(seconds=age), repeated, doubts)
        if rule(line, RefreshToken("", *token), now=NOW, grace=GRACE) != expected:
            return True
    return False


NOTICES: dict[str, Callable[[Any], bool]] = {
    "the thief's bound": lambda rule: Game(Ours(rule)).bound()[0] != 13,
    "two tabs'": lambda rule: Tabs(Ours(rule), 2, slow=4).fewest()[0] != 10,
    "the table": breaks_the_table,
}
THIEF, TWO_TABS, BY_TABLE = NOTICES
CURRENT = "(token.generation, token.branch) == (line.generation, line.branch)"
PARENT = "(token.generation, token.branch) == (line.generation - 1, line.parent_branch)"
AHEAD = "(token.generation, token.branch) > (line.generation, line.branch)"
#: Each line of the rule, changed, and what notices; the table where the game, which knows no numbers, does not.
CHANGES = [
    ("now - line.rotated_at", "line.rotated_at - now", THIEF),
    (CURRENT, "token.generation == line.generation", BY_TABLE),
    ("if line.generation > 0 and age < PAUSE * grace:", "if False:", TWO_TABS),
    ("if line.generation > 0 and age < PAUSE * grace:", "if line.generation > 0:", THIEF),
    ("line.generation > 0 and ", "", BY_TABLE),
    ("line.generation > 0 and ", "line.generation > 1 and ", BY_TABLE),
    ("held=True", "held=False", BY_TABLE),
    ("line.doubts if line.repeated else 0", "line.doubts", TWO_TABS),
    ("line.doubts if line.repeated else 0", "0", THIEF),
    ("line.doubts if line.repeated else 0", "0 if line.repeated else line.doubts", THIEF),
    ("Rotate(line.generation + 1, 0, line.branch,", "Rotate(line.generation + 1, 0, 0,", BY_TABLE),
    ("Rotate(line.generation + 1, 0, line.branch,", "Rotate(line.generation, 0, line.branch,", BY_TABLE),
    (PARENT, "token.generation == line.generation - 1", BY_TABLE),
    ("return _decide_for_parent(line, age, grace)", "return Refuse(reuse=True)", THIEF),
    (AHEAD, "token.generation > line.generation", BY_TABLE),
    (AHEAD, AHEAD.replace("line.branch", "line.parent_branch"), BY_TABLE),
    ("token.generation - line.generation > MAX_AHEAD", "False", BY_TABLE),
    ("            return Refuse(reuse=False)", "            return Refuse(reuse=True)", BY_TABLE),
    ('doubts=line.doubts, how="behind"', 'doubts=0, how="behind"', BY_TABLE),
    ("Rotate(token.generation + 1, 0, token.branch,", "Rotate(line.generation + 1, 0, token.branch,", BY_TABLE),
    ('how="behind")\n    return Refuse(reuse=True)', 'how="behind")\n    return Withhold()', BY_TABLE),
    ("if age <= grace and line.repeated:", "if line.repeated:", THIEF),
    ("if age <= grace and line.repeated:", "if False:", BY_TABLE),
    ("if age <= grace and line.doubts < MAX_REPEATED:", "if line.doubts < MAX_REPEATED:", TWO_TABS),
    ("if age <= grace and line.doubts < MAX_REPEATED:", "if age <= grace:", THIEF),
    ("if age <= grace and line.doubts < MAX_REPEATED:", "if False:", TWO_TABS),
    ("held=False, doubts=line.doubts + 1)", "held=False, doubts=line.doubts)", THIEF),
    ("if age < PAUSE * grace:\n        #", "if False:\n        #", THIEF),
    ("if age < PAUSE * grace:\n        #", "if True:\n        #", THIEF),
    ("if line.doubts < MAX_DOUBTS:", "if line.doubts <= MAX_DOUBTS:", THIEF),
    ("if line.doubts < MAX_DOUBTS:", "if True:", THIEF),
    ("if line.doubts < MAX_DOUBTS:", "if False:", THIEF),
    ("line.branch + 1, line.parent_branch", "line.branch, line.parent_branch", BY_TABLE),
    ('doubts=line.doubts + 1, how="late"', 'doubts=line.doubts, how="late"', THIEF),
    ('how="late")\n    return Refuse(reuse=True)', 'how="late")\n    return Refuse(reuse=False)', BY_TABLE),
]


@pytest.mark.parametrize(("old", "new", "notices"), CHANGES)
def test_each_line_of_the_rule_changed_is_noticed(old: str, new: str, notices: str) -> None:
    assert NOTICES[notices](decide_otherwise((old, new)))


@pytest.mark.parametrize(
    ("limit", "notices"),
    [
        ({"MAX_DOUBTS": 11}, THIEF),
        ({"MAX_DOUBTS": 13}, THIEF),
        ({"MAX_REPEATED": 1}, TWO_TABS),
        ({"MAX_REPEATED": 3}, TWO_TABS),
        ({"PAUSE": 3}, TWO_TABS),
        ({"MAX_AHEAD": 4}, BY_TABLE),
    ],
)
def test_each_limit_of_the_rule_is_noticed(limit: dict[str, int], notices: str) -> None:
    assert NOTICES[notices](decide_otherwise(**limit))


def test_the_rule_as_it_is_is_not() -> None:
    assert [name for name, sees in NOTICES.items() if sees(decide)] == []
