"""What a run of pytest passed on a platform, for the tables of docs/platforms.md.

With `RECORD=docs/platforms.json` each platform's tests are counted, and kept when the run is over. Which platform that
is, the environment says, `PLATFORM="Versions: Python 3.13: Django 6.1.3"`, or a conftest by `runs_on`, where only the
run itself knows the version, or a test by `record_property("platform", Platform(…))`. A database says its version
itself: `PLATFORM="Databases: MariaDB"`.
"""

from __future__ import annotations

import datetime
import os
import platform
from collections import Counter
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import django
import pytest
from django.db import connection

from scripts import platforms


class Platform(NamedTuple):
    kind: str
    name: str
    version: str = ""


class Recording:
    """A plugin of pytest."""

    def __init__(self, path: Path, platform: Platform | None) -> None:
        self.platform = platform
        self._path = path
        self._versions: dict[tuple[str, str], str] = {}
        self._passed: Counter[tuple[str, str]] = Counter()
        self._failed: Counter[tuple[str, str]] = Counter()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> None:
        if self.platform and not self.platform.version and "django_db_setup" in getattr(item, "fixturenames", ()):
            self.platform = self.platform._replace(version=".".join(map(str, connection.get_database_version())))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if where := dict(report.user_properties).get("platform", self.platform):
            kind, name, version = where
            self._versions[kind, name] = version
            self._passed[kind, name] += report.passed and report.when == "call"
            self._failed[kind, name] += report.failed

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        if session.shouldfail or session.shouldstop or exitstatus not in (0, pytest.ExitCode.TESTS_FAILED):
            return  # It was broken off.
        for kind, name in (+self._passed) | (+self._failed):
            run = platforms.Run(
                version=self._versions[kind, name],
                passed=self._passed[kind, name],
                failed=self._failed[kind, name],
                python=platform.python_version(),
                django=django.__version__,
                release=version("django-ironclad"),
                date=datetime.datetime.now(datetime.UTC).date().isoformat(),
            )
            platforms.add(self._path, kind, name, run)


def pytest_configure(config: pytest.Config) -> None:
    if path := os.environ.get("RECORD"):
        named = os.environ.get("PLATFORM")
        where = Platform(*named.split(": ", 2)) if named else None
        config.pluginmanager.register(Recording(Path(path), where), "recording")


def runs_on(config: pytest.Config, kind: str, name: str, version: str) -> None:
    """From here on the tests that say nothing else are this platform's."""
    recording = config.pluginmanager.get_plugin("recording")
    if recording:
        recording.platform = Platform(kind, name, version)
