"""Fuzzes one target, in a process of its own: `python fuzz/run.py TARGET SECONDS FOLDER…`.

A file, and no module of the package, which would be imported before anybody counts what it covers.
"""

from __future__ import annotations

import json
import os
import sys
import time

import atheris

with atheris.instrument_imports(include=["django_ironclad"]):
    from fuzz import targets


def main(name: str, seconds: float, options: list[str]) -> None:
    target = targets.TARGETS[name]
    executions, ends_at = 0, time.monotonic() + seconds

    def once(data: bytes) -> None:
        nonlocal executions
        executions += 1
        target(data)
        if time.monotonic() >= ends_at:
            # libFuzzer leaves without a word to Python.
            print(json.dumps({"executions": executions, **targets.said}), flush=True)
            os._exit(0)

    atheris.Setup([sys.argv[0], *options], once)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), sys.argv[3:])
