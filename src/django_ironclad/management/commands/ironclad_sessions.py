"""List a user's living sessions, and end them if asked to."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from ... import sessions
from ...devices import device_name, printable
from ...models import Session


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", help="the user's name, as for logging in")
        parser.add_argument("--revoke", action="store_true", help="end all of them")

    def handle(self, *args: Any, user: str, revoke: bool, **options: Any) -> None:
        model = get_user_model()
        try:
            owner = model._default_manager.get_by_natural_key(user)
        except model.DoesNotExist:
            raise CommandError(f"There is no user {user!r}.") from None
        living = list(Session.objects.living_of(owner))
        for session in living:
            name = device_name(session.user_agent) or "an unknown device"
            times = f"began {session.created_at:%Y-%m-%d %H:%M}, last used {session.rotated_at:%Y-%m-%d %H:%M} UTC"
            line = f"{session.pk}  {name}, {session.ip_address or 'address unknown'}, {times}"
            # Whatever has written the row.
            self.stdout.write(printable(line))
        if revoke:
            ended = sessions.revoke_all(owner, reason="operator")
            self.stdout.write(self.style.SUCCESS(f"{ended} ended."))
        elif not living:
            self.stdout.write("None.")
