"""`python -m benchmarks [NAME …] [--full]`: measures what is named, or everything, and writes RESULTS.md."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Callable

from .authenticate import authenticate
from .bench import Bench
from .call import call
from .databases import postgresql
from .login import login
from .memory import memory
from .race import race
from .refresh import refresh
from .report import Section, write
from .servers import servers
from .tables.growth import growth
from .tables.prune import prune
from .tables.revocation import revocation
from .tables.state import state, state_million
from .web.load import NotAnswered

BENCHES: dict[str, Callable[[Bench], Section]] = {
    "authenticate": authenticate,
    "call": call,
    "servers": servers,
    "refresh": refresh,
    "race": race,
    "login": login,
    "state": state,
    "state-million": state_million,
    "prune": prune,
    "revocation": revocation,
    "memory": memory,
    "growth": growth,
}
#: What takes hours is measured only when it is named.
ONLY_WHEN_NAMED = {"state-million"}


def main() -> None:
    everything = [name for name in BENCHES if name not in ONLY_WHEN_NAMED]
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    named = f"of {', '.join(BENCHES)}; without one, all but {', '.join(ONLY_WHEN_NAMED)}"
    parser.add_argument("names", nargs="*", metavar="NAME", help=named)
    parser.add_argument("--full", action="store_true", help="more rounds, and as many rows as the targets name")
    given = parser.parse_args()
    if unknown := set(given.names) - set(BENCHES):
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(BENCHES)}")
    # As Ctrl-C does: whatever was started ends.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with postgresql() as cluster:
        bench = Bench(full=given.full, postgresql=cluster)
        for name in given.names or everything:
            print(f"{name} ...", file=sys.stderr, flush=True)
            began = time.monotonic()
            write(name, BENCHES[name](bench), order=list(BENCHES))
            print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    print("The results are in benchmarks/RESULTS.md.", file=sys.stderr)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("stopped")
    except NotAnswered as error:
        sys.exit(str(error))
