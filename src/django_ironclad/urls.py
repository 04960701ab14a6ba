"""`path("auth/", include("django_ironclad.urls"))`, wherever the project likes."""

from __future__ import annotations

from django.urls import path

from .http import views

app_name = "ironclad"

urlpatterns = [
    path("login/", views.login, name="login"),
    path("refresh/", views.refresh, name="refresh"),
    path("logout/", views.logout, name="logout"),
    path("me/", views.me, name="me"),
    path("sessions/", views.sessions, name="sessions"),
    path("sessions/<str:sid>/", views.session, name="session"),
    path("password/", views.password, name="password"),
    path("reauthenticate/", views.reauthenticate, name="reauthenticate"),
    path("jwks.json", views.jwks, name="jwks"),
]
