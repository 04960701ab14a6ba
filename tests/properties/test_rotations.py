"""What a refresh token is worth, for any row, any token and any time; `test_refresh_stories` knows stories."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import assume
from hypothesis import strategies as st

from django_ironclad.rotation import (
    GRACE_BUDGET,
    LATE_RETRY,
    MAX_AHEAD,
    MAX_BRANCH,
    Decision,
    Line,
    RefreshToken,
    Refuse,
    Repeat,
    Rotate,
    Withhold,
    decide,
)

from . import for_all

NOW = datetime(2030, 1, 1, tzinfo=UTC)
GRACE = timedelta(seconds=10)
REFILL = timedelta(hours=1)
ages = st.timedeltas(timedelta(0), timedelta(seconds=25)) | st.timedeltas(timedelta(0), timedelta(days=2))
ages |= st.sampled_from([GRACE, 2 * GRACE, LATE_RETRY, LATE_RETRY + timedelta(microseconds=1)])
generations = st.integers(0, 12)
branches = st.integers(0, MAX_BRANCH)


@st.composite
def lines(draw: st.DrawFn) -> Line:
    generation = draw(generations)
    return Line(
        generation=generation,
        branch=draw(branches) if generation else 0,
        parent_branch=draw(branches) if generation else 0,
        rotated_at=NOW,
        grace_until=NOW + draw(st.timedeltas(-20 * REFILL, 14 * REFILL)),
        grace_generation=draw(st.integers(0, generation)),
    )


def asked(line: Line, generation: int, branch: int, age: timedelta) -> Decision:
    token = RefreshToken("", generation, branch)
    return decide(line, token, now=line.rotated_at + age, grace=GRACE, refill=REFILL)


def after(line: Line, decision: Decision, age: timedelta) -> Line:
    """The row as the decision leaves it."""
    if isinstance(decision, Rotate):
        names = ("generation", "branch", "parent_branch")
        return replace(line, rotated_at=line.rotated_at + age, **{name: getattr(decision, name) for name in names})
    if isinstance(decision, Repeat) and decision.grace_until:
        return replace(line, grace_until=decision.grace_until, grace_generation=line.generation)
    return line


@for_all(400, line=lines(), ahead=st.integers(-3, 5), branch=branches, age=ages)
def test_only_the_newest_token_its_parent_and_a_few_ahead_are_answered(
    line: Line, ahead: int, branch: int, age: timedelta
) -> None:
    assume(line.generation + ahead >= 0)
    decision = asked(line, line.generation + ahead, branch, age)
    newest = (ahead, branch) == (0, line.branch)
    parent = (ahead, branch) == (-1, line.parent_branch)
    is_ahead = ahead > 0 or (ahead == 0 and branch > line.branch)

    if isinstance(decision, Refuse):
        assert not newest
        assert decision.reuse is not is_ahead
        assert not is_ahead or ahead > MAX_AHEAD
        assert not parent or age > LATE_RETRY or (line.branch == MAX_BRANCH and age >= 2 * GRACE)
    else:
        assert newest or parent or (is_ahead and ahead <= MAX_AHEAD)


@for_all(400, line=lines(), ahead=st.integers(-1, 3), branch=branches, age=ages)
def test_the_row_only_moves_on_and_the_one_that_asked_is_the_parent(
    line: Line, ahead: int, branch: int, age: timedelta
) -> None:
    assume(line.generation + ahead >= 0)
    token = line.generation + ahead, branch
    decision = asked(line, *token, age)
    now = line.rotated_at + age

    if isinstance(decision, Rotate):
        assert (decision.generation, decision.branch) > (line.generation, line.branch)
        assert (decision.generation - 1, decision.parent_branch) == token
        assert (decision.how == "late") is (ahead < 0)
        assert (decision.how == "behind") is (token > (line.generation, line.branch))
        # Its answer may be lost: the same token again is answered the same.
        again = asked(after(line, decision, age), *token, timedelta(0))
        assert isinstance(again, Withhold) or (again.generation, again.branch) == (decision.generation, decision.branch)
    elif isinstance(decision, Repeat):
        assert (decision.generation, decision.branch) == (line.generation, line.branch)
        assert decision.held is (token == (line.generation, line.branch))
        assert age < 2 * GRACE if decision.held else age <= GRACE
        assert decision.grace_until is None or now + REFILL <= decision.grace_until <= now + GRACE_BUDGET * REFILL
    elif isinstance(decision, Withhold):
        assert token == (line.generation - 1, line.parent_branch)
        assert age < 2 * GRACE


@for_all(200, line=lines(), age=ages, later=ages, first=st.booleans())
def test_of_two_who_hold_different_tokens_one_goes_on_and_the_other_is_found(
    line: Line, age: timedelta, later: timedelta, first: bool
) -> None:
    """The newest and its parent: whoever is answered with another token makes the other's worth nothing."""
    assume(line.generation > 0)
    tokens = [(line.generation, line.branch), (line.generation - 1, line.parent_branch)]
    mine, other = tokens if first else tokens[::-1]
    decision = asked(line, *mine, age)
    assume(isinstance(decision, Rotate))

    assert asked(after(line, decision, age), *other, later) == Refuse(reuse=True)


@for_all(200, turns=st.lists(st.timedeltas(timedelta(0), 2 * REFILL), max_size=60))
def test_repeated_answers_are_as_many_as_the_budget_and_the_time_allow(turns: list[timedelta]) -> None:
    """Each turn moves on, and the parent comes back at once, twice."""
    line = Line(1, 0, 0, rotated_at=NOW, grace_until=NOW, grace_generation=0)
    repeated, withheld = 0, 0
    for turn in turns:
        passed = max(turn, 2 * GRACE)
        line = after(line, asked(line, line.generation, line.branch, passed), passed)
        parent = line.generation - 1, line.parent_branch
        first, again = asked(line, *parent, timedelta(0)), None
        line = after(line, first, timedelta(0))
        again = asked(line, *parent, timedelta(0))
        if isinstance(first, Withhold):
            withheld += 1
            assert again == first
            assert repeated >= GRACE_BUDGET
        else:
            repeated += 1
            assert again == replace(first, grace_until=None)
    assert repeated <= GRACE_BUDGET + (line.rotated_at - NOW) / REFILL
    assert repeated >= min(len(turns), GRACE_BUDGET)
    assert repeated + withheld == len(turns)
