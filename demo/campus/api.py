"""The campus as an API: one view for each answer to "who may read this?"."""

from __future__ import annotations

from typing import cast

from django.contrib.auth.models import User
from django.db.models import QuerySet
from rest_framework import mixins, serializers, viewsets
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from django_ironclad.tokens import AccessToken

from .models import Grade, Notice
from .permissions import IsRegistrar


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
        user, token = cast("User", request.user), cast("AccessToken", request.auth)
        return Response(
            {"username": user.username, "name": user.get_full_name(), "email": user.email, "groups": token.groups}
        )


class OfficeViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.UpdateModelMixin, viewsets.GenericViewSet[Grade]
):
    """Everybody's grades, for the registrar to read and change."""

    permission_classes = [IsRegistrar]
    queryset = Grade.objects.select_related("student")
    serializer_class = GradeSerializer
