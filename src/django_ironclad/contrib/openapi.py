"""What OpenAPI says of our endpoints, and how it comes into a project's own schema. Needs PyYAML."""

from __future__ import annotations

from copy import deepcopy
from functools import cache
from importlib.resources import files
from typing import Any, TypeVar

import yaml
from django.urls import reverse

from ..http import cookie_name

Schema = TypeVar("Schema", bound=dict[str, Any])


def describe() -> dict[str, Any]:
    """What `openapi.yaml` says, with the name that the cookie has in this project. Paths are as of the mount."""
    description = deepcopy(_read())
    description["components"]["securitySchemes"]["IroncladCookie"]["name"] = cookie_name()
    return description


def add_endpoints(schema: Schema, *, mount: str = "") -> Schema:
    """This very schema, of OpenAPI 3.0 or 3.1, with our endpoints at `mount`: by default where the project has them.

    What it says itself of a path or a component stays. Raises NoReverseMatch where the endpoints are not mounted.
    """
    ours = describe()
    mount = mount or reverse("ironclad:login").removesuffix("login/")
    paths = {mount + path.removeprefix("/"): operations for path, operations in ours["paths"].items()}
    components = schema.get("components", {})
    schema["paths"] = paths | schema.get("paths", {})
    schema["components"] = components | {
        kind: named | components.get(kind, {}) for kind, named in ours["components"].items()
    }
    return schema


@cache
def _read() -> dict[str, Any]:
    description: dict[str, Any] = yaml.safe_load(files("django_ironclad").joinpath("openapi.yaml").read_bytes())
    return description
