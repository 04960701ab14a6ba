"""The thieves whom a rule that forgives with time never finds, against the real package and its database."""

from __future__ import annotations

from typing import Any

import pytest

from django_ironclad import auth
from django_ironclad.errors import InvalidGrant, InvalidToken
from django_ironclad.models import Session
from simulation.game.plays import PLAYS

from ..conftest import Person
from ..stories import Clock


@pytest.mark.django_db
@pytest.mark.parametrize("name", PLAYS)
def test_a_thief_who_times_his_use_is_found_by_the_fourteenth_turn(name: str, ada: Person) -> None:
    login, clock = auth.login(ada.user), Clock()

    def refresh(token: Any, now: float) -> Any:
        clock.set(now)
        try:
            return auth.refresh(token).refresh_token
        except InvalidGrant:
            return None

    turn = PLAYS[name](refresh, login.refresh_token, turns=40)

    assert turn is not None, "never found"
    assert turn <= 14
    assert Session.objects.get().revoked_reason == "refresh_token_reused"
    with pytest.raises(InvalidToken):
        auth.authenticate(login.access_token, strict=True)
