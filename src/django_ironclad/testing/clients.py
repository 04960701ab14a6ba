"""How each kind of test client carries an access token, and what its `logout()` ends besides Django's session."""

from __future__ import annotations

from copy import copy
from functools import partial
from typing import Any

from asgiref.sync import sync_to_async
from django.apps import apps
from django.conf import settings
from django.test.client import AsyncRequestFactory, RequestFactory

from ..auth import granting
from ..http import cookie_name
from ..models import Session


def put_on(client: Any, access_token: str, *, sid: str, cookie: str) -> None:
    """`client` sends these tokens, and no others, until it logs out. Raises TypeError for what is no client."""
    header = f"Bearer {access_token}"
    if "headers" in getattr(client, "scope", ()):
        kept = [(name, value) for name, value in client.scope["headers"] if name.lower() != b"authorization"]
        client.scope["headers"] = [*kept, (b"authorization", header.encode())]
    elif hasattr(client, "force_authenticate"):
        # Django REST framework's. Whoever was forced upon it would go before any token.
        client.handler._force_user = client.handler._force_token = None
        client.credentials(**{**client._credentials, "HTTP_AUTHORIZATION": header})
    elif isinstance(client, RequestFactory):
        vars(client)["defaults"][_name(client)] = header
    elif hasattr(client, "headers"):
        # A copy: two clients may have been given one dictionary. Ninja makes `META` of the name letter by letter.
        client.headers = copy(client.headers)
        client.headers["AUTHORIZATION"] = header
    else:
        raise TypeError(f"{type(client).__name__} is no test client that is known here; send the header yourself.")
    if cookie and hasattr(client, "cookies"):
        client.cookies[cookie_name()] = cookie
    elif cookie_name() in getattr(client, "cookies", ()):
        del client.cookies[cookie_name()]
    if hasattr(client, "logout"):
        client.logout, client.alogout = partial(_logout, client, sid), partial(_alogout, client, sid)


def _name(client: RequestFactory) -> str:
    return "authorization" if isinstance(client, AsyncRequestFactory) else "HTTP_AUTHORIZATION"


def _logout(client: Any, sid: str) -> None:
    _forget(client)
    _end(sid)
    if _has_session(client):
        type(client).logout(client)
    client.cookies.clear()


async def _alogout(client: Any, sid: str) -> None:
    _forget(client)
    await sync_to_async(_end)(sid)
    if _has_session(client):
        await type(client).alogout(client)
    client.cookies.clear()


def _end(sid: str) -> None:
    if session := Session.objects.select_related("user").filter(pk=sid).first():
        granting.end(session)


def _forget(client: Any) -> None:
    client.defaults.pop(_name(client), None)
    if hasattr(client, "force_authenticate"):
        client.handler._force_user = client.handler._force_token = None
        client.credentials()


def _has_session(client: Any) -> bool:
    """Whether there is one of Django's: else its own `logout()` says that nobody logs out, or raises RuntimeError."""
    return apps.is_installed("django.contrib.sessions") and settings.SESSION_COOKIE_NAME in client.cookies
