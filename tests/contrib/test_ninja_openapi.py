"""A project's own schema by Django Ninja, as docs/openapi.md sets it up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.http import HttpRequest
from openapi_spec_validator import validate

from django_ironclad.contrib import openapi

PAGE = (Path(__file__).parents[2] / "docs/openapi.md").read_text()


def test_a_schema_by_ninja_has_the_endpoints_and_one_scheme_for_all_access_tokens() -> None:
    names: dict[str, Any] = {}
    exec(PAGE.split("## Django Ninja")[1].split("```python\n")[1].split("```")[0], names)
    api = names["api"]

    @api.get("notices/")
    def notices(request: HttpRequest) -> list[str]:
        return []

    schema = json.loads(json.dumps(api.get_openapi_schema(path_prefix="api/")))

    validate(schema)
    assert set(schema["paths"]) == {"/api/notices/"} | {f"/auth{path}" for path in openapi.describe()["paths"]}
    bearer = [{"Bearer": []}]
    assert schema["paths"]["/api/notices/"]["get"]["security"] == bearer
    assert schema["paths"]["/auth/me/"]["get"]["security"] == bearer
    assert set(schema["components"]["securitySchemes"]) == {"Bearer", "IroncladCookie"}
