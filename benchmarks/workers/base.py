"""What every task of a worker stands on: the candidate, its people, and how processor time is taken."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from typing import Any

from ..candidates import Candidate
from ..logins import Credentials
from ..project import configure

PASSWORD = "open-sesame-42"
#: Seconds. The shortest access tokens live for five minutes.
TOO_OLD = 120


class Base:
    def __init__(self, name: str, database: str) -> None:
        self.candidate: Candidate = configure(name, database)
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        self.users: list[Any] = []
        self.held: list[Credentials] = []
        self.held_since = 0.0

    def people(self, count: int) -> int:
        """So many users, each logged in once."""
        from django.contrib.auth.hashers import make_password
        from django.contrib.auth.models import Group, User

        password = make_password(PASSWORD)
        made = User.objects.bulk_create([User(username=f"user-{number}", password=password) for number in range(count)])
        group = Group.objects.get_or_create(name="registrar")[0]
        group.user_set.add(*made)
        self.users = list(User.objects.order_by("pk"))
        self.log_everybody_in()
        return len(self.held)

    def log_everybody_in(self) -> list[Credentials]:
        """Tokens that nobody has seen yet."""
        self.held, self.held_since = [self.candidate.login(user) for user in self.users], time.monotonic()
        return self.held

    def everybody(self) -> list[Credentials]:
        """What they hold; new ones before the access tokens run out."""
        return self.log_everybody_in() if self.users and time.monotonic() - self.held_since > TOO_OLD else self.held

    def credentials(self) -> list[dict[str, str]]:
        """The headers of everybody's requests, by their names in WSGI."""
        return [headers for headers, _ in self.everybody()] or [{}]

    def login_tokens(self, count: int) -> list[str]:
        """The refresh tokens of so many new sessions."""
        return [self.candidate.login(self.users[number % len(self.users)])[1] for number in range(count)]

    def tick(self) -> None:
        """The set of ended sessions is read before, and not within what is measured: it is read once a second."""
        if "django_ironclad" in self.candidate.apps:
            from django_ironclad.sessions.revoked import revoked_sessions

            revoked_sessions.freshen()


def timed(act: Callable[[Any], object], arguments: list[Any]) -> float:
    """Processor seconds for each, the median of ten slices, with the garbage collector at rest."""
    size = max(1, len(arguments) // 10)
    slices = [arguments[start : start + size] for start in range(0, len(arguments), size)]
    took: list[float] = []
    gc.collect()
    gc.disable()
    for each in slices:
        began = time.process_time()
        for argument in each:
            act(argument)
        took.append((time.process_time() - began) / len(each))
    gc.enable()
    return sorted(took)[len(took) // 2]
