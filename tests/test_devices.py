"""What a request says of its device, as far as it may be believed."""

from __future__ import annotations

import sys

import pytest
from django.test import Client, RequestFactory, override_settings

from django_ironclad.devices import client_address, device_name
from django_ironclad.models import Session

from .conftest import PASSWORD, Person

FORWARDED = "6.6.6.6, 203.0.113.7, 10.0.0.2"


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, FORWARDED, "10.0.0.1"),
        (1, FORWARDED, "10.0.0.2"),
        (2, FORWARDED, "203.0.113.7"),
        (3, FORWARDED, "6.6.6.6"),
        (4, FORWARDED, "10.0.0.1"),
        (1, "", None),
        (1, "203.0.113.7:4711", "203.0.113.7"),
        (1, "[2001:db8::1]:4711", "2001:db8::1"),
        (1, "2001:db8::1", "2001:db8::1"),
        (1, "::ffff:203.0.113.7", "203.0.113.7"),
        (1, "fe80::1%eth0", "fe80::1"),
        (1, f"fe80::1%{'x' * 60}", "fe80::1"),
        (1, "[fe80::1%25eth0]:4711", "fe80::1"),
        (1, "203.0.113.7%eth0", "203.0.113.7"),
        (1, "%eth0", None),
        (1, "unknown", None),
        (1, "<script>", None),
        (1, "fe80::1%" + 60 * "x", "fe80::1"),
        (1, "fe80::1%\x1b[31m", "fe80::1"),
        (1, "203.0.113.7%x", "203.0.113.7"),
    ],
)
def test_the_address_comes_through_so_many_proxies_and_no_more(
    proxies: int, forwarded: str, address: str | None
) -> None:
    request = RequestFactory().get("/", REMOTE_ADDR="10.0.0.1", headers={"x-forwarded-for": forwarded})
    with override_settings(IRONCLAD={"TRUSTED_PROXIES": proxies}):
        assert client_address(request) == address


def test_without_the_header_the_peer_is_the_client() -> None:
    request = RequestFactory().get("/", REMOTE_ADDR="")
    assert client_address(request) is None


@pytest.mark.django_db
@pytest.mark.parametrize("zone", ["eth0", "x" * 60, "\x1b[2J"], ids=["short", "long", "odd"])
@pytest.mark.parametrize("proxies", [0, 1], ids=["peer", "proxy"])
def test_an_address_with_a_zone_is_stored_without(ada: Person, proxies: int, zone: str) -> None:
    """No column takes one: PostgreSQL's type for addresses knows none, and the text would be too long."""
    sent = {"username": ada.name, "password": PASSWORD}
    seen = {"REMOTE_ADDR": f"fe80::1%{zone}", "HTTP_X_FORWARDED_FOR": f"fe80::1%{zone}"}
    with override_settings(IRONCLAD={"TRUSTED_PROXIES": proxies}):
        answer = Client().post("/auth/login/", sent, "application/json", **seen)  # type: ignore[arg-type]

    assert answer.status_code == 200
    assert Session.objects.get().ip_address == "fe80::1"


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
            "Chrome on Linux",
        ),
        ("campus-app/2.1", "campus-app/2.1"),
        ("", ""),
        ("campus\x1b[31m-\x9b2Japp\u202e/2.1\x7f", "campus[31m-2Japp/2.1"),
    ],
)
def test_the_name_of_a_device(user_agent: str, name: str) -> None:
    assert device_name(user_agent) == name


def test_without_ua_parser_a_device_has_the_name_that_it_gives_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ua_parser", None)
    assert device_name("campus-app/2.1 (Linux)") == "campus-app/2.1 (Linux)"
