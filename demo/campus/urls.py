"""Where everything is: the API at the root, as in both tutorials, and the pages that use it."""

from __future__ import annotations

from django.contrib import admin
from django.templatetags.static import static
from django.urls import include, path
from django.views.generic import RedirectView, TemplateView
from rest_framework.routers import SimpleRouter

from . import api, pages

router = SimpleRouter()
router.register("public-data", api.PublicDataViewSet, basename="public-data")
router.register("protected-data", api.ProtectedDataViewSet, basename="protected-data")
router.register("office", api.OfficeViewSet, basename="office")

urlpatterns = [
    path("", pages.Tour.as_view(), name="index"),
    path("seed/angularjs/", TemplateView.as_view(template_name="campus/angularjs.html"), name="angularjs"),
    path("seed/angularjs/ironclad/", pages.IroncladAngularJS.as_view(), name="angularjs-ironclad"),
    path("", include(router.urls)),
    path("profile/", api.ProfileView.as_view(), name="profile"),
    path("old-login/", api.OldLoginView.as_view(), name="old-login"),
    path("auth/", include("django_ironclad.urls")),
    path("", include("django_ironclad.contrib.drf_jwt.urls")),
    path("admin/", admin.site.urls),
    path("favicon.ico", RedirectView.as_view(url=static("campus/icon.svg"))),
]
