"""The campus as an API: one view for each answer to "who may read this?"."""

from __future__ import annotations

from datetime import timedelta
from typing import cast

from django.contrib.auth.models import User
from django.db.models import F, QuerySet
from rest_framework import mixins, serializers, viewsets
from rest_framework.permissions import SAFE_METHODS, AllowAny, BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from django_ironclad import auth
from django_ironclad.drf import requires, requires_recent_login
from django_ironclad.models import Session
from django_ironclad.tokens import AccessToken

from .models import REGISTRAR, Grade, Notice


class NoticeSerializer(serializers.ModelSerializer[Notice]):
    class Meta:
        model = Notice
        fields = ["id", "title", "text", "published_at"]


class GradeSerializer(serializers.ModelSerializer[Grade]):
    """A grade, of which only the letter can be changed."""

    student = serializers.CharField(source="student.username", read_only=True)

    class Meta:
        model = Grade
        fields = ["id", "student", "course", "grade"]
        read_only_fields = ["course"]


class PublicDataViewSet(viewsets.ReadOnlyModelViewSet[Notice]):
    """Notices, for anybody: no authentication at all, so that a stale token locks nobody out."""

    authentication_classes = []
    permission_classes = [AllowAny]
    queryset = Notice.objects.all()
    serializer_class = NoticeSerializer


class ProtectedDataViewSet(viewsets.ReadOnlyModelViewSet[Grade]):
    """One's own grades; another's do not exist (404)."""

    permission_classes = [IsAuthenticated]
    serializer_class = GradeSerializer

    def get_queryset(self) -> QuerySet[Grade]:
        return Grade.objects.filter(student_id=self.request.user.pk).select_related("student")


class ProfileView(APIView):
    """Who am I, and what may I do?"""

    permission_classes = [IsAuthenticated]

    def get(self, request: Request) -> Response:
        user = cast("User", request.user)
        return Response(
            {
                "username": user.username,
                "name": user.get_full_name(),
                "email": user.email,
                "groups": auth.groups(request),
            }
        )


class OfficeViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.UpdateModelMixin, viewsets.GenericViewSet[Grade]
):
    """Everybody's grades, for the registrar to read; and to change, soon after a login."""

    queryset = Grade.objects.select_related("student")
    serializer_class = GradeSerializer

    def get_permissions(self) -> list[BasePermission]:
        needed = [requires(group=REGISTRAR)]
        if self.request.method not in SAFE_METHODS:
            needed.append(requires_recent_login(max_age=timedelta(minutes=5)))
        return [permission() for permission in needed]


class OldLoginView(APIView):
    """For the page that shows it: this session's login was an hour ago."""

    permission_classes = [IsAuthenticated]

    def post(self, request: Request) -> Response:
        token = cast("AccessToken", request.auth)
        Session.objects.filter(pk=token.sid).update(auth_time=F("auth_time") - timedelta(hours=1))
        return Response(status=204)
