"""The simulation decides as the package does, and as others document it; the page says what it finds."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from django_ironclad import auth
from django_ironclad.errors import InvalidGrant
from simulation import tables
from simulation.rules import RULES, Auth0, Ended, Hydra, Ironclad, Rule, Strict, Supabase, SuperTokens

from ..conftest import Person
from ..stories import Clock

PAGE = (Path(__file__).parents[2] / "docs/simulation.md").read_text().splitlines()
#: Of both kinds, those that cost little.
CLIENTS = ["1 tab, 1 % lost, a laptop"]
THIEVES = ["eager: at once, then each minute", "stale: with an older one", "alternating: so, once a day"]


def test_the_page_says_what_the_simulation_finds() -> None:
    lines = [
        *tables.header("signed out, per 1,000 days"),
        *tables.header("found after, minutes"),
        *map(tables.clients, CLIENTS),
        *map(tables.thieves, THIEVES),
        *tables.sources(),
    ]
    assert [line for line in lines if line not in PAGE] == []
    assert f"(seed {tables.SEED}, " in " ".join(PAGE)


def test_the_page_has_every_row() -> None:
    first_cells = {line.split(" | ")[0].removeprefix("| ") for line in PAGE if line.startswith("| ")}
    assert {*tables.CLIENTS, *tables.THIEVES} <= first_cells


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(8))
def test_our_rule_answers_what_the_package_answers(ada: Person, seed: int) -> None:
    chance = random.Random(seed)
    rule, clock = Ironclad(), Clock()
    tokens: list[Any] = [auth.login(ada.user).refresh_token]
    now = 0.0
    for _ in range(60):
        # By three and a half: never as old as a limit to the second.
        now += 3.5 * chance.choice([1, 2, 4, 5, 9, 86, 86, 1030, 25_716])
        number = max(0, len(tokens) - 1 - chance.choice([0, 0, 0, 0, 1, 1, 1, 2 if now > 40_000 else 0]))
        clock.set(now)
        text = tokens[number]
        token = type(rule.first)(rule.first.sid, *map(int, text.split(".")[1:3]))
        try:
            expected = rule.refresh(token, now)
        except Ended:
            with pytest.raises(InvalidGrant):
                auth.refresh(text)
            return
        answer = auth.refresh(text).refresh_token
        assert answer.split(".")[1:3] == ([f"{expected.generation}", f"{expected.branch}"] if expected else [])
        if answer and answer not in tokens:
            tokens.append(answer)


@pytest.mark.parametrize("rule", RULES)
def test_whoever_exchanges_each_token_once_goes_on_and_one_of_long_ago_ends_it(rule: type[Rule]) -> None:
    session = rule()
    token = session.first
    for turn in range(1, 10):
        token = session.refresh(token, turn * 300.0)
        session.call(token)
    with pytest.raises(Ended):
        session.refresh(session.first, 4000.0)


def again(session: Rule, *, after: float) -> bool:
    """Whether the token of the login is exchanged twice."""
    session.refresh(session.first, 300.0)
    try:
        return session.refresh(session.first, 300 + after) is not None
    except Ended:
        return False


@pytest.mark.parametrize(
    ("rule", "good", "bad"),
    [(Strict, [], [0]), (Auth0, [0, 10], [11]), (Hydra, [0, 60], [61]), (Supabase, [0, 90_000], [])],
)
def test_a_token_comes_again_as_the_rule_says(rule: type[Rule], good: list[float], bad: list[float]) -> None:
    assert all(again(rule(), after=after) for after in good)
    assert not any(again(rule(), after=after) for after in bad)


def test_auth0_refuses_the_one_before_the_previous_at_once() -> None:
    session = Auth0()
    session.refresh(session.refresh(session.first, 300), 301)
    with pytest.raises(Ended):
        session.refresh(session.first, 302)


def test_supabase_answers_the_parent_with_the_active_token_and_ends_it_for_the_grandparent_after_ten_seconds() -> None:
    session = Supabase()
    child = session.refresh(session.first, 300)
    assert session.refresh(session.first, 5000) == child
    assert session.refresh(session.refresh(child, 6000), 6001)
    with pytest.raises(Ended):
        session.refresh(session.first, 6002)


def test_supertokens_exchanges_the_parent_until_a_child_was_used() -> None:
    session = SuperTokens()
    lost, child = session.refresh(session.first, 300), session.refresh(session.first, 9000)
    session.call(child)
    with pytest.raises(Ended):
        session.refresh(lost, 9001)
    session = SuperTokens()
    session.refresh(session.refresh(session.first, 300), 600)
    with pytest.raises(Ended):
        session.refresh(session.first, 601)
