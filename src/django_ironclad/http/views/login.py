"""Log in, refresh, log out."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from ... import auth
from ...auth import require_page
from .. import cookie, credentials
from ..answers import token_answer
from ..body import read_body
from ..border import endpoint, look_at_page
from ..transports import login_transport, refresh_token


@endpoint()
@require_POST
def login(request: HttpRequest) -> HttpResponse:
    body = read_body(request)
    look_at_page(request)
    transport = login_transport(body)
    require_page(request, transport)
    scope = credentials.requested_scope(body)
    username, password = credentials.username_and_password(body)
    tokens = auth.login_by_password(request, username=username, password=password, transport=transport, scope=scope)
    return token_answer(tokens)


@endpoint()
@require_POST
def refresh(request: HttpRequest) -> HttpResponse:
    token, transport = refresh_token(request, read_body(request))
    if not token:
        raise cookie.no_refresh_token(request)
    return token_answer(auth.refresh(token, transport=transport))


@endpoint()
@require_POST
def logout(request: HttpRequest) -> HttpResponse:
    token, transport = refresh_token(request, read_body(request))
    auth.logout(token, request=request, transport=transport)
    response = HttpResponse(status=204)
    if transport == "cookie":
        cookie.delete_cookie(response)
    return response
