"""Views of every kind that ask who is calling."""

from datetime import timedelta

from django.contrib.auth.decorators import login_required, permission_required
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import engines
from django.utils.decorators import method_decorator
from django.views import View
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.decorators import api_view, permission_classes
from rest_framework.generics import ListCreateAPIView
from rest_framework.permissions import AllowAny, DjangoModelPermissions, IsAuthenticated, IsAuthenticatedOrReadOnly
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import ModelSerializer
from rest_framework.views import APIView

from django_ironclad.decorators import public, requires, strict
from django_ironclad.drf import BearerAuthentication, StrictBearerAuthentication
from django_ironclad.drf import requires as rest_requires
from django_ironclad.drf import requires_recent_login as rest_requires_recent_login

from .models import Note


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


permitted = permission_required("campus.add_note", raise_exception=True)(plain)
permitted_async = permission_required("campus.add_note", raise_exception=True)(plain_async)


def template(request: HttpRequest) -> HttpResponse:
    text = "{% if user.is_authenticated %}{{ user.get_username }}{% else %}nobody{% endif %}"
    page = engines["django"].from_string(text)
    return HttpResponse(page.render({}, request))


def perms(request: HttpRequest) -> HttpResponse:
    text = "{{ perms.campus.add_note }} {{ perms.campus.delete_note }}"
    return HttpResponse(engines["django"].from_string(text).render({}, request))


class HandlerView(View):
    """The decorator is on what handles a method."""

    @method_decorator(requires(group="registrar"))
    def get(self, request: HttpRequest) -> HttpResponse:
        return _who(request)


@method_decorator(requires(group="registrar"), name="dispatch")
class DispatchView(View):
    """The decorator is on all of them."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return _who(request)


class AsyncHandlerView(View):
    @method_decorator(requires(group="registrar"))
    async def get(self, request: HttpRequest) -> HttpResponse:
        return _who(request)


@method_decorator(requires(group="registrar"), name="dispatch")
class AsyncDispatchView(View):
    async def get(self, request: HttpRequest) -> HttpResponse:
        return _who(request)


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


class NoteSerializer(ModelSerializer[Note]):
    class Meta:
        model = Note
        fields = ["text"]


class NotesView(ListCreateAPIView[Note]):
    queryset = Note.objects.all()
    serializer_class = NoteSerializer
    permission_classes = [DjangoModelPermissions]

    def perform_create(self, serializer: object) -> None:
        serializer.save(owner=self.request.user)  # type: ignore[attr-defined]


class RegistrarView(WhoView):
    permission_classes = [rest_requires(group="registrar")]


class RecentView(WhoView):
    permission_classes = [rest_requires_recent_login(max_age=timedelta(minutes=1))]
