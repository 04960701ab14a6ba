"""Delete the rows of sessions that ended long ago, in small batches beside live traffic."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import timedelta
from itertools import chain
from math import ceil
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Q

from ...database import Now, in_line
from ...models import Session, SessionQuerySet
from ...sessions import window

#: How many days it was over, where nobody says.
DAYS: Final = 30
BATCH: Final = 5000
#: Seconds between two lines of progress.
PROGRESS: Final = 5


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--older-than",
            type=int,
            metavar="DAYS",
            help=f"how many days a session must have been over ({DAYS}, or as long as its tokens can live)",
        )
        parser.add_argument("--dry-run", action="store_true", help="count, and delete nothing")

    def handle(self, *args: Any, older_than: int | None, dry_run: bool, **options: Any) -> None:
        # A session that is forgotten while its access tokens live would let them in again.
        least = max(1, ceil(window() / timedelta(days=1)))
        if older_than is not None and older_than < least:
            raise CommandError(
                f"--older-than must be at least {least}: access tokens of what ended since may be valid still."
            )
        before = Now() - timedelta(days=max(DAYS, least) if older_than is None else older_than)
        # One index each. A session that merely rests stays until its `expires_at` has passed.
        over = [Q(revoked_at__lt=before), Q(expires_at__lt=before)]
        if dry_run:
            count = Session.objects.filter(over[0] | over[1]).count()
            self.stdout.write(f"{count} sessions would be deleted.")
            return
        deleted, told = 0, time.monotonic()
        for batch in chain(self.delete("revoked_at", over[0]), self.delete("expires_at", over[1])):
            deleted += batch
            if time.monotonic() - told >= PROGRESS:
                self.stdout.write(f"{deleted} deleted ...")
                told = time.monotonic()
        self.stdout.write(self.style.SUCCESS(f"{deleted} sessions deleted."))

    def delete(self, column: str, over: Q) -> Iterator[int]:
        """Delete what is over, the oldest by `column` first. How many there were, batch by batch.

        A range of an index, and none of its keys, finds each batch and says where the next begins: past the entries of
        rows that are gone. It takes half the time of as many keys, or a quarter where the table is small.
        """
        rest = Session.objects.filter(over)
        while True:
            started = time.monotonic()
            edge = rest.order_by(column).values_list(column, flat=True)[BATCH : BATCH + 1]
            if not (edges := list(edge)):
                yield _deleted(rest)
                return
            older, next_ones = ({f"{column}__{lookup}": edges[0]} for lookup in ("lt", "gte"))
            # Nothing is older where very many ended in the same moment: then these, by their keys.
            deleted = _deleted(rest.filter(**older)) or self.delete_some(rest)
            rest = Session.objects.filter(over, **next_ones)
            yield deleted
            # As long a rest as the work was: whoever refreshes meanwhile has the database to himself.
            time.sleep(time.monotonic() - started)

    def delete_some(self, rest: SessionQuerySet) -> int:
        return _deleted(Session.objects.filter(pk__in=list(rest.values_list("pk", flat=True)[:BATCH])))


def _deleted(rows: SessionQuerySet) -> int:
    """How many there were; tried again where whoever ends or renews several of them at this moment is in the way."""
    return in_line(rows.delete, using=rows.db)[0]
