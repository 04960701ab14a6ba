"""Honest clients stay signed in, however clumsy they are; whoever shares a refresh token with a thief does not.

All of it runs on the real package and its database. A world keeps the time: what is to happen waits in a queue, and
before each refresh the rows are moved into the past.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import os
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from django_ironclad import auth
from django_ironclad.auth import TokenResponse
from django_ironclad.errors import InvalidGrant, InvalidToken
from django_ironclad.models import Session

from ..conftest import Person
from ..stories import Clock

pytestmark = pytest.mark.django_db

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
#: As often as an access token runs out, each client refreshes; by default.
TURN = 5 * MINUTE
TURNS = [TURN, 15 * MINUTE, HOUR]
#: More of them, for whoever has the time.
SEEDS = range(int(os.environ.get("THIEVES_SEEDS", "1")))

logger = logging.getLogger(__name__)


@dataclass
class World:
    """What happens when, in seconds since the login, and what the server said to it."""

    login: TokenResponse
    now: float = 0
    answered: int = 0
    #: When a refresh was refused. Then the world ends.
    refused: float | None = None
    _waiting: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _number: itertools.count[int] = field(default_factory=itertools.count)
    _clock: Clock = field(default_factory=Clock)

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._waiting, (self.now + seconds, next(self._number), act))

    def run(self, seconds: float) -> None:
        while self.refused is None and self._waiting[0][0] <= seconds:
            self.now, _, act = heapq.heappop(self._waiting)
            act()

    def refresh(self, token: str) -> TokenResponse | None:
        """The answer; None where it is refused."""
        self._clock.set(self.now)
        try:
            response = auth.refresh(token)
        except InvalidGrant:
            self.refused = self.now
            return None
        self.answered += 1
        return response

    @property
    def session(self) -> Session:
        return Session.objects.get()


@dataclass
class Store:
    """Where all tabs of a browser keep their one refresh token: the last to write wins."""

    refresh_token: str


@dataclass
class Client:
    """Refreshes once a turn, without asking who else has this store."""

    world: World
    store: Store
    chance: random.Random
    every: float = TURN
    #: How many requests it sends at once.
    times: int = 1
    #: How many of the answers never arrive; and after how many seconds it then tries again, at least and at most.
    lost: float = 0
    retry: tuple[float, float] = (3, 3)
    #: How many seconds a request or an answer is on its way, at most.
    way: float = 0
    #: From when to when its machine sleeps.
    night: tuple[float, float] = (0, 0)

    def turn(self) -> None:
        for _ in range(self.times):
            self.ask()
        evening, morning = self.night
        next_turn = self.world.now + self.every
        self.world.after((morning if evening <= next_turn < morning else next_turn) - self.world.now, self.turn)

    def ask(self) -> None:
        """With what the store holds now, whatever others are about to write there."""
        if not self._is_asleep():
            self.world.after(self._on_its_way(), partial(self._arrive, self.store.refresh_token))

    def _arrive(self, token: str) -> None:
        response = self.world.refresh(token)
        if response is not None and self.chance.random() < self.lost:
            self.world.after(self.chance.uniform(*self.retry), self.ask)
        elif response is not None:
            self.world.after(self._on_its_way(), partial(self._receive, response.refresh_token))

    def _receive(self, token: str) -> None:
        if token and not self._is_asleep():
            self.store.refresh_token = token

    def _is_asleep(self) -> bool:
        return self.night[0] <= self.world.now < self.night[1]

    def _on_its_way(self) -> float:
        return self.chance.uniform(0, self.way)


@pytest.fixture
def world(ada: Person) -> World:
    return World(auth.login(ada.user))


@pytest.fixture
def store(world: World) -> Store:
    return Store(world.login.refresh_token)


def is_alive(world: World) -> bool:
    return world.refused is None and world.session.revoked_at is None


@pytest.fixture
def turn(request: pytest.FixtureRequest, settings: Any) -> float:
    """How long an access token lives here."""
    settings.IRONCLAD = {"ACCESS_TOKEN_LIFETIME": timedelta(seconds=request.param)}
    return float(request.param)


@pytest.mark.parametrize("turn", TURNS, indirect=True)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_client_that_refreshes_five_times_in_parallel_at_every_turn_stays_signed_in(
    turn: float, world: World, store: Store, seed: int
) -> None:
    client = Client(world, store, random.Random(seed), every=turn, times=5, lost=0.01, way=2)
    world.after(0, client.turn)
    world.run(100 * turn)
    assert is_alive(world), f"signed out after {world.refused} s"
    assert world.answered >= 5 * 100


@pytest.mark.parametrize("seed", SEEDS)
def test_six_tabs_without_locks_each_at_its_own_time_stay_signed_in(world: World, store: Store, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(6):
        world.after(chance.uniform(0, TURN), Client(world, store, chance, lost=0.01, way=2).turn)
    world.run(DAY)
    assert is_alive(world), f"signed out after {world.refused} s"
    assert world.answered >= 6 * (DAY / TURN - 1)


@pytest.mark.parametrize("seed", sorted({2, 6, *SEEDS}))
def test_six_tabs_that_lose_answers_and_ask_again_as_the_grace_ends_stay_signed_in(
    world: World, store: Store, seed: int
) -> None:
    """Some before it, some after it, and which answer arrives last is anybody's guess."""
    chance = random.Random(seed)
    for _ in range(6):
        tab = Client(world, store, chance, lost=0.3, retry=(9, 11), way=4)
        world.after(chance.uniform(0, TURN), tab.turn)
    world.run(6 * HOUR)
    assert is_alive(world), f"signed out after {world.refused} s"
    assert world.answered >= 6 * (6 * HOUR / TURN - 1)


