"""The endpoints, views of each kind behind a token, and what a test asks a server to do."""

from django.urls import include, path

from . import together, views

urlpatterns = [
    path("auth/", include("django_ironclad.urls")),
    path("plain/", views.plain),
    path("drf/", views.RestView.as_view()),
    path("async/", views.asynchronous),
    path("public/", views.public_asynchronous),
    path("blocking/", views.blocking),
    path("hops/", views.hops),
    path("together/plain/", together.plain),
    path("together/public/", together.public_plain),
    path("together/ninja/", together.api.urls),
    path("control/mail/", views.mail),
    path("control/begin/", views.begin),
    path("control/end/", views.end),
]
