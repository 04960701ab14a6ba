"""base64url and JSON have one text for each meaning; every other text is a ValueError, whatever it is."""

from __future__ import annotations

import base64
import json
import math
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from django_ironclad.tokens.encoding import b64decode, b64encode, dump_json, load_json

#: RFC 4648 §10, without padding; the last two are all that tells the two alphabets apart.
BASE64URL = {
    b"": "",
    b"f": "Zg",
    b"fo": "Zm8",
    b"foo": "Zm9v",
    b"foob": "Zm9vYg",
    b"fooba": "Zm9vYmE",
    b"foobar": "Zm9vYmFy",
    b"\0\x001": "AAAx",
    b"\xfb\xef\xbe": "----",
    b"\xfb\xff\xff": "-___",
}

NOT_BASE64URL = {
    "padding": "Zg==",
    "half of the padding": "Zg=",
    "padding where none belongs": "Zm9v=",
    "padding alone": "====",
    "padding inside": "Zg==Zm9v",
    "the other alphabet": "+___",
    "the other alphabet's slash": "-//_",
    "one character": "Z",
    "one character too many": "Zm9vZ",
    "a space": "Zm9v ",
    "a space inside": "Zm 9v",
    "a line break": "Zm9v\n",
    "a line break before": "\nZm9v",
    "a carriage return": "Zm9v\r\n",
    "a NUL": "Zm9v\0",
    "a dot": "Zm.9v",
    "a question mark": "?Zm9v",
    "a percent escape": "Zm%39v",
    "a full-width letter": "\uff3am9v",
    "an Arabic digit": "Zm\u0669v",
    "a soft hyphen": "Zm9\u00adv",
    "a lone surrogate": "Zm9\ud800",
    "four unused bits": "Zh",
    "all four unused bits": "Zv",
    "two unused bits": "Zm9",
    "the high one of two unused bits": "Zm-",
}

#: A busy machine is no failure.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**18) + 1, 10**19 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda members: st.lists(members, max_size=4) | st.dictionaries(st.text(), members, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(("data", "text"), BASE64URL.items(), ids=repr)
def test_base64url_has_no_padding(data: bytes, text: str) -> None:
    assert b64encode(data) == text
    assert b64decode(text) == data


@pytest.mark.parametrize("text", NOT_BASE64URL.values(), ids=NOT_BASE64URL)
def test_another_spelling_of_the_bytes_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="base64url"):
        b64decode(text)


@given(st.binary())
@patient
def test_what_base64url_writes_it_reads(data: bytes) -> None:
    assert b64decode(b64encode(data)) == data
    assert b64encode(data) == base64.urlsafe_b64encode(data).decode().rstrip("=")


@given(st.text() | st.text("AZaz09-_=+/ ", max_size=12))
@settings(patient, max_examples=300)
def test_no_two_texts_mean_the_same_bytes(text: str) -> None:
    try:
        data = b64decode(text)
    except ValueError:
        return
    assert b64encode(data) == text


JSON = {
    "an object": (b'{"a":1,"b":[true,null,"c"]}', {"a": 1, "b": [True, None, "c"]}),
    "white space": (b' {\n\t"a" : 1 }\r\n', {"a": 1}),
    "an empty object": (b"{}", {}),
    "UTF-8": ('{"name":"Zoë 🦀"}'.encode(), {"name": "Zoë 🦀"}),
    "escapes": (rb'{"name":"Zo\u00eb \ud83e\udd80"}', {"name": "Zoë 🦀"}),
    "a float": (b'{"a":1.5}', {"a": 1.5}),
    "nineteen digits": (b'{"a":9999999999999999999}', {"a": 9999999999999999999}),
    "the same name on two levels": (b'{"a":{"a":1}}', {"a": {"a": 1}}),
    "sixteen levels": (b'{"a":' + b"[" * 15 + b"]" * 15 + b"}", {"a": json.loads("[" * 15 + "]" * 15)}),
    "sixteen levels and much beside": (
        b'{"a":' + b"[" * 15 + b"]" * 15 + b',"b":[],"c":{}}',
        {"a": json.loads("[" * 15 + "]" * 15), "b": [], "c": {}},
    ),
}

