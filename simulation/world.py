"""Clients and thieves who share a session, and what its server says to them; times are seconds since the login."""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from .rules import TURN, Ended, Rule

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
#: A client that hears nothing asks again after so many seconds: when the connection breaks, or when it loses patience.
RETRY = (1.0, 30.0)


@dataclass
class World:
    """A session, from its login until its server ends it."""

    rule: Rule
    chance: random.Random
    now: float = 0.0
    ended: bool = False
    refreshes: int = 0
    _waiting: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _number: itertools.count[int] = field(default_factory=itertools.count)

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._waiting, (self.now + seconds, next(self._number), act))

    def run(self, until: float) -> None:
        while not self.ended and self._waiting[0][0] <= until:
            self.now, _, act = heapq.heappop(self._waiting)
            try:
                act()
            except Ended:
                self.ended = True

    def refresh(self, token: Any) -> Any:
        self.refreshes += 1
        return self.rule.refresh(token, self.now)


@dataclass
class Store:
    """Where all tabs of a browser keep their one refresh token: the last to write wins."""

    refresh_token: Any


class Laptop:
    """Open for an hour and a half, closed for half an hour, on average, and for eight hours each night.

    Asleep it sends nothing and hears nothing. One in ten times that it is opened it is closed within two seconds.
    """

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._closed, self._opened = 0.0, 0.0

    def sleeps_until(self, now: float) -> float:
        """When it wakes; `now` while it is awake."""
        while self._opened <= now:
            self._closed = self._opened + self._stays_open()
            self._opened = self._closed + self._chance.expovariate(2 / HOUR)
            if self._closed % DAY > 16 * HOUR:
                self._opened = (self._closed // DAY + 1) * DAY
        return self._opened if self._closed <= now else now

    def _stays_open(self) -> float:
        if self._opened and self._chance.random() < 0.1:
            return self._chance.uniform(0, 2)
        return self._chance.expovariate(1 / (1.5 * HOUR))


@dataclass
class Client:
    """A tab, or a thief. Refreshes once a turn, without asking who else has this store."""

    world: World
    store: Store
    every: float = TURN
    #: How many of the answers never arrive.
    lost: float = 0.0
    #: How many seconds a request or an answer is on its way, at most.
    way: float = 1.0
    #: None never sleeps.
    laptop: Laptop | None = None

    def turn(self) -> None:
        if not self._waits_for_its_laptop(self.turn):
            self.ask()
            self.world.after(self.every, self.turn)

    def ask(self) -> None:
        """With what the store holds now, whatever others are about to write there."""
        if not self._waits_for_its_laptop(self.ask):
            self.world.after(self._on_its_way(), partial(self._arrive, self.store.refresh_token))

    def _waits_for_its_laptop(self, then: Callable[[], None]) -> bool:
        if self.laptop is None:
            return False
        sleep = self.laptop.sleeps_until(self.world.now) - self.world.now
        if sleep:
            self.world.after(sleep + self._on_its_way(), then)
        return bool(sleep)

    def _arrive(self, token: Any) -> None:
        refresh_token = self.world.refresh(token)
        if self.world.chance.random() < self.lost:
            self.world.after(self.world.chance.uniform(*RETRY), self.ask)
        else:
            self.world.after(self._on_its_way(), partial(self._receive, refresh_token))

    def _receive(self, refresh_token: Any) -> None:
        if self._waits_for_its_laptop(self.ask):
            return
        if refresh_token is not None:
            self.store.refresh_token = refresh_token
            self.world.after(self._on_its_way(), partial(self.world.rule.call, refresh_token))

    def _on_its_way(self) -> float:
        return self.way * self.world.chance.random()


def honest(
    make: Callable[[], Rule], chance: random.Random, *, days: int, tabs: int, lost: float, sleeps: bool
) -> tuple[int, int]:
    """How often somebody was signed out within so many days of being signed in; and how many refreshes it took."""
    signed_out = refreshes = 0
    left = days * DAY
    while left > 0:
        world = World(make(), chance)
        store = Store(world.rule.first)
        laptop = Laptop(chance) if sleeps else None
        for _ in range(tabs):
            world.after(chance.uniform(0, TURN), Client(world, store, lost=lost, laptop=laptop).turn)
        world.run(min(left, 30 * DAY))
        signed_out += world.ended
        refreshes += world.refreshes
        left -= world.now if world.ended else min(left, 30 * DAY)
    return signed_out, refreshes


def theft(
    make: Callable[[], Rule],
    chance: random.Random,
    *,
    days: int,
    later: tuple[float, float],
    every: float = TURN,
    way: float = 1.0,
) -> float | None:
    """Seconds from the first use of a stolen token to the end of the session; None when it did not end in so many days.

    The thief copies what the victim holds after a refresh, comes so much later, and then at his own turns. The victim
    is one tab that loses nothing.
    """
    world = World(make(), chance)
    victim = Client(world, Store(world.rule.first), way=way)
    world.after(0, victim.turn)
    # The thirteenth refresh, and a little more, so that nothing is on its way.
    world.run(12 * TURN + 3 * way)
    thief = Client(world, Store(victim.store.refresh_token), every=every, way=way)
    began = 12 * TURN + chance.uniform(*later)
    world.after(began - world.now, thief.turn)
    world.run(began + days * DAY)
    return world.now - began if world.ended else None
