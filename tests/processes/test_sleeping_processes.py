"""A process that was stopped for longer than an access token lives believes nobody whom others ended meanwhile."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from contextlib import ExitStack

from .conftest import STRESS
from .servers import Answer, PostgreSQL, gunicorn
from .watching import BOUND, begin, end

LIFETIME = 65 if STRESS else 6
STOPPED = 75 if STRESS else 8


def test_a_stopped_process_refuses_what_ended_while_it_slept(
    database: PostgreSQL, measured: Callable[[object], None]
) -> None:
    lifetimes = {"ACCESS_TOKEN_LIFETIME": LIFETIME, "DRF_JWT_TOKEN_LIFETIME": LIFETIME, "LEEWAY": 0}
    with ExitStack() as stack:
        awake, sleeper = (stack.enter_context(gunicorn(database, settings={"IRONCLAD": lifetimes})) for _ in range(2))
        [before] = begin(awake, 1, 2)
        workers = [connection for [connection] in sleeper.connect_to_each_worker().values()]
        for connection in workers:
            assert [connection.get("/plain/", login.access_token).status for login in before] == [200, 200]

        sleeper.signal(signal.SIGSTOP)
        slept_at = time.monotonic()
        dead, alive, ended_at = list(before), [], time.monotonic()
        end(awake, "revoke_all", before)
        while time.monotonic() < slept_at + STOPPED:
            [doomed], [fine] = begin(awake, 2, 1)
            if time.monotonic() < slept_at + STOPPED - BOUND - 0.5:
                end(awake, "revoke_all", [doomed])
                dead.append(doomed)
                ended_at = time.monotonic()
            alive.append((fine, time.monotonic()))
            time.sleep(STOPPED / 40)
        assert time.monotonic() > ended_at + BOUND
        # Their requests wait for it: the first that it answers when it goes on.
        for connection in workers:
            connection.send("GET", "/plain/", token=dead[-1].access_token)
        sleeper.signal(signal.SIGCONT)
        first = [connection.receive() for connection in workers]

        assert [answer.status for answer in first] == [401, 401]
        fresh = 0
        for connection in workers:
            for login in dead[::-1]:
                assert connection.get("/drf/", login.access_token).status == 401
            for login, issued_at in alive[::-1]:
                answer = connection.get("/plain/", login.access_token)
                fresh += answer.status == 200
                assert answer.status == 200 or _is_over(issued_at, answer)
        assert fresh, "all tokens were over before anybody asked"
        measured(
            f"stopped for {STOPPED} s, {len(dead)} ended, {fresh} answers to living ones, the first answer after "
            f"{max(answer.received_at for answer in first) - slept_at - STOPPED:.2f} s"
        )


def _is_over(issued_at: float, answer: Answer) -> bool:
    """Within the second that a token's whole numbers of seconds may cost it."""
    return answer.received_at > issued_at + LIFETIME - 1.5
