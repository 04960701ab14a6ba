"""The demo on a free port, in gunicorn or uvicorn: `python -m tests.browser.deployed wsgi [CERTIFICATE KEY]`."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import django
import uvicorn
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler, StaticFilesHandler
from django.core.asgi import get_asgi_application
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from gunicorn.app.base import BaseApplication

from .running import ROOT, Demo, environment, running


@contextmanager
def deployed(data: Path, *arguments: str, **settings: Any) -> Iterator[Demo]:
    """Running; its `url` is that of this machine, and its log in `data`."""
    paths = os.pathsep.join(filter(None, (os.environ.get("PYTHONPATH"), str(ROOT / "demo"))))
    env = environment(
        DEMO_DATA=str(data),
        DEPLOYED=json.dumps(settings),
        DJANGO_SETTINGS_MODULE="tests.browser.settings_deployed",
        PYTHONPATH=paths,
    )
    with running(data, (sys.executable, "-m", "tests.browser.deployed", *arguments), env=env, cwd=ROOT) as demo:
        yield demo


class Gunicorn(BaseApplication):  # type: ignore[misc]
    def __init__(self, **options: Any) -> None:
        self.options = options
        super().__init__()

    def load_config(self) -> None:
        for name, value in self.options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        return StaticFilesHandler(get_wsgi_application())


def main(kind: str, certificate: str | None = None, key: str | None = None) -> None:
    django.setup()
    from campus.first_start import populate

    call_command("migrate", verbosity=0)
    populate()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        scheme = "https" if certificate else "http"
        print(f"Ready at {scheme}://127.0.0.1:{listener.getsockname()[1]}", flush=True)  # noqa: T201
        if kind == "wsgi":
            # A proxy on another machine: none whose X-Forwarded-Proto gunicorn itself would believe.
            Gunicorn(
                bind=f"fd://{listener.fileno()}",
                certfile=certificate,
                keyfile=key,
                worker_class="gthread",
                threads=4,
                # Of a browser's idle connection it waits no longer, when it is to end.
                graceful_timeout=1,
                forwarded_allow_ips="192.0.2.1",
            ).run()
        else:
            application = ASGIStaticFilesHandler(get_asgi_application())
            config = uvicorn.Config(application, lifespan="off", ssl_certfile=certificate, ssl_keyfile=key)
            asyncio.run(uvicorn.Server(config).serve(sockets=[listener]))


if __name__ == "__main__":
    main(*sys.argv[1:])