@pytest.mark.parametrize("seed", SEEDS)
def test_six_tabs_that_all_act_on_what_they_read_before_any_answer_came_stay_signed_in(
    world: World, store: Store, seed: int
) -> None:
    """Nor does it matter that the machine falls asleep in the midst of it, so that every answer of a turn is lost."""
    chance = random.Random(seed)
    evening, morning = 14 * HOUR + 0.001, 22 * HOUR
    for _ in range(6):
        client = Client(world, store, chance, lost=0.01, way=4, night=(evening, morning))
        world.after(0, client.turn)
    world.run(DAY + 8 * HOUR)
    assert is_alive(world), f"signed out after {world.refused} s"
    assert world.answered >= 6 * DAY / TURN


@pytest.fixture
def chance() -> random.Random:
    return random.Random(3)


def thief_of(victim: Client, **habits: Any) -> Client:
    """Somebody who has just copied what the victim's store holds."""
    return Client(victim.world, Store(victim.store.refresh_token), victim.chance, **habits)


def assert_found(world: World, thief: str, *, since: float, within: float) -> None:
    """Within so many seconds; then both parties are out, and the row says why."""
    assert world.refused is not None, f"the {thief} thief was never found"
    took = world.refused - since
    logger.info("the %s thief was found after %.1f minutes", thief, took / MINUTE)
    assert took <= within, f"the {thief} thief was found only after {took} s"
    assert world.session.revoked_reason == "refresh_token_reused"
    with pytest.raises(InvalidToken):
        auth.authenticate(world.login.access_token, strict=True)


@pytest.mark.parametrize("moment", [0, 1, 15, 150, 291, 299])
def test_a_thief_who_refreshes_at_once_and_goes_on_is_found_within_two_turns(
    world: World, store: Store, chance: random.Random, moment: float
) -> None:
    """At the victim's next refresh; at the one after, when that still falls into the grace of the thief's first."""
    victim = Client(world, store, chance)
    stolen = 12 * TURN + moment
    world.after(0, victim.turn)
    world.after(stolen, lambda: thief_of(victim, every=MINUTE).turn())
    world.run(DAY)
    assert_found(world, "eager", since=stolen, within=2 * TURN if moment > TURN - 10 else TURN)


@pytest.mark.parametrize("turns", [1, 2, 3, 250])
def test_a_thief_who_comes_with_a_stale_token_is_found_at_once_or_by_his_victims_next_refresh(
    world: World, store: Store, chance: random.Random, turns: int
) -> None:
    """By the victim's where only one token was given out since: its answer might have been lost."""
    victim = Client(world, store, chance)
    stolen = 12.5 * TURN
    world.after(0, victim.turn)
    world.after(stolen, lambda: world.after(turns * TURN, thief_of(victim).turn))
    world.run(2 * DAY)
    assert_found(world, "stale", since=stolen + turns * TURN, within=0.5 * TURN if turns == 1 else 0)


@pytest.mark.parametrize("turn", TURNS, indirect=True)
@pytest.mark.parametrize("seed", range(2))
def test_a_thief_who_copies_his_victims_timing_is_found_at_the_fourth_turn(
    turn: float, world: World, store: Store, seed: int
) -> None:
    """Two answers in a row are repeated. At the third turn one of them gets none, and so is out of step."""
    victim = Client(world, store, random.Random(seed), every=turn, way=4)
    stolen = 12.5 * turn
    world.after(0, victim.turn)
    world.after(stolen, lambda: world.after(0.5 * turn, thief_of(victim, every=turn, way=4).turn))
    world.run(100 * turn)
    assert_found(world, "shadowing", since=stolen, within=4 * turn)


@pytest.mark.parametrize("seconds", [11, 19, 58])
def test_a_thief_who_comes_just_after_the_grace_is_found_by_his_own_next(
    world: World, store: Store, chance: random.Random, seconds: float
) -> None:
    """His first time he gets an access token only, and so has nothing but what he stole."""
    victim = Client(world, store, chance)
    stolen, used = 12.5 * TURN, 13 * TURN + seconds
    world.after(0, victim.turn)
    world.after(stolen, lambda: world.after(used - stolen, thief_of(victim).turn))
    world.run(DAY)
    assert_found(world, "late", since=used, within=TURN)


@pytest.mark.parametrize("every", [1, 3, 100])
def test_a_thief_who_takes_slow_turns_after_his_victim_is_found_by_the_victims_next(
    world: World, store: Store, chance: random.Random, every: int
) -> None:
    victim = Client(world, store, chance)
    stolen, used = 12.1 * TURN, 13.5 * TURN
    world.after(0, victim.turn)
    world.after(stolen, lambda: world.after(used - stolen, thief_of(victim, every=every * TURN).turn))
    world.run(2 * DAY)
    assert_found(world, "alternating", since=used, within=0.5 * TURN)


@pytest.mark.parametrize("every", [1, 3, 100])
def test_a_thief_who_takes_slow_turns_before_his_victim_is_found_by_his_own_next(
    world: World, store: Store, chance: random.Random, every: int
) -> None:
    """The victim's refresh made worthless what he holds: until he comes again there is nothing to find, nor to lose."""
    victim = Client(world, store, chance)
    stolen = 12.5 * TURN
    world.after(0, victim.turn)
    world.after(stolen, lambda: thief_of(victim, every=every * TURN).turn())
    world.run(2 * DAY)
    assert_found(world, "alternating", since=stolen, within=every * TURN)
