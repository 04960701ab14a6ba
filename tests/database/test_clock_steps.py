"""An application host whose clock is set while it works: sessions keep the database's time, and clients recover."""

from __future__ import annotations

import time

import pytest
import time_machine

from ..conftest import Api, Person, time_passes

pytestmark = pytest.mark.django_db(transaction=True)

HOUR, DAY = 3600, 86400


@pytest.mark.parametrize("step", [-400 * DAY, -HOUR, -60, 60, HOUR, 400 * DAY])
def test_a_client_whose_server_has_its_clock_set_refreshes_and_goes_on(api: Api, ada: Person, step: int) -> None:
    login, ended = api.login(ada), api.login(ada)
    token = api.refresh(login["refresh_token"]).json()["refresh_token"]
    api.logout(ended["refresh_token"])

    for moved in (step, 0, step):
        with time_machine.travel(time.time() + moved, tick=True):
            time_passes(minutes=5)
            # Its access token may be over, or not yet begun; that is what a refresh is for.
            assert api.get("/auth/me/", login["access_token"]).status_code in (200, 401)
            answer = api.refresh(token)
            assert answer.status_code == 200
            login = answer.json()
            token = login["refresh_token"]
            assert api.get("/auth/me/", login["access_token"]).status_code == 200
            assert api.get("/auth/me/", ended["access_token"]).status_code == 401
            assert api.refresh(ended["refresh_token"]).status_code == 400


@pytest.mark.parametrize("step", [-HOUR, HOUR])
def test_a_stale_token_is_found_and_a_parent_answered_whatever_the_hosts_clock_says(
    api: Api, ada: Person, step: int
) -> None:
    first = api.login(ada)["refresh_token"]
    second = api.refresh(first).json()["refresh_token"]

    with time_machine.travel(time.time() + step, tick=True):
        # Within the grace, by the clock that counts.
        assert api.refresh(first).json()["refresh_token"] == second
        time_passes(minutes=5)
        third = api.refresh(second).json()["refresh_token"]
    assert api.refresh(first).status_code == 400
    assert api.refresh(third).status_code == 400
