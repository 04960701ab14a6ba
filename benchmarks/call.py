"""The whole call through WSGI and ASGI, beside the same view, unprotected."""

from __future__ import annotations

from .bench import Bench, asks, bars, micro, title
from .report import Section, Table, Target
from .rounds import beside, ratios, rounds

DRF = ["open", "ironclad", "tokenforge", "simplejwt-stateless", "allauth", "drf-jwt", "simplejwt", "knox", "drf-token"]
DRF += ["session"]
PLAIN = ["open-plain", "ironclad-plain"]
NINJA = ["open-ninja", "ironclad-ninja", "ninja-jwt"]


def call(bench: Bench) -> Section:
    with bench.workers(*DRF, *PLAIN, *NINJA) as several:
        by_name = {process.name: process for process in several}
        drf = rounds([by_name[name] for name in DRF], bench.turns, "call", count=150)
        plain = rounds([by_name[name] for name in PLAIN], bench.turns, "call", count=300)
        first = rounds([by_name["ironclad-plain"]], bench.turns, "call", count=200, fresh=True)
        asynchronous = rounds([by_name[name] for name in PLAIN], bench.turns, "acall", count=200)
        ninja = rounds([by_name[name] for name in NINJA], bench.turns, "call", count=200)
    rows = []
    for heading, measured, base in (
        ("", drf, "open"),
        ("", ninja, "open-ninja"),
        ("", plain, "open-plain"),
        (", ASGI", asynchronous, "open-plain"),
    ):
        for name, ratio in ratios(measured, base).items():
            rows.append((f"{title(name)}{heading}", asks(name), micro(measured[name]), str(ratio)))
    of_first = beside(first["ironclad-plain"], plain["open-plain"])
    of_plain, of_async = ratios(plain, "open-plain"), ratios(asynchronous, "open-plain")
    rows.append(("ironclad, middleware, first sight", asks("ironclad"), micro(first["ironclad-plain"]), str(of_first)))
    return Section(
        title="The whole call",
        text="Middleware, routing, authentication, a view that answers a small JSON object; beside the same view, "
        "unprotected.",
        tables=[Table(("", "asks with each request", "µs", "beside unprotected"), rows)],
        targets=[
            Target("what auth adds to an unprotected DRF view", ratios(drf, "open")["ironclad"], 1.05),
            Target("… to the barest Django view, seen", of_plain["ironclad-plain"], 1.05),
            Target("… to the barest Django view, first sight", of_first, 1.12),
            Target("… to an async view", of_async["ironclad-plain"], 1.03),
        ],
        bars=bars(drf),
        figures=bars(drf) | bars(plain),
    )
