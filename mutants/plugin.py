"""A plugin of pytest that puts the faults of a module in, one after the other, while its tests are loaded and ready.

For each a process is forked in which the one function gets other code, and those tests run that call this function, the
quickest first, until one fails. What runs once, when a module is imported, is not changed by that; so `MUTANT` has a
module imported with a fault, and all the tests run.
"""

from __future__ import annotations

import gc
import importlib.abc
import importlib.util
import json
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import Any

import pytest
from hypothesis import Phase, settings

from .faults import Mutant, mutants

NAME = f"django_ironclad.{os.environ['MUTATED']}"
FILE = Path(__file__).parents[1] / "src" / (NAME.replace(".", "/") + ".py")
MUTANTS = mutants(FILE.read_text())

# A failing input is enough, however long; none is kept.
settings.register_profile("mutants", phases=[Phase.explicit, Phase.generate], database=None)
settings.load_profile("mutants")


class Faulty(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports the module with a fault."""

    def __init__(self, mutant: Mutant) -> None:
        self.mutant = mutant

    def find_spec(self, name: str, path: Any, target: Any = None) -> Any:
        return importlib.util.spec_from_loader(name, self, origin=str(FILE)) if name == NAME else None

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self.mutant.source, str(FILE), "exec"), vars(module))  # noqa: S102


if os.environ.get("MUTANT"):
    sys.meta_path.insert(0, Faulty(MUTANTS[int(os.environ["MUTANT"])]))


class Failures:
    def __init__(self) -> None:
        self.count = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.count += report.failed


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    if "VERDICTS" not in os.environ:
        return None
    failures = Failures()
    session.config.pluginmanager.register(failures)
    calls, took = _baseline(session)
    assert not failures.count, "the tests fail without any fault"
    database = _Database()
    verdicts: dict[int, tuple[str, list[str]]] = {}
    quickest_first = sorted(session.items, key=lambda item: took[item.nodeid])
    for number, mutant in enumerate(MUTANTS):
        items = [item for item in quickest_first if mutant.where in calls[item.nodeid]]
        database.restore()
        verdict = _verdict(session, mutant, items, failures, patience=20 + 5 * sum(took[i.nodeid] for i in items))
        # What is in no function shows in any test.
        verdicts[number] = verdict, [item.nodeid for item in items or quickest_first]
        print(f"{verdict:9} {mutant.line:4} {mutant.name}", file=sys.__stderr__, flush=True)
    database.restore()
    Path(os.environ["VERDICTS"]).write_text(json.dumps(verdicts))
    return True


def _baseline(session: pytest.Session) -> tuple[dict[str, set[str]], dict[str, float]]:
    """Which functions of the module each test calls, and how long it takes."""
    calls: dict[str, set[str]] = {}
    took = {}
    file = str(FILE)
    for item, following in zip(session.items, [*session.items[1:], session.items[0]], strict=True):
        called = calls[item.nodeid] = set()

        def trace(frame: FrameType, event: str, arg: object, called: set[str] = called) -> None:
            if frame.f_code.co_filename == file:
                called.add(frame.f_code.co_qualname.split(".<locals>")[0])

        began = time.perf_counter()
        threading.setprofile(trace)
        sys.setprofile(trace)
        # The first one follows the last, so that what the session has made, its database for one, stays.
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        sys.setprofile(None)
        threading.setprofile(None)  # type: ignore[arg-type]
        took[item.nodeid] = time.perf_counter() - began
    return calls, took


class _Database:
    """As it was when every test had passed: a test that fails leaves it anyhow."""

    def __init__(self) -> None:
        from django.db import connections

        connections.close_all()
        self.file = Path(connections["default"].settings_dict["NAME"])
        self.kept = self.file.with_suffix(".kept")
        if self.file.exists():
            shutil.copy(self.file, self.kept)

    def restore(self) -> None:
        if self.kept.exists():
            for suffix in ("-wal", "-shm"):
                Path(f"{self.file}{suffix}").unlink(missing_ok=True)
            shutil.copy(self.kept, self.file)


def _verdict(
    session: pytest.Session, mutant: Mutant, items: list[pytest.Item], failures: Failures, *, patience: float
) -> str:
    code = _code(compile(mutant.source, str(FILE), "exec"), mutant.where)
    function = _function(mutant.where)
    if code is None or function is None or function.__code__.co_freevars != code.co_freevars:
        return "elsewhere"
    child = os.fork()
    if not child:
        _try(session, function, code, items, failures)
    ends_at = time.monotonic() + patience
    while time.monotonic() < ends_at:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return {0: "survived", 1: "killed"}.get(os.waitstatus_to_exitcode(status), "elsewhere")
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "too slow"


def _try(
    session: pytest.Session, function: FunctionType, code: CodeType, items: list[pytest.Item], failures: Failures
) -> None:
    status = 2
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for descriptor in (1, 2):
            os.dup2(nowhere, descriptor)
        function.__code__ = code
        _start_threads_anew()
        for item in items:
            session._setupstate.teardown_exact(item)
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=item)
            if failures.count:
                break
        status = int(failures.count > 0)
    finally:
        os._exit(status)


def _start_threads_anew() -> None:
    """A fork has none of the threads that a pool believes to have, asgiref's for one: a test would wait for ever."""
    for pool in gc.get_objects():
        if isinstance(pool, ThreadPoolExecutor):
            pool._threads = set()
            pool._idle_semaphore = threading.Semaphore(0)


def _code(within: CodeType, name: str) -> CodeType | None:
    for code in _codes(within):
        if code.co_qualname == name:
            return code
    return None


def _codes(within: CodeType) -> Iterator[CodeType]:
    for constant in within.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _codes(constant)


def _function(name: str) -> FunctionType | None:
    """The function of that name, out of whatever it is wrapped in; none for a class, or for the module itself."""
    found: Any = sys.modules[NAME]
    for part in name.split(".") if name else ():
        found = vars(found).get(part)
        found = getattr(found, "fget", getattr(found, "__func__", getattr(found, "__wrapped__", found)))
        if found is None:
            return None
    return found if isinstance(found, FunctionType) else None
