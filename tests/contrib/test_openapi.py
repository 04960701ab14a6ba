"""`openapi.yaml`: valid, and saying what wire.json says. That the answers are so, tests/http/test_wire.py sees to."""

from __future__ import annotations

from typing import Any

import pytest
from openapi_spec_validator import validate

from django_ironclad.contrib import openapi

from ..conftest import Person
from ..described import assert_described, assert_valid, operations, parts
from ..http.test_wire import ENDPOINTS, Caller

FORM = "application/x-www-form-urlencoded"
WITH_BODY = [call for call in ENDPOINTS if "request" in ENDPOINTS[call]]


@pytest.mark.parametrize("version", ["3.0.3", "3.1.0"])
def test_it_is_valid_as_either_version_of_openapi(version: str) -> None:
    validate(openapi.describe() | {"openapi": version})


def test_it_says_what_wire_json_says() -> None:
    assert {call: as_wire(operation) for call, operation in operations().items()} == ENDPOINTS


def as_wire(operation: dict[str, Any]) -> dict[str, Any]:
    """One operation in the words of wire.json."""
    found: dict[str, Any] = {"errors": {}}
    for status, response in operation["responses"].items():
        schema = next(iter(response.get("content", {"": {"schema": {}}}).values()))["schema"]
        codes = [code for part in parts(schema) for code in part.get("properties", {}).get("error", {}).get("enum", [])]
        found["errors"] |= dict.fromkeys(codes, int(status))
        if status.startswith("2"):
            found |= {"status": int(status)} | ({"answer": shape(schema)} if schema else {})
    if "requestBody" in operation:
        content = operation["requestBody"]["content"]
        assert content["application/json"]["schema"] == content[FORM]["schema"]
        found["request"] = shape(content[FORM]["schema"])
        assert operation["requestBody"].get("required", False) == any("?" not in name for name in found["request"])
    return found


def shape(schema: dict[str, Any]) -> Any:
    if "anyOf" in schema:
        return " | ".join(map(shape, schema["anyOf"]))
    if schema.get("type") == "array":
        return [shape(schema["items"])]
    every = list(parts(schema))
    if any("properties" in part for part in every):
        required = {name for part in every for name in part.get("required", ())}
        properties = {name: each for part in every for name, each in part["properties"].items()}
        return {name + ("" if name in required else "?"): shape(each) for name, each in properties.items()}
    return {"integer": "number"}.get(schema["type"], schema["type"]) if "type" in schema else "null"


def test_who_has_to_send_an_access_token_is_said() -> None:
    with_token = {call for call, operation in operations().items() if operation["security"] == [{"Bearer": []}]}

    assert with_token == {call for call in ENDPOINTS if "invalid_token" in ENDPOINTS[call]["errors"]}


def test_its_examples_are_examples_of_what_it_says() -> None:
    bodies = [
        media
        for operation in operations().values()
        for part in (operation.get("requestBody", {}), *operation["responses"].values())
        for media in part.get("content", {}).values()
    ]
    assert len(bodies) > 40
    for media in bodies:
        examples = [each["value"] for each in media.get("examples", {}).values()] or [media["example"]]
        for example in examples:
            assert_valid(example, media["schema"])


@pytest.mark.parametrize("call", WITH_BODY)
def test_a_form_is_as_good_as_json(ada: Person, call: str) -> None:
    answer = Caller(ada, scope=None).call(call, content_type=FORM)

    assert answer.status_code == ENDPOINTS[call]["status"]


@pytest.mark.parametrize(("header", "status"), [("if-none-match", 304), ("if-match", 412)])
def test_who_has_the_keys_is_not_sent_them_again(ada: Person, header: str, status: int) -> None:
    caller = Caller(ada, scope=None)
    known = caller.call("GET jwks.json")["ETag"] if status == 304 else '"another"'

    answer = caller.call("GET jwks.json", **{header: known})

    assert answer.status_code == status
    assert_described("GET jwks.json", answer)
