"""The endpoints, and views of each kind that say which row the user is."""

from __future__ import annotations

from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import include, path
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from django_ironclad.decorators import requires, strict


@requires()
def plain(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"email": request.user.email})  # type: ignore[union-attr]


@transaction.non_atomic_requests(using="globex")
@transaction.non_atomic_requests(using="acme")
@transaction.non_atomic_requests
@requires()
async def asynchronous(request: HttpRequest) -> HttpResponse:
    user = await request.auser()
    return JsonResponse({"email": user.email})  # type: ignore[union-attr]


class Rest(APIView):
    permission_classes = [IsAuthenticated]

    def get(self, request: Request) -> Response:
        return Response({"email": request.user.email})


urlpatterns = [
    path("auth/", include("django_ironclad.urls")),
    path("plain/", plain),
    path("strict/", strict(requires()(lambda request: JsonResponse({"email": request.user.email})))),
    path("async/", asynchronous),
    path("drf/", Rest.as_view()),
]
