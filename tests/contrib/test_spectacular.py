"""A project's own schema by drf-spectacular, as docs/openapi.md sets it up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings
from django.urls import include, path, set_script_prefix
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.settings import spectacular_settings
from drf_spectacular.utils import extend_schema
from openapi_spec_validator import validate
from rest_framework import serializers
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from django_ironclad.contrib import openapi
from django_ironclad.drf import BearerAuthentication, StrictBearerAuthentication

PAGE = (Path(__file__).parents[2] / "docs/openapi.md").read_text()
SETTINGS: dict[str, Any] = {}
exec(PAGE.split("```python\n")[1].split("```")[0], SETTINGS)
HOOKS: list[str] = SETTINGS["SPECTACULAR_SETTINGS"]["POSTPROCESSING_HOOKS"]


class Notice(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(["news", "event"])


class Notices(APIView):
    permission_classes = [IsAuthenticated]

    @extend_schema(responses=Notice)
    def get(self, request: Request) -> Response:
        return Response()


class Public(Notices):
    authentication_classes = []
    permission_classes = [AllowAny]


class Strict(Notices):
    authentication_classes = [StrictBearerAuthentication]


class OwnAuthentication(BearerAuthentication):
    pass


class Own(Notices):
    authentication_classes = [OwnAuthentication]


views = [
    path("notices/", Notices.as_view()),
    path("public/", Public.as_view()),
    path("strict/", Strict.as_view()),
    path("own/", Own.as_view()),
]
urlpatterns = [path("accounts/v1/", include("django_ironclad.urls")), *views]


@contextmanager
def spectacular(**changed: Any) -> Iterator[None]:
    spectacular_settings.apply_patches(changed)
    try:
        yield
    finally:
        spectacular_settings.clear_patches()


@pytest.fixture
def generate() -> Iterator[Callable[..., dict[str, Any]]]:
    def schema(**changed: Any) -> dict[str, Any]:
        with spectacular(**{"POSTPROCESSING_HOOKS": HOOKS, **changed}):
            found: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
        validate(found)
        return found

    with override_settings(ROOT_URLCONF=__name__):
        yield schema


def test_views_that_a_bearer_token_guards_say_so(
    generate: Callable[..., dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    schema = generate(POSTPROCESSING_HOOKS=[])

    said = {path: operations["get"].get("security") for path, operations in schema["paths"].items()}
    guarded = [{"Bearer": []}]
    assert said == {"/notices/": guarded, "/public/": [{}], "/strict/": guarded, "/own/": guarded}
    assert schema["components"]["securitySchemes"]["Bearer"]["scheme"] == "bearer"
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("version", ["3.0.3", "3.1.0"])
def test_the_endpoints_are_where_the_project_has_mounted_them(
    generate: Callable[..., dict[str, Any]], version: str, capsys: pytest.CaptureFixture[str]
) -> None:
    schema = generate(OAS_VERSION=version)

    ours = {f"/accounts/v1{path}" for path in openapi.describe()["paths"]}
    assert set(schema["paths"]) == ours | {"/notices/", "/public/", "/strict/", "/own/"}
    assert schema["openapi"] == version
    assert capsys.readouterr().err == ""


def test_the_hooks_may_stand_in_any_order(generate: Callable[..., dict[str, Any]]) -> None:
    for hooks in (HOOKS, HOOKS[::-1]):
        schema = generate(POSTPROCESSING_HOOKS=hooks)

        assert set(openapi.describe()["components"]["schemas"]) < set(schema["components"]["schemas"])
        assert schema["components"]["schemas"]["KindEnum"]["enum"] == ["news", "event"]


def test_below_a_script_name_the_endpoints_are_where_all_other_paths_are(
    generate: Callable[..., dict[str, Any]],
) -> None:
    set_script_prefix("/campus/")
    try:
        assert {"/notices/", "/accounts/v1/login/"} < set(generate()["paths"])
    finally:
        set_script_prefix("/")


def test_the_cookie_has_the_name_that_it_has_in_this_project(generate: Callable[..., dict[str, Any]]) -> None:
    names = []
    for secure in (True, False):
        with override_settings(SESSION_COOKIE_SECURE=secure, IRONCLAD={"COOKIE_NAME": "campus"}):
            names.append(generate()["components"]["securitySchemes"]["IroncladCookie"]["name"])

    assert names == ["__Host-campus", "campus"]


def test_what_a_schema_says_itself_stays() -> None:
    mine = {"description": "mine"}
    schema = {"paths": {"/auth/me/": mine}, "components": {"schemas": {"Mine": mine, "IroncladError": mine}}}

    found = openapi.add_endpoints(schema)

    assert found is schema
    assert found["paths"]["/auth/me/"] == mine
    assert "/auth/login/" in found["paths"]
    schemas: dict[str, Any] = found["components"]["schemas"]
    assert (schemas["Mine"], schemas["IroncladError"]) == (mine, mine)
    assert "IroncladTokens" in schemas


def test_any_schema_can_be_added_to() -> None:
    names: dict[str, Any] = {}
    exec(PAGE.split("```python\n")[-1].split("```")[0], names)

    validate(names["schema"])
    assert "/login/" in names["endpoints"]["paths"]
    assert "/auth/login/" in names["schema"]["paths"]
