"""Whatever happens, in any order: what a refresh is worth follows from who was given which answer, and when.

The model reads no token and imports nothing of `rotation`. To it a refresh token is an opaque text: the answer to a
login, or to another such text.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import PBKDF2PasswordHasher, get_hasher
from django.db import connections, router
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from django_ironclad import auth
from django_ironclad.auth import TokenResponse
from django_ironclad.errors import InvalidGrant, InvalidToken, RefreshTokenReplaced
from django_ironclad.models import Session
from django_ironclad.users import passwords

from ..campus.hashers import QuickHasher
from ..conftest import PASSWORD, Person, time_passes
from ..stories import Clock

#: More stories, for whoever has the time.
EXAMPLES = int(os.environ.get("HYPOTHESIS_MAX_EXAMPLES", "30"))

# What docs/guide.md promises, in seconds.
GRACE = 10
PAUSE = 60
#: After the pause, however long a slow machine took to write what it begins with.
LATE = PAUSE + 5
DAY = 24 * 60 * 60
HOUR = 60 * 60
IDLE = 14 * DAY
DOUBTS = 12
REPEATS = 2
#: So many answers must be lost, without one among them that was used, before anybody honest is refused.
LOST_ANSWERS = 10
#: How people end sessions.
ENDS = ["logout", "a new password", "the same password"]

#: Time passes in whole ticks. No number of them ends within half a second of a limit, nor within two of the grace's: a
#: slow machine changes nothing.
TICK = 7.5938
TURN = 40
SOON = st.sampled_from([0, 1, 2, 3, 7, 8])
LATER = st.sampled_from([TURN, *(each // TICK + more for each in (HOUR, DAY, IDLE) for more in (0, 1))])
EVERY = st.sampled_from([7, 8, TURN, TURN, TURN, DAY // TICK, DAY // TICK + 1])
#: Which of so many equal requests at once are answered in vain.
LOST = st.lists(st.booleans(), min_size=1, max_size=5)
#: The same for one turn after the other: never, five times at once, always in vain, now and then in vain.
HABITS = st.sampled_from([[[False]], [[False] * 5], [[True]], [[False], [True], [False], [False]]])
PICK = st.integers(0, 200)
WHO = st.integers(0, 1)


@dataclass(eq=False)
class Story:
    """One session, as all of its clients together could tell it."""

    owner: Person
    sid: str
    #: When it ends, come what may.
    until: float
    newest: str
    #: When the newest answer was first given, and for what; the login's was given for none.
    given: float
    given_for: str = ""
    #: Every answer, whether anybody received it or not.
    answers: list[str] = field(default_factory=list)
    #: Whether the newest was given out a second time; how many in a row were, or came to nothing.
    repeated: bool = False
    doubts: int = 0
    #: How many answers nobody received since the doubts were last cleared.
    lost: int = 0
    #: What was given out before the password was confirmed, which is worth nothing since; and when that was.
    replaced: set[str] = field(default_factory=set)
    seeded: float = -PAUSE
    over: str = ""
    #: Who has used a token of it.
    users: set[Client] = field(default_factory=set)

    def judge(self, token: str, answer: str | None, now: float) -> None:
        """Hold `answer` (None: refused) against what this token is worth now, and remember it."""
        age = now - self.given
        if token in self.replaced:
            assert answer is None, "a token of before the password was confirmed was answered"
        elif self.is_over(now):
            assert answer is None, f"a session that is over ({self.over}) answered"
        elif token == self.newest and self.given_for and age < PAUSE:
            assert answer == token, "the newest token was just given: nothing to move"
        elif token == self.newest:
            self._goes_on(token, answer, now)
        elif token == self.given_for and age <= GRACE:
            assert answer == (self.newest if self._may_repeat() else ""), "the same question has the same answer"
        elif token == self.given_for and age < PAUSE:
            assert answer == "", "who gets this answer now might store it before that of the grace arrives"
        elif token == self.given_for and self.doubts < DOUBTS:
            self.doubts += 1
            self._remember(answer, now)
        else:
            assert answer is None, "two parties used this token, and both were answered"
            self.over = "refresh_token_reused"

    def begins_anew(self, client: Client, token: str, now: float) -> None:
        """Its owner has confirmed the password: nobody else has anything of it any more."""
        self.replaced |= set(self.answers)
        self.doubts, self.lost, self.seeded, self.users = 0, 0, now, {client}
        self.given_for = "nobody's"
        self._remember(token, now)

    def is_over(self, now: float) -> bool:
        if not self.over and (now >= self.until or now - self.given > IDLE):
            self.over = "expired"
        return bool(self.over)

    def ends(self, reason: str, now: float) -> None:
        if not self.is_over(now):
            self.over = reason

    def _goes_on(self, token: str, answer: str | None, now: float) -> None:
        if not self.repeated:
            self.doubts, self.lost = 0, 0
        self.given_for = token
        self._remember(answer, now)

    def _remember(self, answer: str | None, now: float) -> None:
        assert answer, "the line should have moved on"
        assert answer not in self.answers, "an answer that was given long ago came back"
        self.answers.append(answer)
        self.newest, self.given, self.repeated = answer, now, False

    def _may_repeat(self) -> bool:
        if not self.repeated and self.doubts < REPEATS:
            self.repeated = True
            self.doubts += 1
        return self.repeated


@dataclass(eq=False)
class Client:
    """Somebody with tokens of one session, their own or stolen: what they received last."""

    story: Story
    refresh_token: str
    access_token: str

    def receives(self, response: TokenResponse) -> None:
        self.refresh_token = response.refresh_token or self.refresh_token
        self.access_token = response.access_token


class Stories(RuleBasedStateMachine):
    """Two people, their clients, and whoever lays hands on any token that was ever given out."""

    def __init__(self, people: list[Person]) -> None:
        super().__init__()
        self.people = people
        self.stories: list[Story] = []
        self.clients: list[Client] = []
        self.ticks = 0.0
        self.clock = Clock()
        self.lines: dict[UUID, tuple[bool, int, int]] = {}

    @property
    def now(self) -> float:
        return self.ticks * TICK

    def _living(self) -> list[Story]:
        return [story for story in self.stories if not story.over]

    def _is_anybody_in(self) -> bool:
        return bool(self._living())

    # Who comes.

    @initialize()
    def two_are_signed_in_with_password_hashes_of_old(self) -> None:
        """By another way than a password, or there would be none of old."""
        for person in self.people:
            person.password = PASSWORD
            user = user_of(person)
            user.password = PBKDF2PasswordHasher().encode(PASSWORD, "salt", iterations=1)
            user.save()
            self._begins(person, auth.login(user), 90 * DAY)

    @precondition(lambda self: len(self._living()) < 4)
    @rule(who=WHO, days=st.sampled_from([90, 1]), harder=st.booleans())
    def somebody_logs_in(self, who: int, days: int, harder: bool) -> None:
        self._logs_in(self.people[who], days, harder)

    # What they do.

    @precondition(_is_anybody_in)
    @rule(pick=PICK, after=SOON, lost=LOST)
    def a_client_refreshes_soon(self, pick: int, after: float, lost: list[bool]) -> None:
        """Perhaps several times at once; what is lost nobody receives."""
        self._pass(after)
        self._refreshes(self._any_client(pick), lost)

    @precondition(_is_anybody_in)
    @rule(pick=PICK, after=LATER, lost=LOST)
    def a_client_refreshes_later(self, pick: int, after: float, lost: list[bool]) -> None:
        self._pass(after)
        self._refreshes(self._any_client(pick), lost)

    @precondition(_is_anybody_in)
    @rule(pick=PICK, turns=st.sampled_from([2, 9, 22]), every=EVERY, lost=HABITS)
    def a_client_refreshes_turn_after_turn(self, pick: int, turns: int, every: float, lost: list[list[bool]]) -> None:
        client = self._any_client(pick)
        for turn in range(turns):
            if not self._refreshes(client, lost[turn % len(lost)]):
                return
            self._pass(every)
        self._nobody_else_gets_anything(client.story)

    @precondition(_is_anybody_in)
    @rule(pick=PICK, after=SOON | LATER)
    def a_client_confirms_the_password(self, pick: int, after: float) -> None:
        self._pass(after)
        client = self._any_client(pick)
        story = client.story
        if not client.access_token:
            return
        self.clock.set(self.now)
        with pytest.raises(InvalidToken) if story.is_over(self.now) else nullcontext():
            response = auth.reauthenticate(auth.verify(client.access_token))
            story.begins_anew(client, response.refresh_token, self.now)
            client.receives(response)
        if not story.is_over(self.now):
            for token in sorted(story.replaced)[:3]:
                with pytest.raises(RefreshTokenReplaced):
                    auth.refresh(token)

    @rule(pick=PICK, after=SOON | LATER)
    def any_token_that_was_ever_given_out_is_used_by_a_thief(self, pick: int, after: float) -> None:
        """Who from then on is one client more."""
        self._pass(after)
        thief = Client(*self._any_answer(pick), access_token="")
        self.clients.append(thief)
        self._refreshes(thief, [False])

    @precondition(_is_anybody_in)
    @rule(pick=PICK, after=SOON | LATER, number=PICK, what=st.sampled_from(["refresh", "login", *ENDS]))
    def one_acts_while_another_refreshes(self, pick: int, after: float, number: int, what: str) -> None:
        """Between the other's reading of the row and the writing of it: as if it had been before."""
        self._pass(after)
        client = self._any_client(pick)
        story = client.story
        token = story.answers[-1 - number % len(story.answers)]

        def act() -> None:
            if what == "refresh":
                self._judge(Client(story, token, access_token=""), token, refresh(token))
            elif what == "login":
                self._logs_in(story.owner, 90, harder=True)
            else:
                self._ends(story, token, what)

        self.clock.set(self.now)
        with just_before_the_next_write(act):
            response = refresh(client.refresh_token)
        self._judge(client, client.refresh_token, response)
        if response:
            client.receives(response)

    @precondition(_is_anybody_in)
    @rule(pick=PICK, how=st.sampled_from(ENDS))
    def a_session_is_ended(self, pick: int, how: str) -> None:
        self._ends(*self._any_answer(pick), how)

    @precondition(_is_anybody_in)
    @rule(pick=PICK, other=PICK, position=PICK, letter=st.sampled_from("0129aAf_-.é\0"))
    def tokens_are_forged(self, pick: int, other: int, position: int, letter: str) -> None:
        """With another letter somewhere; with the signature of another token."""
        (_, token), (_, another) = self._any_answer(pick), self._any_answer(other)
        position %= len(token) + 1
        before = rows()
        for forged in (
            token[:position] + letter + token[position + 1 :],
            ".".join([*token.split(".")[:-1], another.split(".")[-1]]),
        ):
            if forged != token:
                assert refresh(forged) is None
                with suppress(RefreshTokenReplaced):
                    auth.logout(forged)
        assert rows() == before

    # What is always so.

    @invariant()
    def a_line_never_goes_back_and_what_is_over_stays_over(self) -> None:
        stories = {UUID(story.sid): story for story in self.stories}
        for sid, row in rows().items():
            line = (row["revoked_at"] is not None, row["generation"], row["branch"])
            assert line >= self.lines.get(sid, (False, 0, 0))
            self.lines[sid] = line
            over, reason = stories[sid].over, row["revoked_reason"]
            assert over in {reason, "expired"}, "what ended a session is written down at once"

    def teardown(self) -> None:
        try:
            # A story that went wrong has said enough.
            if sys.exc_info()[0] is None:
                for client in self.clients:
                    self._its_access_token_lives_as_long(client)
                for story in self._living():
                    self._nobody_else_gets_anything(story)
                    self._two_cannot_both_go_on(story)
        finally:
            QuickHasher.iterations = 1
            Session.objects.all().delete()

    def _its_access_token_lives_as_long(self, client: Client) -> None:
        """As its session does: none of these is as old as to be over by itself."""
        if client.access_token:
            with nullcontext() if not client.story.is_over(self.now) else pytest.raises(InvalidToken):
                auth.authenticate(client.access_token, strict=True)

    def _nobody_else_gets_anything(self, story: Story) -> None:
        """Two answers are worth something, and not even when they come at the same moment both of them."""
        for answer in story.answers[-5:]:
            if answer not in {story.newest, story.given_for}:
                with put_back():
                    assert refresh(answer) is None, "a token of long ago was answered"
        for first, second in ((story.newest, story.given_for), (story.given_for, story.newest)):
            with put_back():
                time_passes(seconds=LATE)
                with just_before_the_next_write(partial(refresh, second)) as others:
                    answered = [refresh(first), *others]
            assert len(answered) == 1 or None in answered, "two live lines"

    def _two_cannot_both_go_on(self, story: Story) -> None:
        """Whichever of the two they hold, also when it is the same: the third refresh finds them at the latest."""
        given_for = story.given_for or story.newest
        for first, second in ((story.newest, story.newest), (story.newest, given_for), (given_for, story.newest)):
            hands = [first, second]
            answered = []
            with put_back():
                for turn in range(3):
                    time_passes(seconds=LATE)
                    response = refresh(hands[turn % 2])
                    answered.append(response is not None)
                    if response:
                        hands[turn % 2] = response.refresh_token
            assert not all(answered), "two live lines"

    def _pass(self, ticks: float) -> None:
        self.ticks += ticks
        self.clock.set(self.now)

    def _refreshes(self, client: Client, lost: list[bool]) -> bool:
        """Whether it was answered."""
        token = client.refresh_token
        for is_lost in lost:
            self.clock.set(self.now)
            before = rows()
            response = refresh(token)
            self._judge(client, token, response)
            if response and not is_lost:
                client.receives(response)
            client.story.lost += is_lost
            after = rows()
            assert {sid for sid in after if after[sid] != before[sid]} <= {UUID(client.story.sid)}
        return response is not None

    def _begins(self, person: Person, response: TokenResponse, lifetime: float) -> None:
        sid = auth.verify(response.access_token).sid
        token = response.refresh_token
        story = Story(person, sid, self.now + lifetime, token, given=self.now, answers=[token])
        self.stories.append(story)
        self.clients.append(Client(story, token, response.access_token))

    def _logs_in(self, person: Person, days: int, harder: bool) -> None:
        """This upgrades the hash when it is outdated, as when the project's have become harder; which ends nothing."""
        QuickHasher.iterations += harder
        self.clock.set(self.now)
        user = passwords.check_credentials(None, username=person.name, password=person.password)
        response = auth.login(user, session_lifetime=timedelta(days=days))
        assert not get_hasher().must_update(user_of(person).password)
        self._begins(person, response, days * DAY)

    def _any_client(self, pick: int) -> Client:
        """Of a session that is alive: over ones are heard of again by tokens that come back."""
        clients = [client for client in self.clients if not client.story.over]
        return clients[-1 - pick % len(clients)]

    def _any_answer(self, pick: int) -> tuple[Story, str]:
        answers = [(story, answer) for story in self.stories for answer in story.answers]
        return answers[-1 - pick % len(answers)]

    def _ends(self, story: Story, token: str, how: str) -> None:
        """Whoever sets a password, be it the same again, wants everybody out."""
        if how == "logout" and token in story.replaced:
            with pytest.raises(RefreshTokenReplaced) if self.now - story.seeded < PAUSE else nullcontext():
                auth.logout(token)
            return
        if how == "logout":
            auth.logout(token)
            story.ends("logout", self.now)
            return
        person = story.owner
        person.password += "!" * (how == "a new password")
        user = user_of(person)
        user.set_password(person.password)
        user.save()
        for each in self.stories:
            if each.owner is person:
                each.ends("password_changed", self.now)

    def _judge(self, client: Client, token: str, response: TokenResponse | None) -> None:
        story = client.story
        story.users.add(client)
        honest = story.users == {client}
        lost = story.lost
        story.judge(token, response.refresh_token if response else None, self.now)
        if response is None and honest:
            reused = story.over == "refresh_token_reused"
            assert not reused or lost >= LOST_ANSWERS, f"somebody honest, alone, was signed out: {lost} answers lost"


