"""Views of every kind that ask who is calling."""

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import engines
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.decorators import api_view, permission_classes
from rest_framework.permissions import AllowAny, IsAuthenticated, IsAuthenticatedOrReadOnly
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from django_ironclad.decorators import public, strict
from django_ironclad.drf import BearerAuthentication, StrictBearerAuthentication


def _who(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"user": request.user.get_username(), "authenticated": request.user.is_authenticated})


def plain(request: HttpRequest) -> HttpResponse:
    return _who(request)


post = plain
members = login_required(plain)


@public
def public_plain(request: HttpRequest) -> HttpResponse:
    return _who(request)


def profile(request: HttpRequest) -> HttpResponse:
    """Asks what no token says."""
    return JsonResponse({"active": request.user.is_active})


@strict
def strict_plain(request: HttpRequest) -> HttpResponse:
    return _who(request)


async def profile_async(request: HttpRequest) -> HttpResponse:
    user = await request.auser()
    return JsonResponse({"active": user.is_active})


async def plain_async(request: HttpRequest) -> HttpResponse:
    user = request.user
    return JsonResponse({"user": user.get_username(), "authenticated": user.is_authenticated})


def template(request: HttpRequest) -> HttpResponse:
    text = "{% if user.is_authenticated %}{{ user.get_username }}{% else %}nobody{% endif %}"
    page = engines["django"].from_string(text)
    return HttpResponse(page.render({}, request))


class WhoView(APIView):
    permission_classes = [AllowAny]

    def get(self, request: Request) -> Response:
        return Response({"user": request.user.get_username(), "groups": list(getattr(request.auth, "groups", []))})

    post = get


class AllowAnyView(WhoView):
    pass


class MembersView(WhoView):
    permission_classes = [IsAuthenticated]


class ReadOnlyView(WhoView):
    permission_classes = [IsAuthenticatedOrReadOnly]


class PublicView(WhoView):
    authentication_classes: list[type[BaseAuthentication]] = []


class ProfileView(WhoView):
    def get(self, request: Request) -> Response:
        return Response({"active": request.user.is_active})


class StrictView(WhoView):
    authentication_classes = [StrictBearerAuthentication]


class OpaqueAuthentication(BaseAuthentication):
    """Somebody else's tokens."""

    def authenticate(self, request: Request) -> tuple[AnonymousUser, str] | None:
        if request.headers.get("Authorization") == "Bearer an-opaque-token":
            return AnonymousUser(), "opaque"
        return None


class OthersView(WhoView):
    authentication_classes = [BearerAuthentication, OpaqueAuthentication]

    def get(self, request: Request) -> Response:
        return Response({"auth": str(request.auth)})


class SessionFirstView(WhoView):
    authentication_classes = [SessionAuthentication, BearerAuthentication]
    permission_classes = [IsAuthenticated]


@api_view(["GET"])
@permission_classes([IsAuthenticated])
def function_view(request: Request) -> Response:
    return Response({"user": request.user.get_username()})
