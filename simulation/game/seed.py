"""What a new seed does to honest tabs: a password is changed or confirmed in one of them while others refresh.

For a pause after it, a token of the old seed is answered 503; then it is worth nothing, and ends nothing. Refreshes go
through a lock, as the browser client's do, or do not: then an old answer may be the last to be stored.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from django_ironclad.tokens.reuse import PAUSE

from .candidates import GRACE, Ours, State, moved

TICK = 5
_PAUSE = PAUSE * int(GRACE.total_seconds())
#: Seconds that the model goes on after the change; nothing is new then.
_END = _PAUSE + 30


class Tab(NamedTuple):
    """idle, asks, changes or hears, with which token; and the ticks until it has arrived."""

    does: str = "idle"
    token: str = ""
    left: int = 0


class Browser(NamedTuple):
    """Tokens: C and P of the row's seed, "old" of the one before."""

    row: State
    age: int
    #: Seconds since the change; -1 before it.
    since: int
    store: str
    tabs: tuple[Tab, ...]


class Refused(Exception):
    """Somebody is signed out."""


def is_anybody_signed_out(*, tabs: int, lock: bool, slow: int = 2) -> bool:
    """Whether it can happen at all, without one lost answer."""
    first = Browser((0, False, False), _PAUSE, -1, "C", (Tab(),) * tabs)
    seen, todo = {first}, [first]
    try:
        while todo:
            for after in _steps(todo.pop(), lock, slow):
                if after not in seen:
                    seen.add(after)
                    todo.append(after)
    except Refused:
        return True
    return False


_OURS = Ours()


def _judge(row: State, age: int, since: int, token: str) -> tuple[str, State, str]:
    if token == "old":  # noqa: S105 - the name of a token
        return ("later" if 0 <= since < _PAUSE else "refused"), row, "same"
    reply, row = _OURS.ask(row, token, age) if token in ("C", "P") else ("refuse", row)
    return ("refused" if reply == "refuse" else "answered"), row, reply


def _steps(state: Browser, lock: bool, slow: int) -> Iterator[Browser]:
    row, age, since, store, tabs = state
    for tab in set(tabs):
        rest = list(tabs)
        rest.remove(tab)
        free = not lock or all(other.does == "idle" for other in rest)
        if tab.does == "idle" and free:
            yield _browser(row, age, since, store, [*rest, Tab("asks", store, 1)])
            if since < 0:
                yield _browser(row, age, since, store, [*rest, Tab("changes", "", 1)])
        elif tab.does == "hears":
            yield _browser(row, age, since, tab.token or store, [*rest, Tab()])
        elif tab.does == "changes":
            others = [other._replace(token="old" if other.token else "") for other in rest]
            yield _browser((0, False, False), 0, 0, "old", [*others, Tab("hears", "C", slow)])
        elif tab.does == "asks":
            yield _arrives(state, tab.token, rest, slow)
    if since < _END and all(tab.left > 0 or tab.does == "idle" for tab in tabs):
        later = [Tab(does, token, max(0, left - 1)) for does, token, left in tabs]
        passed = min(since + TICK, _END) if since >= 0 else since
        yield _browser(row, min(age + TICK, _PAUSE), passed, store, later)


def _arrives(state: Browser, token: str, rest: list[Tab], slow: int) -> Browser:
    said, row, reply = _judge(state.row, state.age, state.since, token)
    if said == "refused":
        raise Refused
    store, *tokens = moved([state.store, *(tab.token for tab in rest)], reply)
    age = 0 if reply in ("rotate", "late") else state.age
    others = [tab._replace(token=token) for tab, token in zip(rest, tokens, strict=True)]
    told = "C" if said == "answered" and reply != "withhold" else ""
    return _browser(row, age, state.since, store, [*others, Tab("hears", told, slow)])


def _browser(row: State, age: int, since: int, store: str, tabs: list[Tab]) -> Browser:
    return Browser(row, age, since, store, tuple(sorted(tabs)))