def refresh(token: str) -> TokenResponse | None:
    """The answer; None where it is refused, for ever or for a while."""
    try:
        return auth.refresh(token)
    except (InvalidGrant, RefreshTokenReplaced):
        return None


def rows() -> dict[Any, Any]:
    return {row["id"]: row for row in Session.objects.values()}


def user_of(person: Person) -> Any:
    return get_user_model()._default_manager.get(pk=person.user.pk)


@contextmanager
def put_back() -> Iterator[None]:
    """Whatever is tried, afterwards the rows are as before."""
    before = rows()
    yield
    for sid, row in before.items():
        Session.objects.filter(pk=sid).update(**row)


@contextmanager
def just_before_the_next_write(act: Callable[[], Any]) -> Iterator[list[Any]]:
    """`act` happens once, between somebody's reading and their writing; not at all when they write nothing.

    What it returns is then in the list.
    """
    waiting, results = [act], []

    def execute(execute: Any, sql: str, *rest: Any) -> Any:
        if sql.startswith("UPDATE") and waiting:
            results.append(waiting.pop()())
        return execute(sql, *rest)

    with connections[router.db_for_write(Session)].execute_wrapper(execute):
        yield results


@pytest.mark.django_db
def test_in_any_story_honest_clients_go_on_and_two_parties_with_one_token_do_not(
    person: Callable[..., Person], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR, "django_ironclad")
    people = [person("ada"), person("bob")]
    run_state_machine_as_test(
        lambda: Stories(people),
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
