"""Serve the campus on this machine: prepare what is missing, say how to try it, and stop cleanly."""

from __future__ import annotations

import signal
from argparse import ArgumentParser
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application

from campus.first_start import PASSWORD, USERS, populate

BANNER = """
A small campus, protected by django-ironclad. A demonstration: its passwords are known to everybody.

  Address    {url}
  Pages      {url}/                           the tour: sign in, call, break it, watch the client
             {url}/seed/angularjs/            AngularJS with angular-jwt
             {url}/seed/angularjs/ironclad/   the same with our adapter
             {url}/admin/                     Django's admin, for rosa
  Users      {users}
  Password   {password} (the same for all)
  Data       {data}

Try:

  {tries}

Ctrl-C stops it.
Ready at {url}"""

LOGIN = "curl -s -d 'username=ada&password={password}' {url}"
TRIES = (
    "curl -s {url}/public-data/",
    "{login}/auth/login/",
    """curl -s -H "Authorization: Bearer $({login}/api-token-auth/ | cut -d '"' -f 4)" {url}/protected-data/""",
)


class Server(ThreadedWSGIServer):
    request_queue_size = 128


class Command(BaseCommand):
    help = "Serve the demo. Not for production."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
        parser.add_argument("--port", default=8000, type=int, help="port to listen on (8000); 0 takes any that is free")

    def handle(self, *args: Any, host: str, port: int, **options: Any) -> None:
        # Also where a shell has started us in the background, with Ctrl-C ignored.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.default_int_handler)
        with suppress(KeyboardInterrupt), self.bind(host, port) as server:
            call_command("migrate", verbosity=0)
            populate()
            server.set_app(StaticFilesHandler(get_wsgi_application()))
            self.stdout.write(self.banner(host, server.server_port))
            self.stdout.flush()
            server.serve_forever()

    def bind(self, host: str, port: int) -> Server:
        """A server that listens already. Before anything else, so that a taken port changes no data."""
        try:
            return Server((host, port), WSGIRequestHandler, ipv6=":" in host)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or error
            raise CommandError(f"Cannot listen on {host}, port {port}: {reason}. Try another --port.") from None

    def banner(self, host: str, port: int) -> str:
        name = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - what to type for "everywhere"
        url = f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"
        return BANNER.format(
            url=url,
            users=", ".join(f"{user} ({role})" for user, role in USERS.items()),
            password=PASSWORD,
            data=settings.DATA_DIR,
            tries="\n\n  ".join(TRIES).format(url=url, login=LOGIN.format(url=url, password=PASSWORD)),
        )
