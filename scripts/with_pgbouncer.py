"""Run a command with `DATABASE_URL` naming a PgBouncer before the PostgreSQL that it named: with_pgbouncer.py COMMAND …

In transaction mode, as projects have it: each transaction may meet another connection to the server.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

#: Seconds until it answers, on a busy machine.
PATIENCE = 300
PORT = 6432
#: The timeouts are those of docs/checks.md.
INI = """
[databases]
* = host={server} user={user}
[pgbouncer]
pool_mode = transaction
auth_type = any
listen_port = {port}
unix_socket_dir = {folder}
max_client_conn = 500
default_pool_size = 40
query_wait_timeout = 2
server_connect_timeout = 2
server_login_retry = 1
"""


def main(command: list[str]) -> int:
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin")
    if not program:
        sys.stderr.write("These tests need PgBouncer (pgbouncer), and there is none.\n")
        return 1
    url = urlsplit(os.environ["DATABASE_URL"])
    server = Path(unquote(url.hostname or ""))
    with tempfile.TemporaryDirectory(prefix="ironclad-pgbouncer-") as name:
        folder = Path(name)
        ini, log, socket = folder / "ini", folder / "log", folder / f".s.PGSQL.{PORT}"
        ini.write_text(INI.format(server=server, user=url.username, port=PORT, folder=folder))
        starting: dict[str, object] = {}
        if os.geteuid() == 0:
            # It refuses to be root, and the server's folder is its user's alone.
            owner = server.stat()
            os.chown(folder, owner.st_uid, owner.st_gid)
            starting = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []}
        with log.open("wb") as output:
            process = subprocess.Popen([program, str(ini)], stdout=output, stderr=output, **starting)  # type: ignore[call-overload]
        try:
            deadline = time.monotonic() + PATIENCE
            while not socket.exists():
                if process.poll() is not None or time.monotonic() > deadline:
                    sys.stderr.write(log.read_text(errors="replace"))
                    return 1
                time.sleep(0.05)
            pooled = url._replace(netloc=f"{url.username}@{quote(str(folder), safe='')}:{PORT}").geturl()
            # Nobody can drop a database to which the pool has connections; this one goes with its server.
            options = f"{os.environ.get('PYTEST_ADDOPTS', '')} --reuse-db".strip()
            environment = {**os.environ, "DATABASE_URL": pooled, "PGBOUNCER": "1", "PYTEST_ADDOPTS": options}
            return subprocess.run(command, env=environment, check=False).returncode
        finally:
            process.terminate()
            process.wait(PATIENCE)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
