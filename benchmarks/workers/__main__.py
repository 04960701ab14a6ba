"""A process for one candidate: it does what a line of JSON on its standard input says, and answers with a line.

`python -m benchmarks.workers CANDIDATE DATABASE_URL`. A task that is measured gives processor seconds for each act,
where it says nothing else.
"""

from __future__ import annotations

import json
import sys

from .tables import Tables


class Worker(Tables):
    """Every task there is."""


def main(name: str, database: str) -> None:
    worker = Worker(name, database)
    print(json.dumps({"ready": name}), flush=True)
    for line in sys.stdin:
        task = json.loads(line)
        answer = getattr(worker, task.pop("do"))(**task)
        print(json.dumps({"answer": answer}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
