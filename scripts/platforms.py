"""`python -m scripts.platforms` writes the tables of docs/platforms.md from the record of what ran; `--check` compares.

A run of pytest adds to the record (docs/platforms.json) what the environment asks for: see tests/recording.py.
"""

from __future__ import annotations

import fcntl
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
RECORD: Final = ROOT / "docs/platforms.json"
PAGE: Final = ROOT / "docs/platforms.md"
KINDS: Final = ("Browsers", "Databases", "Servers", "Versions")
#: Between these two lines of the page stand the tables.
_BEGIN, _END = "<!-- written by scripts/platforms.py -->\n", "<!-- until here -->\n"


@dataclass(frozen=True)
class Run:
    """The last one on its platform: how many tests passed and failed, of which release, and when."""

    version: str
    passed: int
    failed: int
    python: str
    django: str
    release: str
    date: str


Record = dict[str, dict[str, Run]]


def read(path: Path = RECORD) -> Record:
    kinds = json.loads(path.read_text())
    return {kind: {name: Run(**run) for name, run in runs.items()} for kind, runs in kinds.items()}


def add(path: Path, kind: str, name: str, run: Run) -> None:
    """In place of this platform's run before."""
    if kind not in KINDS:
        raise ValueError(f"{kind} is none of {', '.join(KINDS)}")
    with path.open("r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # Others may record theirs at the same time.
        kinds = json.load(file)
        kinds.setdefault(kind, {})[name] = asdict(run)
        file.seek(0)
        file.truncate()
        file.write(json.dumps(kinds, indent=1, sort_keys=True, ensure_ascii=False) + "\n")


def tables(record: Record) -> str:
    return "".join(_table(kind, record[kind]) for kind in KINDS if kind in record)


_HEAD: Final = "| | version | tests that passed | Python | Django | release | on |\n|---|---|---|---|---|---|---|"


def _table(kind: str, runs: dict[str, Run]) -> str:
    rows = [f"\n### {kind}\n", _HEAD]
    for name, run in sorted(runs.items(), key=lambda each: each[0].lower()):
        passed = f"{run.passed:,}" + (f" of {run.passed + run.failed:,}" if run.failed else "")
        cells = (name, run.version, passed, run.python, run.django, run.release, run.date)
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"


def drawn(page: str, record: Record) -> str:
    before, _, rest = page.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}{tables(record)}\n{_END}{after}"


def main(arguments: list[str]) -> int:
    page = PAGE.read_text()
    wanted = drawn(page, read())
    if arguments != ["--check"]:
        PAGE.write_text(wanted)
    elif page != wanted:
        sys.stderr.write("docs/platforms.md does not say what docs/platforms.json does: python -m scripts.platforms\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
