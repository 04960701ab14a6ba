"""What `openapi.yaml` says of an answer, and whether it is so."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from openapi_schema_validator import OAS30Validator, OAS31Validator, oas30_format_checker

from django_ironclad.contrib import openapi

#: Headers that are there on some answers only, and so have to be described where they are.
TELLING = {"ETag", "Retry-After", "Set-Cookie", "WWW-Authenticate"}


@cache
def operations() -> dict[str, dict[str, Any]]:
    """By "POST login/", as wire.json has it; every `$ref` is replaced by what it names."""
    description = openapi.describe()

    def resolved(node: Any) -> Any:
        if isinstance(node, list):
            return [resolved(each) for each in node]
        if not isinstance(node, dict):
            return node
        if "$ref" not in node:
            return {name: resolved(each) for name, each in node.items()}
        named: Any = description
        for part in node["$ref"].removeprefix("#/").split("/"):
            named = named[part]
        return resolved(named)

    return {
        f"{method.upper()} {path.removeprefix('/').replace('{', '<').replace('}', '>')}": resolved(operation)
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
    }


def assert_described(call: str, answer: Any) -> None:
    """Its status, headers and body are as described: nothing is missing, and nothing is there that is not described."""
    described = operations()[call]["responses"][str(answer.status_code)]
    headers = described.get("headers", {})
    sent = dict(answer.headers) | ({"Set-Cookie": answer.cookies.output(header="")} if answer.cookies else {})
    assert {name for name, header in headers.items() if header.get("required")} <= set(sent)
    assert sent.keys() & TELLING <= set(headers)
    for name in headers.keys() & sent.keys():
        schema = headers[name]["schema"]
        assert_valid(int(sent[name]) if schema["type"] == "integer" else sent[name], schema)
    if "content" in described:
        assert_valid(answer.json(), described["content"][answer["Content-Type"]]["schema"])
    else:
        assert answer.content == b""


def assert_valid(value: Any, schema: dict[str, Any]) -> None:
    """By either version of OpenAPI, and with no member that is not described."""
    for validator in (OAS30Validator, OAS31Validator):
        errors = [error.message for error in validator(schema, format_checker=oas30_format_checker).iter_errors(value)]
        assert not errors, (value, errors)
    if isinstance(value, dict):
        assert set(value) <= {name for part in parts(schema) for name in part.get("properties", {})}


def parts(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The schemas that `allOf` puts together, itself where there is none."""
    if "allOf" in schema:
        for each in schema["allOf"]:
            yield from parts(each)
    else:
        yield schema
