"""How many SQL statements each call costs, counted and printed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_ironclad.models import Session

from ..conftest import Api, Person, time_passes

pytestmark = pytest.mark.django_db


@pytest.fixture
def statements(capsys: pytest.CaptureFixture[str]) -> Callable[[str, Callable[[], object]], int]:
    def count(name: str, act: Callable[[], object]) -> int:
        with CaptureQueriesContext(
            connection,
        ) as context:
            act()
        with capsys.disabled():
            print(f"\n{connection.vendor}: {name}: {len(context)} statements", end="")  # noqa: T201
        return len(context)

    return count


def test_what_each_call_costs(
    api: Api, person: Callable[..., Person], has_groups: bool, statements: Callable[..., int]
) -> None:
    rosa = person("rosa", groups=("registrar", "choir") if has_groups else ())
    tokens = api.login(rosa)

    # Django's own two find the user and store `last_login`; ours are the session, who has too many, and the
    # session once more, with the groups. In a transaction, as here, MySQL and MariaDB are told to lock the user first.
    assert statements("login", lambda: api.login(rosa)) == 2 + 3 + (connection.vendor == "mysql")
    assert statements("refresh", lambda: api.refresh(tokens["refresh_token"])) == 2
    assert statements("refresh, repeated in grace", lambda: api.refresh(tokens["refresh_token"])) == 2
    assert statements("refresh, repeated in grace again", lambda: api.refresh(tokens["refresh_token"])) == 1
    time_passes(hours=1)
    assert statements("refresh, late", lambda: api.refresh(tokens["refresh_token"])) == 2
    for name, path, expected in [
        ("DRF", "/drf/members/", 0),
        ("middleware", "/plain/", 0),
        ("DRF, the user's row touched", "/drf/profile/", 1),
        ("DRF, strict", "/drf/strict/", 1),
        ("middleware, strict", "/plain/strict/", 1),
    ]:
        cost = statements(f"authenticated request, {name}", lambda path=path: api.get(path, tokens["access_token"]))
        assert cost == expected
    assert statements("bad token", lambda: api.get("/drf/members/", "garbage")) == 0
    assert statements("logout", lambda: api.logout(tokens["refresh_token"])) == 2


def test_a_session_is_one_row_however_often_it_is_refreshed(api: Api, ada: Person) -> None:
    token = api.login(ada)["refresh_token"]
    for _ in range(50):
        token = api.refresh(token).json()["refresh_token"]
        time_passes(seconds=60)

    assert Session.objects.count() == 1
    assert Session.objects.get().generation == 50
