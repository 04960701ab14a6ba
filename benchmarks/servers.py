"""Whole web servers: protected beside unprotected, in requests a second and in the server's processor time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from .bench import OPEN, Bench, asks, title
from .report import Section, Table, Target
from .rounds import Figure, Process, beside, number, say, take_turns
from .web.load import request
from .web.serving import COMMANDS, Server, serving

DRF = ["open", "ironclad", "simplejwt-stateless", "simplejwt", "tokenforge", "knox"]
ASYNC = ["open-plain", "ironclad-plain"]
#: Where the peers stand beside us in the quick form, too.
FIRST = "granian, WSGI"
JUDGED = {"ironclad", "ironclad-plain"}
CLIENTS = 8
#: What is measured, in seconds for each request, and what its inverse is called.
KINDS = {"wall": "requests/s", "processor": "requests per processor second"}


def servers(bench: Bench) -> Section:
    count = 2_000 if bench.full else 125
    rows, targets = [], []
    figures: dict[str, float] = {}
    driver: list[float] = []
    with bench.workers(*DRF, *ASYNC, database="postgresql", people=100) as several:
        prepared = {process.name: process for process in several}
        for server in COMMANDS:
            peers = DRF if bench.full or server == FIRST else DRF[:2]
            names = peers + (ASYNC if "ASGI" in server or server == "uvicorn" else [])
            with started(server, names, prepared) as running:

                def act(name: str) -> dict[str, float]:
                    sent = requests(prepared[name])
                    load, processor = running[name].answer(sent, count=count, clients=CLIENTS)
                    driver.append(load.processor / count)
                    return {"wall": 1 / load.rate, "processor": processor}

                for name in names:
                    act(name)  # The first requests import, connect and compile.
                found = take_turns(names, bench.turns, act)
            for name in names:
                base = "open-plain" if name in ASYNC else "open"
                of_open, middle = {}, {}
                for kind in KINDS:
                    values = [each[kind] for each in found[name]]
                    of_open[kind] = beside([each[kind] for each in found[base]], values)
                    middle[kind] = Figure.of(values).value
                figures[f"{server}, {title(name)}"] = middle["processor"] * 1e6
                figures[f"{server}, {title(name)}, rate"] = 1 / middle["wall"]
                rate, micro = number(1 / middle["wall"]), number(middle["processor"] * 1e6)
                rows.append(
                    (server, title(name), asks(name), rate, str(of_open["wall"]), micro, str(of_open["processor"]))
                )
                if name in JUDGED and server != "gunicorn":
                    for kind, unit in KINDS.items():
                        what = f"{server}, {'async view' if name in ASYNC else 'DRF'}: {unit}"
                        targets.append(Target(what, of_open[kind], 0.95, at_least=True))
    return Section(
        title="Whole servers",
        text=f"One worker process each, PostgreSQL, {CLIENTS} clients with a connection each that is kept alive, "
        "everybody with a token of their own, which the server has seen before. Requests a second are by the "
        "wall's clock, and of a machine on which the clients and the database run as well (the clients take "
        f"{number(Figure.of(driver).value * 1e6)} µs of a processor for each request); µs are processor time of "
        "the server's processes for each request, which others cannot take away. Both ratios are protected : "
        "unprotected, 1 is free. A DRF view is synchronous: under ASGI it runs in a thread.",
        tables=[
            Table(
                ("server", "", "asks with each request", "requests/s", "of unprotected", "µs", "of unprotected"), rows
            )
        ],
        targets=targets,
        bars={title(name): figures[f"granian, WSGI, {title(name)}"] for name in DRF},
        figures=figures,
    )


@contextmanager
def started(server: str, names: list[str], prepared: dict[str, Process]) -> Iterator[dict[str, Server]]:
    """One server for each candidate, on the database that a worker prepared."""
    with ExitStack() as stack:
        say(f"{server} starts {len(names)} times")
        running = {name: stack.enter_context(serving(server, name, prepared[name].database)) for name in names}
        for each in running.values():
            each.wait()
        yield running


def requests(process: Process) -> list[bytes]:
    """What its people send: to the async view, where that is the one."""
    headers = [{}] if process.name in OPEN else process.do("credentials")
    return [request("/async/" if process.name in ASYNC else "/", each) for each in headers]
