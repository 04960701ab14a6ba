"""The public keys (RFC 7517)."""

from __future__ import annotations

import hashlib

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import condition, require_safe

from ...keyring import get_key_ring
from ..border import endpoint


def _jwks_etag(request: HttpRequest) -> str:
    kids = " ".join(key.kid for key in get_key_ring().keys)
    return f'"{hashlib.sha256(kids.encode()).hexdigest()[:32]}"'


@endpoint()
@require_safe
@cache_control(public=True, max_age=300)
@condition(etag_func=_jwks_etag)
def jwks(request: HttpRequest) -> HttpResponse:
    return JsonResponse(get_key_ring().jwks(), content_type="application/jwk-set+json")
