"""Delete the rows of sessions that ended long ago, in small batches beside live traffic."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError
from django.db import connections
from django.db.models.functions import Now

from ...models import Session, SessionQuerySet

BATCH: Final = 1000
#: Seconds between two lines of progress.
PROGRESS: Final = 5


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--older-than",
            type=int,
            default=30,
            metavar="DAYS",
            help="how many days a session must have been over (30; at least 1)",
        )
        parser.add_argument("--dry-run", action="store_true", help="count, and delete nothing")

    def handle(self, *args: Any, older_than: int, dry_run: bool, **options: Any) -> None:
        if older_than < 1:
            raise CommandError("--older-than must be 1 at least: processes still read what ended today.")
        before = Now() - timedelta(days=older_than)
        # One index each. A session that merely rests stays until its `expires_at` has passed.
        ended = [Session.objects.filter(revoked_at__lt=before), Session.objects.filter(expires_at__lt=before)]
        if dry_run:
            count = (ended[0] | ended[1]).count()
            self.stdout.write(f"{count} sessions would be deleted.")
            return
        deleted, told = 0, time.monotonic()
        for sessions in ended:
            while batch := self.delete(sessions):
                deleted += batch
                if time.monotonic() - told >= PROGRESS:
                    self.stdout.write(f"{deleted} deleted ...")
                    told = time.monotonic()
        self.stdout.write(self.style.SUCCESS(f"{deleted} sessions deleted."))

    def delete(self, sessions: SessionQuerySet) -> int:
        """Delete one batch. How many there were."""
        started = time.monotonic()
        batch: Any = sessions.values_list("pk", flat=True)[:BATCH]
        if not connections[sessions.db].features.allow_sliced_subqueries_with_in:
            # MySQL: the keys come here and go back, at seven times the processor time of this command.
            batch = list(batch)
        deleted, _ = Session.objects.filter(pk__in=batch).delete()
        # As long a rest as the work was: whoever refreshes meanwhile has the database to himself.
        time.sleep(time.monotonic() - started)
        return deleted
