"""`path("", include("django_ironclad.contrib.drf_jwt.urls"))`, at the paths that drf-jwt's clients know."""

from __future__ import annotations

from django.urls import path

from . import views

app_name = "ironclad_drf_jwt"

urlpatterns = [
    path("api-token-auth/", views.obtain, name="obtain"),
    path("api-token-refresh/", views.refresh, name="refresh"),
    path("api-token-verify/", views.verify, name="verify"),
]
