"""Who may do what, beyond being signed in."""

from __future__ import annotations

from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from django_ironclad.tokens import AccessToken

REGISTRAR = "registrar"


class IsRegistrar(BasePermission):
    """Members of the registrar's group, by what the access token says: no query."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return isinstance(request.auth, AccessToken) and REGISTRAR in request.auth.groups
