"""The demo's paths, `/ninja/` with its docs page, and the schema of the demo's own views."""

from campus.urls import urlpatterns as campus
from django.http import HttpRequest
from django.urls import path
from drf_spectacular.views import SpectacularAPIView
from ninja import NinjaAPI, Swagger

from django_ironclad.contrib import openapi
from django_ironclad.ninja import Bearer, install


class CampusAPI(NinjaAPI):
    def get_openapi_schema(self, **options):
        return openapi.add_endpoints(super().get_openapi_schema(**options))


# Ninja brings Swagger UI, and it shows any schema: `?url=…`.
api = CampusAPI(auth=Bearer(), docs=Swagger(settings={"queryConfigEnabled": True}))
install(api)


@api.get("profile/")
def profile(request: HttpRequest) -> dict[str, str]:
    return {"username": request.user.get_username()}


urlpatterns = [
    *campus,
    path("ninja/", api.urls),
    path("schema/", SpectacularAPIView.as_view(authentication_classes=[], permission_classes=[])),
]
