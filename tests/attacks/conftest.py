"""How many attacks were tried, and how many failed as they should: printed at the end."""

from __future__ import annotations

import pytest

_ended: dict[str, bool] = {}


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    file, _, name = report.nodeid.partition("::")
    if file.endswith("attacks/test_attacks.py") and "_withstands[" in name and not report.skipped:
        case = name.partition("[")[2]
        _ended[case] = _ended.get(case, True) and report.passed


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _ended:
        terminalreporter.line(f"attacks: {len(_ended)} run, {sum(_ended.values())} ended as they should")
