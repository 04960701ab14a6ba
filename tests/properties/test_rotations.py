"""What a refresh token is worth, for any row, any token and any time; `test_refresh_stories` knows stories."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import assume
from hypothesis import strategies as st

from django_ironclad.tokens.refresh import RefreshToken
from django_ironclad.tokens.reuse import (
    MAX_AHEAD,
    MAX_DOUBTS,
    MAX_REPEATED,
    Decision,
    Line,
    Refuse,
    Repeat,
    Rotate,
    Withhold,
    decide,
)

from . import for_all

NOW = datetime(2030, 1, 1, tzinfo=UTC)
GRACE = timedelta(seconds=10)
PAUSE = timedelta(seconds=60)
ages = st.timedeltas(timedelta(0), timedelta(seconds=65)) | st.timedeltas(timedelta(0), timedelta(days=90))
ages |= st.sampled_from([limit + more * timedelta(microseconds=1) for limit in (GRACE, PAUSE) for more in (-1, 0, 1)])
generations = st.integers(0, 12)
branches = st.integers(0, MAX_DOUBTS)


@st.composite
def lines(draw: st.DrawFn) -> Line:
    generation = draw(generations)
    repeated = bool(generation) and draw(st.booleans())
    return Line(
        generation=generation,
        branch=draw(branches) if generation else 0,
        parent_branch=draw(branches) if generation else 0,
        rotated_at=NOW,
        repeated=repeated,
        doubts=draw(st.integers(int(repeated), MAX_DOUBTS)) if generation else 0,
    )


def asked(line: Line, generation: int, branch: int, age: timedelta) -> Decision:
    return decide(line, RefreshToken("", generation, branch), now=line.rotated_at + age, grace=GRACE)


def after(line: Line, decision: Decision, age: timedelta) -> Line:
    """The row as the decision leaves it."""
    if isinstance(decision, Rotate):
        names = ("generation", "branch", "parent_branch", "doubts")
        moved = {name: getattr(decision, name) for name in names}
        return replace(line, rotated_at=line.rotated_at + age, repeated=False, **moved)
    if isinstance(decision, Repeat) and decision.doubts is not None:
        return replace(line, repeated=True, doubts=decision.doubts)
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
        assert not parent or (line.doubts == MAX_DOUBTS and age >= PAUSE)
    else:
        assert newest or parent or (is_ahead and ahead <= MAX_AHEAD)


@for_all(400, line=lines(), ahead=st.integers(-1, 3), branch=branches, age=ages)
def test_the_row_only_moves_on_and_the_one_that_asked_is_the_parent(
    line: Line, ahead: int, branch: int, age: timedelta
) -> None:
    assume(line.generation + ahead >= 0)
    token = line.generation + ahead, branch
    decision = asked(line, *token, age)

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
        assert age < PAUSE if decision.held else age <= GRACE
    elif isinstance(decision, Withhold):
        assert token == (line.generation - 1, line.parent_branch)
        assert age < PAUSE


@for_all(400, line=lines(), ahead=st.integers(-1, 3), branch=branches, age=ages)
def test_doubts_are_counted_one_by_one_and_cleared_by_one_party_only(
    line: Line, ahead: int, branch: int, age: timedelta
) -> None:
    """By whoever uses a token that was given out once; whatever else happens, they stay or grow."""
    assume(line.generation + ahead >= 0)
    token = line.generation + ahead, branch
    decision = asked(line, *token, age)
    moved = after(line, decision, age)

    is_first_use = token == (line.generation, line.branch) and not line.repeated and isinstance(decision, Rotate)
    is_overtaken = isinstance(decision, Rotate) and decision.how == "late"
    is_told_twice = moved.repeated and not line.repeated
    assert moved.doubts == (0 if is_first_use else line.doubts + (is_overtaken or is_told_twice))
    assert not is_overtaken or line.doubts < MAX_DOUBTS
    assert not is_told_twice or (token == (line.generation - 1, line.parent_branch) and line.doubts < MAX_REPEATED)
    # What was told twice is told to whoever asks within the grace: which of them stored it, nobody knows.
    assert moved.repeated == (is_told_twice or (line.repeated and not isinstance(decision, Rotate)))


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


@for_all(200, waits=st.lists(ages, min_size=MAX_DOUBTS + 1, max_size=MAX_DOUBTS + 1))
def test_no_time_that_passes_clears_a_doubt(waits: list[timedelta]) -> None:
    """The parent comes back late again and again, however long it waits in between."""
    line = Line(1, 0, 0, rotated_at=NOW, repeated=False, doubts=0)
    for number, wait in enumerate(waits):
        age = max(wait, PAUSE)
        decision = asked(line, 0, 0, age)
        if number < MAX_DOUBTS:
            assert decision == Rotate(1, number + 1, 0, doubts=number + 1, how="late")
        else:
            assert decision == Refuse(reuse=True)
        line = after(line, decision, age)
