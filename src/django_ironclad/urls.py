"""`path("auth/", include("django_ironclad.urls"))`, wherever the project likes."""

from __future__ import annotations

from django.urls import path

from .http.views import account, keys, login, sessions

app_name = "ironclad"

urlpatterns = [
    path("login/", login.login, name="login"),
    path("refresh/", login.refresh, name="refresh"),
    path("logout/", login.logout, name="logout"),
    path("me/", account.me, name="me"),
    path("sessions/", sessions.sessions, name="sessions"),
    path("sessions/<str:sid>/", sessions.session, name="session"),
    path("password/", account.password, name="password"),
    path("reauthenticate/", account.reauthenticate, name="reauthenticate"),
    path("jwks.json", keys.jwks, name="jwks"),
]
