"""`path("auth/", include("django_ironclad.urls"))`, wherever the project likes."""

from __future__ import annotations

from django.urls import path

from . import views

app_name = "ironclad"

urlpatterns = [
    path("login/", views.login, name="login"),
    path("refresh/", views.refresh, name="refresh"),
    path("logout/", views.logout, name="logout"),
    path("me/", views.me, name="me"),
    path("jwks.json", views.jwks, name="jwks"),
]
