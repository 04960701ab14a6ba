"""What happens to a user by way of a parent, a proxy or a child is noticed; other rows are nobody's business."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_what_happens_to_other_rows_ends_nobodys_session_and_to_ones_own_each(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", "-m", "tests.people.project", str(tmp_path)]
    root = Path(__file__).parents[2]
    run = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120, cwd=root)

    assert run.returncode == 0, run.stderr
    lines = run.stdout.splitlines()
    assert [line for line in lines if not line.endswith(": OK")] == []
    assert len(lines) == 23
