"""The endpoints under test, and views that use what they give."""

from django.urls import include, path

from tests.campus import views

urlpatterns = [
    path("auth/", include("django_ironclad.urls")),
    path("", include("django_ironclad.contrib.drf_jwt.urls")),
    path("plain/", views.plain),
    path("plain/post/", views.post),
    path("plain/async/", views.plain_async),
    path("plain/public/", views.public_plain),
    path("plain/login-required/", views.members),
    path("plain/template/", views.template),
    path("plain/profile/", views.profile),
    path("plain/strict/", views.strict_plain),
    path("plain/async/profile/", views.profile_async),
    path("plain/permitted/", views.permitted),
    path("plain/async/permitted/", views.permitted_async),
    path("plain/perms/", views.perms),
    path("plain/handler/", views.HandlerView.as_view()),
    path("plain/dispatch/", views.DispatchView.as_view()),
    path("plain/async/handler/", views.AsyncHandlerView.as_view()),
    path("plain/async/dispatch/", views.AsyncDispatchView.as_view()),
    path("drf/allow-any/", views.AllowAnyView.as_view()),
    path("drf/members/", views.MembersView.as_view()),
    path("drf/read-only/", views.ReadOnlyView.as_view()),
    path("drf/public/", views.PublicView.as_view()),
    path("drf/function/", views.function_view),
    path("drf/others/", views.OthersView.as_view()),
    path("drf/profile/", views.ProfileView.as_view()),
    path("drf/strict/", views.StrictView.as_view()),
    path("drf/session-first/", views.SessionFirstView.as_view()),
    path("drf/notes/", views.NotesView.as_view()),
    path("drf/registrar/", views.RegistrarView.as_view()),
    path("drf/recent/", views.RecentView.as_view()),
]
