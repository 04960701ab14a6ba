"""What moving to django-ironclad takes, and the part of it that a machine can do."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError

from ...move import PACKAGES, LibCSTMissing, Project, Report, diff, report, rewritten, write

#: For CI: what is left to do. 1 and 2 are Django's, for a command that failed or was called wrongly.
EXIT: Final = {"done": 0, "work": 3, "stopped": 4}


class Command(BaseCommand):
    help = f"{__doc__} Changes nothing without --write."
    # A project on its way may have errors; and whoever asks before the move has none of our tables.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("package", metavar="FROM", choices=PACKAGES, help=f"one of {', '.join(PACKAGES)}")
        parser.add_argument("paths", nargs="*", type=Path, metavar="PATH", help="files or folders (the current folder)")
        parser.add_argument("--format", choices=["text", "json"], default="text")
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--diff", action="store_true", help="show what would change")
        what.add_argument("--write", action="store_true", help="change it, and report what is left")
        parser.add_argument("--phase", type=int, choices=[1, 2], default=2, help="1: read both kinds of tokens only")

    def handle(self, *args: Any, package: str, paths: list[Path], format: str, phase: int, **options: Any) -> None:  # noqa: A002
        if missing := [str(path) for path in paths if not path.exists()]:
            raise CommandError(f"There is no {', '.join(missing)}.")
        where = tuple(paths) or (Path.cwd(),)
        if options["diff"] or options["write"]:
            try:
                changes = rewritten(Project(where), PACKAGES[package], phase=phase)
            except LibCSTMissing as error:
                raise CommandError(str(error)) from None
            if options["write"]:
                write(changes)
            else:
                self.stdout.write("".join(diff(changes)), ending="")
                return
        found = report(Project(where), PACKAGES[package], rewritten=options["write"])
        self.tell(found, format)
        if code := EXIT[found.verdict]:
            raise SystemExit(code)

    def tell(self, found: Report, form: str) -> None:
        if form == "json":
            self.stdout.write(json.dumps(found.as_json(), indent=2, default=str))
        else:
            self.stdout.write("\n".join(found.lines()).lstrip("\n"))
