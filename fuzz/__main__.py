"""Fuzzes every target for its share of the time, and says what came of it: `python -m fuzz SECONDS`."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

from .seeds import SEEDS

#: What was found interesting stays there; so does an input that broke something.
ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "fuzz/.corpus"
SHARES = {"tokens": 0.5, "requests": 0.4, "refresh_tokens": 0.1}


def plant(name: str) -> Path:
    folder = FOLDER / f"{name}.seeds"
    folder.mkdir(parents=True, exist_ok=True)
    for seed in SEEDS[name]():
        (folder / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)
    return folder


def fuzz(name: str, seconds: float) -> bool:
    """Whether all went well."""
    found = FOLDER / name
    seeds = plant(name)
    found.mkdir(exist_ok=True)
    options = ["-max_len=10000", "-timeout=60", "-rss_limit_mb=1024", f"-artifact_prefix={found}/broken-"]
    command = [sys.executable, "-W", "ignore", ROOT / "fuzz/run.py", name, str(seconds), *options, found, seeds]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode:
        print(done.stdout[-2000:], done.stderr[-6000:], sep="\n")
        inputs = ", ".join(map(str, found.glob("broken-*"))) or "no input: somebody ended it"
        print(f"{name}: accepted what should be refused, or broke, with {done.returncode}, by {inputs}")
        return False
    said = json.loads(done.stdout.splitlines()[-1])
    edges = re.findall(r"cov: (\d+)", done.stderr)[-1]
    accepted, refused = (said.get(name, 0) for name in ("accepted", "refused"))
    print(
        f"{name}: {said['executions']:,} executions in {seconds:.0f} s, {edges} edges covered; {accepted:,} accepted, "
        f"{refused:,} refused; 0 accepted that should be refused, 0 exceptions but our own",
        flush=True,
    )
    return True


if __name__ == "__main__":
    results = [fuzz(name, share * float(sys.argv[1])) for name, share in SHARES.items()]
    sys.exit(not all(results))