NOT_JSON = {
    "nothing": b"",
    "white space alone": b"  ",
    "a list": b"[]",
    "a text": b'"a"',
    "a number": b"1",
    "null": b"null",
    "a pair of objects": b"{}{}",
    "something after the object": b'{"a":1}x',
    "a NUL after the object": b"{}\0",
    "a broken object": b'{"a":1',
    "a comma too many": b'{"a":1,}',
    "single quotes": b"{'a':1}",
    "no quotes": b"{a:1}",
    "a comment": b'{"a":1}//',
    "a line break in a text": b'{"a":"\n"}',
    "a byte order mark": b'\xef\xbb\xbf{"a":1}',
    "UTF-16": '{"a":1}'.encode("utf-16"),
    "UTF-16 without mark": '{"a":1}'.encode("utf-16-le"),
    "UTF-32": '{"a":1}'.encode("utf-32-be"),
    "Latin-1": '{"a":"ë"}'.encode("latin-1"),
    "an overlong slash": b'{"a":"\xc0\xaf"}',
    "half of a surrogate pair in UTF-8": b'{"a":"\xed\xa0\x80"}',
    "a name twice": b'{"a":1,"a":1}',
    "a name twice, once escaped": rb'{"a":1,"\u0061":2}',
    "a name twice, further down": b'{"a":[{"b":1,"b":2}]}',
    "NaN": b'{"a":NaN}',
    "Infinity": b'{"a":Infinity}',
    "minus Infinity": b'{"a":[-Infinity]}',
    "a float that is infinite": b'{"a":1e999}',
    "a negative float that is infinite": b'{"a":-1e999}',
    "twenty digits": b'{"a":10000000000000000000}',
    "a hundred digits": b'{"a":' + b"9" * 100 + b"}",
    "five thousand digits": b'{"a":-' + b"9" * 5000 + b"}",
    "a leading zero": b'{"a":01}',
    "a plus sign": b'{"a":+1}',
    "a hexadecimal number": b'{"a":0x1}',
    "an Arabic digit": '{"a":\u0661}'.encode(),
    "seventeen levels": b'{"a":' + b"[" * 16 + b"]" * 16 + b"}",
    "seventeen levels of objects": b'{"a":' * 16 + b"{}" + b"}" * 16,
    "a hundred levels": b'{"a":' + b"[" * 99 + b"]" * 99 + b"}",
    "a hundred thousand levels": b'{"a":' + b"[" * 99_999 + b"]" * 99_999 + b"}",
    "a hundred thousand opening brackets": b'{"a":' + b"[" * 100_000,
}


@pytest.mark.parametrize(("data", "value"), JSON.values(), ids=JSON)
def test_a_json_object_is_read(data: bytes, value: dict[str, Any]) -> None:
    assert load_json(data) == value


@pytest.mark.parametrize("data", NOT_JSON.values(), ids=NOT_JSON)
def test_json_that_two_parsers_could_read_differently_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - The parser has its own words for most of them.
        load_json(data)


@given(st.binary() | json_values.map(lambda value: json.dumps(value).encode()))
@settings(patient, max_examples=200)
def test_bytes_are_a_json_object_or_a_value_error(data: bytes) -> None:
    try:
        value = load_json(data)
    except ValueError:
        return
    assert type(value) is dict
    assert value == json.loads(data)


@given(st.dictionaries(st.text(), json_values, max_size=5))
@patient
def test_what_json_writes_it_reads(value: dict[str, Any]) -> None:
    assert load_json(dump_json(value)) == value


def test_json_is_compact_and_utf8() -> None:
    assert dump_json({"b": [1, True], "a": "Zoë"}) == '{"b":[1,true],"a":"Zoë"}'.encode()


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, {1, 2}, b"bytes", object, "\ud800"], ids=repr)
def test_what_json_cannot_say_is_not_written(value: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        dump_json({"a": value})
