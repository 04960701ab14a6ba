"""My devices."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_http_methods

from ... import sessions as sessions_of
from ...devices import device_name
from ...errors import NotFound
from ...models import Session
from ..border import endpoint, whose


@endpoint()
@require_http_methods(["GET", "HEAD", "DELETE"])
def sessions(request: HttpRequest) -> HttpResponse:
    """My devices; DELETE ends all of them but this one."""
    user, token = whose(request)
    if request.method == "DELETE":
        sessions_of.revoke_all(user, reason="user", keep=token.sid)
        return HttpResponse(status=204)
    living = Session.objects.living_of(user)
    return JsonResponse({"sessions": [_describe(session, current=token.sid) for session in living]})


@endpoint()
@require_http_methods(["DELETE"])
def session(request: HttpRequest, sid: str) -> HttpResponse:
    """End one of my sessions. 204 also where it has ended before; another's is 404, as is one that nobody has."""
    user, _ = whose(request)
    try:
        mine = Session.objects.get(pk=sid, user=user)
    except (Session.DoesNotExist, ValidationError):
        raise NotFound from None
    sessions_of.revoke(mine, reason="user")
    return HttpResponse(status=204)


def _describe(session: Session, *, current: str) -> dict[str, object]:
    return {
        "id": session.pk,
        "device": device_name(session.user_agent),
        "ip_address": session.ip_address,
        "created_at": session.created_at,
        "last_used_at": session.rotated_at,
        "current": str(session.pk) == current,
    }
