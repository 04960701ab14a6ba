"""Run a command with `DATABASE_URL` naming a MariaDB that lives as long as it: with_mariadb.py COMMAND …

Its clock is Berlin's, whatever this machine's is: nothing of ours may depend on that.
`DATABASE_OPTIONS`, such as `isolation_level=serializable`, are the connection's.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

#: Seconds until it answers, on a busy machine.
PATIENCE = 300


def main(command: list[str]) -> int:
    path = f"{os.environ['PATH']}{os.pathsep}/usr/sbin"
    server, install = (shutil.which(name, path=path) for name in ("mariadbd", "mariadb-install-db"))
    if not (server and install):
        sys.stderr.write("These tests need MariaDB (mariadbd and mariadb-install-db), and there is none.\n")
        return 1
    with tempfile.TemporaryDirectory(prefix="ironclad-mariadb-") as name:
        folder = Path(name)
        data, socket, log = folder / "data", folder / "socket", folder / "log"
        user = ["--user=root"] if os.geteuid() == 0 else []
        preparing = [install, "--no-defaults", *user, f"--datadir={data}", "--skip-test-db"]
        preparing.append("--auth-root-authentication-method=normal")
        subprocess.run(preparing, check=True, stdout=subprocess.DEVNULL, timeout=PATIENCE)
        serving = [server, "--no-defaults", *user, f"--datadir={data}", f"--socket={socket}", "--skip-networking"]
        serving += [f"--pid-file={folder / 'pid'}", "--character-set-server=utf8mb4", "--max-connections=200"]
        # Nobody needs these rows when the machine has crashed.
        serving += ["--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=0", "--innodb-file-per-table=0"]
        with log.open("wb") as output:
            process = subprocess.Popen(serving, env={**os.environ, "TZ": "Europe/Berlin"}, stdout=output, stderr=output)
        try:
            deadline = time.monotonic() + PATIENCE
            while not socket.exists():
                if process.poll() is not None or time.monotonic() > deadline:
                    sys.stderr.write(log.read_text(errors="replace"))
                    return 1
                time.sleep(0.05)
            url = f"mysql://root@{quote(str(socket), safe='')}/ironclad?{os.environ.get('DATABASE_OPTIONS', '')}"
            return subprocess.run(command, env={**os.environ, "DATABASE_URL": url}, check=False).returncode
        finally:
            process.terminate()
            process.wait(PATIENCE)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
