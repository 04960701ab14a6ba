"""drf-spectacular: views that a Bearer token authenticates say so, and a hook adds our endpoints to the schema."""

from __future__ import annotations

from typing import Any

from django.urls import get_script_prefix, reverse
from drf_spectacular.drainage import set_override
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.plumbing import ResolvedComponent

from . import openapi


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "django_ironclad.drf.BearerAuthentication"
    match_subclasses = True
    name = "Bearer"

    def get_security_definition(self, auto_schema: object) -> dict[str, Any]:
        # One name for several classes is meant: one entry in "Authorize", and no warning.
        set_override(type(self.target), "suppress_collision_warning", True)
        scheme: dict[str, Any] = openapi.describe()["components"]["securitySchemes"][self.name]
        return scheme


def add_endpoints(result: dict[str, Any], generator: SchemaGenerator, **_: object) -> dict[str, Any]:
    """For `SPECTACULAR_SETTINGS["POSTPROCESSING_HOOKS"]`: our endpoints, where the project has mounted them."""
    before = result["components"]
    # drf-spectacular's own paths are without it, too.
    mount = "/" + reverse("ironclad:login").removeprefix(get_script_prefix()).removesuffix("login/")
    openapi.add_endpoints(result, mount=mount)
    # In the registry, too: a hook that comes later may build the components from it anew, as the one for enums does.
    for kind, named in result["components"].items():
        for name in named.keys() - before.get(kind, {}).keys():
            component = ResolvedComponent(name, kind, named[name], object=name)  # type: ignore[no-untyped-call]
            generator.registry.register(component)
    return result
