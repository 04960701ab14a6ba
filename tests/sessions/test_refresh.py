"""`POST refresh/`: every row of the table that says what a refresh token is worth, and what else refuses it."""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection, connections, transaction
from django.test import override_settings

from django_ironclad import auth, signals
from django_ironclad.errors import TemporarilyUnavailable
from django_ironclad.keyring.configured import get_refresh_secrets
from django_ironclad.models import Session
from django_ironclad.tokens.refresh import RefreshToken

from ..conftest import PASSWORD, Api, Person, time_passes

pytestmark = pytest.mark.django_db


@pytest.fixture
def heard() -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """The signals of ours that were sent, in order."""
    events: list[tuple[str, dict[str, Any]]] = []
    names = ("session_started", "session_refreshed", "session_revoked", "refresh_token_reused")

    def listen(name: str) -> Callable[..., None]:
        def receive(sender: Any, signal: Any, session: Session, **facts: Any) -> None:
            events.append((name, facts))

        return receive

    receivers = {name: listen(name) for name in names}
    for name, receiver in receivers.items():
        getattr(signals, name).connect(receiver)
    yield events
    for name, receiver in receivers.items():
        getattr(signals, name).disconnect(receiver)


@pytest.fixture
def first(api: Api, ada: Person) -> str:
    """The refresh token of a login."""
    return str(api.login(ada)["refresh_token"])


def good(answer: Any) -> str:
    """The refresh token of an answer that is 200 with the fields of the contract."""
    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert set(body) == {"access_token", "token_type", "expires_in", "username", "refresh_token"}
    return str(body["refresh_token"])


def refused(answer: Any) -> None:
    assert answer.status_code == 400, answer.content
    assert answer.json() == {
        "error": "invalid_grant",
        "error_description": "The refresh token is invalid, expired or revoked.",
    }


def place(token: str) -> tuple[int, int]:
    """Generation and branch of a token."""
    parsed, _ = RefreshToken.parse(token)
    return parsed.generation, parsed.branch


def forge(token: str, generation: int, branch: int = 0) -> str:
    """The token that this server would have signed for another place in the line."""
    session = Session.objects.get(pk=RefreshToken.parse(token)[0].sid)
    wanted = RefreshToken(str(session.pk), generation, branch)
    return wanted.encode(secret=get_refresh_secrets()[0], seed=bytes(session.seed), realm="")


def alive() -> bool:
    return Session.objects.get().revoked_at is None


def doubts() -> tuple[int, bool]:
    """How many the row counts, and whether its newest token was given out a second time."""
    row = Session.objects.get()
    return row.doubts, row.repeated


# Row by row: the current token, its parent, what is ahead of the row, and everything older.


def test_the_current_token_rotates(api: Api, first: str) -> None:
    second = good(api.refresh(first))

    assert (place(first), place(second)) == ((0, 0), (1, 0))
    assert Session.objects.get().generation == 1


@pytest.mark.parametrize("seconds", [0, 11, 21, 58])
def test_the_current_token_within_the_pause_is_answered_with_itself(api: Api, first: str, seconds: int) -> None:
    second = good(api.refresh(first))
    time_passes(seconds=seconds)

    assert good(api.refresh(second)) == second
    assert Session.objects.get().generation == 1


def test_the_current_token_rotates_once_the_pause_is_over(api: Api, first: str) -> None:
    second = good(api.refresh(first))
    time_passes(seconds=60)

    assert place(good(api.refresh(second))) == (2, 0)


def test_the_pause_is_six_times_the_grace(api: Api, first: str) -> None:
    with override_settings(IRONCLAD={"REUSE_GRACE": timedelta(seconds=20)}):
        second = good(api.refresh(first))
        time_passes(seconds=118)
        assert good(api.refresh(second)) == second
        time_passes(seconds=2)
        assert place(good(api.refresh(second))) == (2, 0)


def test_the_parent_within_the_grace_gets_the_same_successor(api: Api, first: str) -> None:
    second = good(api.refresh(first))
    time_passes(seconds=9)

    assert [good(api.refresh(first)) for _ in range(3)] == [second] * 3
    assert Session.objects.get().generation == 1


def test_a_successor_that_is_given_out_again_is_one_doubt_however_often(api: Api, first: str) -> None:
    good(api.refresh(first))
    assert doubts() == (0, False)

    for _ in range(3):
        good(api.refresh(first))
        assert doubts() == (1, True)


def test_to_use_a_successor_that_two_may_hold_clears_no_doubt(api: Api, first: str) -> None:
    second = good(api.refresh(first))
    good(api.refresh(first))
    time_passes(seconds=60)

    good(api.refresh(second))

    assert doubts() == (1, False)


def test_to_use_a_successor_that_was_given_out_once_clears_all_doubts(api: Api, first: str) -> None:
    second = good(api.refresh(first))
    Session.objects.update(doubts=11)
    time_passes(seconds=60)

    good(api.refresh(second))

    assert doubts() == (0, False)


def test_two_successors_in_a_row_are_given_out_twice_and_the_third_is_withheld(api: Api, first: str) -> None:
    token = first
    for turn in range(3):
        successor = good(api.refresh(token))
        assert api.refresh(token).json().get("refresh_token", "") == (successor if turn < 2 else "")
        token = successor
        time_passes(seconds=60)

    good(api.refresh(token))  # Given out once, and used.
    assert doubts() == (0, False)
    assert "refresh_token" in api.refresh(token).json()


@pytest.mark.parametrize("seconds", [0, 9, 11, 21, 58])
def test_the_parent_that_gets_no_refresh_token_gets_an_access_token(api: Api, first: str, seconds: int) -> None:
    second = good(api.refresh(first))
    Session.objects.update(doubts=2)
    time_passes(seconds=seconds)

    answer = api.refresh(first)

    assert answer.status_code == 200
    assert set(answer.json()) == {"access_token", "token_type", "expires_in", "username"}
    assert api.get("/auth/me/", answer.json()["access_token"]).status_code == 200
    assert good(api.refresh(second)) == second
    assert doubts() == (2, False)


@pytest.mark.parametrize("seconds", [11, 21, 58])
def test_the_parent_after_the_grace_moves_nothing_until_the_pause_is_over(api: Api, first: str, seconds: int) -> None:
    second = good(api.refresh(first))
    time_passes(seconds=seconds)

    answer = api.refresh(first)

    assert answer.status_code == 200
    assert set(answer.json()) == {"access_token", "token_type", "expires_in", "username"}
    row = Session.objects.get()
    assert (row.generation, row.branch, row.revoked_at) == (1, 0, None)
    assert doubts() == (0, False)
    time_passes(minutes=1)
    assert place(good(api.refresh(second))) == (2, 0)


@pytest.mark.parametrize("later", [timedelta(seconds=60), timedelta(hours=3), timedelta(days=13)], ids=str)
def test_the_parent_later_gets_a_new_branch_which_is_a_doubt(
    api: Api, first: str, heard: list[Any], later: timedelta
) -> None:
    """Its answer was lost: had anybody received it, the line would have moved on or the parent would not be back."""
    lost = good(api.refresh(first))
    time_passes(seconds=later.total_seconds())

    branch = good(api.refresh(first))

    assert (place(lost), place(branch)) == ((1, 0), (1, 1))
    assert heard[-1] == ("session_refreshed", {"how": "late", "doubts": 1})
    assert doubts() == (1, False)
    assert place(good(api.refresh(branch))) == (1, 1)  # Just given out, so the same again.
    time_passes(seconds=60)
    assert place(good(api.refresh(branch))) == (2, 0)
    assert doubts() == (0, False)


def test_a_lost_answer_is_mended_once_the_pause_is_over(api: Api, first: str) -> None:
    """Who came too early for it went on with what they hold."""
    good(api.refresh(first))
    time_passes(seconds=55)
    assert "refresh_token" not in api.refresh(first).json()
    time_passes(seconds=5)

    assert place(good(api.refresh(first))) == (1, 1)


def test_two_tabs_whose_answers_come_in_the_wrong_order_stay_signed_in(api: Api, first: str) -> None:
    """The first answer was lost, they ask again on either side of the grace's end, and the last to arrive is kept."""
    good(api.refresh(first))
    time_passes(seconds=9)
    overtaken = good(api.refresh(first))
    time_passes(seconds=2)
    assert api.refresh(first).status_code == 200
    time_passes(minutes=5)

    assert place(good(api.refresh(overtaken))) == (2, 0)


def test_two_tabs_that_wake_after_a_lost_answer_get_the_same_token(api: Api, first: str) -> None:
    good(api.refresh(first))
    time_passes(hours=3)

    assert good(api.refresh(first)) == good(api.refresh(first))
    assert doubts() == (2, True)


def test_a_dead_branch_is_reuse(api: Api, first: str, heard: list[Any]) -> None:
    lost = good(api.refresh(first))
    time_passes(hours=3)
    good(api.refresh(first))

    refused(api.refresh(lost))

    assert not alive()
    assert ("refresh_token_reused", {}) in heard


def test_twelve_answers_in_a_row_may_be_lost_and_the_thirteenth_is_reuse(api: Api, first: str) -> None:
    """However long it takes: a rule that forgives more as time passes keeps some thief for ever."""
    good(api.refresh(first))
    for branch in range(1, 13):
        time_passes(days=7)
        assert place(good(api.refresh(first))) == (1, branch)
        assert doubts() == (branch, False)
    time_passes(minutes=1)

    refused(api.refresh(first))
    assert not alive()


def test_a_client_that_receives_one_of_twelve_answers_has_lost_none(api: Api, first: str) -> None:
    token = first
    for _ in range(3):
        good(api.refresh(token))
        for _ in range(12):
            time_passes(minutes=1)
            received = good(api.refresh(token))
        assert doubts() == (12, False)
        time_passes(minutes=1)
        token = good(api.refresh(received))
        assert doubts() == (0, False)
        time_passes(minutes=1)


def test_the_grandparent_is_reuse(api: Api, first: str) -> None:
    second = good(api.refresh(first))
    time_passes(seconds=60)
    good(api.refresh(second))

    refused(api.refresh(first))
    assert not alive()


@pytest.mark.parametrize(("generation", "branch"), [(6, 0), (7, 2), (8, 0), (5, 3)])
def test_a_token_newer_than_the_row_goes_on_from_there(api: Api, first: str, generation: int, branch: int) -> None:
    """A failover lost the last writes; the MAC says that the token was ours. It proves nothing of who holds what."""
    Session.objects.update(generation=5, branch=1, doubts=3, repeated=True)

    answer = good(api.refresh(forge(first, generation, branch)))

    assert place(answer) == (generation + 1, 0)
    row = Session.objects.get()
    assert (row.generation, row.branch, row.parent_branch) == (generation + 1, 0, branch)
    assert doubts() == (3, False)


def test_a_token_too_far_ahead_is_refused_and_touches_nothing(api: Api, first: str) -> None:
    refused(api.refresh(forge(first, 4)))

    assert alive()
    assert place(good(api.refresh(first))) == (1, 0)


def test_each_way_to_refresh_is_told(api: Api, first: str, heard: list[Any], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "django_ironclad")
    second = good(api.refresh(first))
    good(api.refresh(second))
    good(api.refresh(first))
    time_passes(seconds=11)
    api.refresh(first)
    time_passes(hours=1)
    good(api.refresh(first))
    good(api.refresh(forge(first, 3)))

    told = [("rotated", 0), ("repeated", 0), ("repeated", 1), ("withheld", 0), ("late", 2), ("behind", 2)]
    facts = [facts for name, facts in heard if name == "session_refreshed"]
    assert [(each["how"], each.get("doubts", 0)) for each in facts] == told
    lines = [json.loads(record.args[1]) for record in caplog.records if "session_refreshed" in record.getMessage()]
    assert [(line["how"], line.get("doubts", 0)) for line in lines] == told
    assert {line["session"] for line in lines} == {str(Session.objects.get().pk)}


@pytest.mark.parametrize(("doubts", "level"), [(4, "INFO"), (5, "WARNING"), (11, "WARNING")])
def test_the_sixth_doubt_and_each_more_is_a_warning(
    api: Api, first: str, caplog: pytest.LogCaptureFixture, doubts: int, level: str
) -> None:
    caplog.set_level(logging.INFO, "django_ironclad")
    good(api.refresh(first))
    Session.objects.update(doubts=doubts)
    time_passes(minutes=1)
    good(api.refresh(first))

    told = caplog.records[-1]
    assert told.levelname == level
    assert json.loads(told.args[1])["doubts"] == doubts + 1  # type: ignore[index, arg-type]


# What reuse ends.


def test_reuse_ends_the_successor_and_the_access_tokens(api: Api, first: str, heard: list[Any]) -> None:
    answer = api.refresh(first).json()
    time_passes(seconds=60)
    third = good(api.refresh(answer["refresh_token"]))

    refused(api.refresh(first))

    refused(api.refresh(third))
    refused(api.refresh(answer["refresh_token"]))
    for path in ("/auth/me/", "/drf/members/", "/plain/"):
        refusal = api.get(path, answer["access_token"])
        assert (refusal.status_code, refusal.json()["error"]) == (401, "invalid_token")
    assert heard[-2:] == [
        ("session_revoked", {"reason": "refresh_token_reused"}),
        ("refresh_token_reused", {}),
    ]
    assert Session.objects.get().revoked_reason == "refresh_token_reused"


def test_a_session_that_ended_stays_ended_whatever_comes(api: Api, first: str) -> None:
    second = good(api.refresh(first))
    api.logout(first)

    for token in (first, second, forge(first, 2)):
        refused(api.refresh(token))
    assert Session.objects.get().revoked_reason == "logout"


# Forgeries.


def test_a_forged_refresh_token_ends_nobodys_session(api: Api, ada: Person, first: str) -> None:
    other = str(api.login(ada)["refresh_token"])
    head, mac = first.rpartition(".")[::2]
    sid = head.split(".")[0]
    forgeries = [
        f"{head}.{other.rpartition('.')[2]}",
        f"{head}.{'A' * 43}",
        f"{head}.{mac[:-1]}",
        f"{head}.{mac}=",
        f"{sid}.0.1.{mac}",
        f"{sid}.1.0.{mac}",
        f"{sid}.00.0.{mac}",
        f"{sid}.0.0.0.{mac}",
        f"{sid.upper()}.0.0.{mac}",
        f"{sid}.-1.0.{mac}",
        f"{sid}.٠.0.{mac}",
        f"{uuid.uuid4()}.0.0.{mac}",
        f" {first}",
        f"{first}\n",
        "x",
        first * 50,
    ]
    for forgery in forgeries:
        refused(api.refresh(forgery))

    assert Session.objects.filter(revoked_at=None).count() == 2
    assert place(good(api.refresh(first))) == (1, 0)


def test_an_access_token_is_no_refresh_token(api: Api, ada: Person) -> None:
    tokens = api.login(ada)

    refused(api.refresh(tokens["access_token"]))
    assert api.get("/auth/me/", tokens["refresh_token"]).status_code == 401


@pytest.mark.parametrize("body", [{}, {"refresh_token": ""}, {"refresh_token": 7}, {"refresh_token": None}])
def test_a_missing_refresh_token_is_400_invalid_request(api: Api, body: dict[str, Any]) -> None:
    answer = api.post("/auth/refresh/", body)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


# Time.


@pytest.mark.parametrize(
    ("passes", "answer"),
    [
        (timedelta(days=13, hours=23), 200),
        (timedelta(days=14, minutes=1), 400),
    ],
)
def test_a_session_may_rest_for_two_weeks(api: Api, first: str, passes: timedelta, answer: int) -> None:
    time_passes(seconds=passes.total_seconds())

    assert api.refresh(first).status_code == answer


def test_no_refresh_prolongs_the_session_beyond_its_end(api: Api, first: str) -> None:
    token = first
    for _ in range(9):
        time_passes(days=9, hours=23)
        token = good(api.refresh(token))
    time_passes(days=1)

    refused(api.refresh(token))
    assert Session.objects.get().revoked_reason == "expired"


# Whose password or account has changed since.


def test_a_new_password_ends_the_other_sessions(api: Api, ada: Person, first: str) -> None:
    access_token = api.refresh(first).json()["access_token"]
    ada.user.set_password("another one entirely")
    ada.user.save()

    assert api.get("/auth/me/", access_token).status_code == 401
    refused(api.refresh(first))
    assert Session.objects.get().revoked_reason == "password_changed"


def test_the_old_password_set_again_revives_nothing(api: Api, ada: Person, first: str) -> None:
    encoded = ada.user.password
    ada.user.set_password("another one entirely")
    ada.user.save()
    refused(api.refresh(first))
    ada.user.password = encoded
    ada.user.save()

    refused(api.refresh(first))


def test_a_login_that_upgrades_the_password_hash_ends_nothing(api: Api, ada: Person) -> None:
    with override_settings(PASSWORD_HASHERS=["tests.campus.hashers.SlowHasher"]):
        ada.user.set_password(PASSWORD)
        ada.user.save()
        tokens = api.login(ada)
    old = ada.user.password
    hashers = ["tests.campus.hashers.QuickHasher", "tests.campus.hashers.SlowHasher"]
    with override_settings(PASSWORD_HASHERS=hashers):
        api.login(ada)

        ada.user.refresh_from_db()
        assert ada.user.password != old
        assert api.get("/auth/me/", tokens["access_token"]).status_code == 200
        good(api.refresh(tokens["refresh_token"]))


def test_a_new_hash_that_no_login_made_is_a_new_password(api: Api, ada: Person, first: str) -> None:
    """Saved as `check_password` saves an upgrade, but of a hash that needed none."""
    from django.contrib.auth.hashers import make_password

    ada.user.password = make_password("another one entirely")
    ada.user.save(update_fields=["password"])
    ada.password = "another one entirely"
    api.login(ada)

    refused(api.refresh(first))


def test_an_inactive_user_gets_nothing_more(api: Api, ada: Person, first: str) -> None:
    access_token = api.refresh(first).json()["access_token"]
    type(ada.user)._default_manager.filter(pk=ada.user.pk).update(is_active=False)

    assert api.get("/auth/me/", access_token).status_code == 401
    refused(api.refresh(first))
    assert api.get("/drf/members/", access_token).status_code == 401
    assert Session.objects.get().revoked_reason == "user_inactive"


def test_the_rows_of_a_deleted_user_stay_and_are_over(api: Api, ada: Person, first: str) -> None:
    access_token = api.refresh(first).json()["access_token"]
    ada.user.delete()

    assert api.get("/auth/me/", access_token).status_code == 401
    refused(api.refresh(first))
    row = Session.objects.get()
    assert (row.user, row.revoked_reason) == (None, "user_deleted")


def test_claims_are_evaluated_afresh(api: Api, ada: Person, first: str, has_groups: bool) -> None:
    if has_groups:
        from django.contrib.auth.models import Group

        ada.user.groups.add(*[Group.objects.create(name=name) for name in ("registrar", "choir", "ärzte")])

    token = auth.verify(api.refresh(first).json()["access_token"])

    assert token.groups == (("choir", "registrar", "ärzte") if has_groups else ())
    assert token.auth_time == int(Session.objects.get().auth_time.timestamp())


# Transactions.


@pytest.mark.django_db(transaction=True)
def test_a_refresh_inside_a_transaction_is_a_clear_error(api: Api, first: str) -> None:
    with transaction.atomic(), pytest.raises(RuntimeError, match="non_atomic_requests"):
        auth.refresh(first)

    assert place(good(api.refresh(first))) == (1, 0)


@pytest.mark.django_db(transaction=True)
def test_reuse_is_remembered_although_every_request_is_a_transaction(ada: Person) -> None:
    """`ATOMIC_REQUESTS` does not wrap our views: the refusal's rollback would make the stolen token good again."""
    connections.settings["default"]["ATOMIC_REQUESTS"] = True
    try:
        api = Api()
        first = api.login(ada)["refresh_token"]
        second = good(api.refresh(first))
        time_passes(seconds=60)
        good(api.refresh(second))
        refused(api.refresh(first))
    finally:
        connections.settings["default"]["ATOMIC_REQUESTS"] = False

    assert Session.objects.get().revoked_reason == "refresh_token_reused"


def test_who_cannot_be_put_in_line_with_others_reads_again(api: Api, first: str) -> None:
    """The row is moved by another statement than the one that the database refused."""
    refused: list[str] = []

    def refuse_once(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("UPDATE") and "ironclad_session" in sql and not refused:
            refused.append(sql)
            # As MySQL's drivers say it: a row changed since the snapshot.
            raise OperationalError(1020, "Record has changed since last read")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(refuse_once):
        answer = api.refresh(first)

    assert (answer.status_code, len(refused)) == (200, 1)
    assert Session.objects.get().doubts == 0


def test_a_row_that_others_move_each_time_is_503(api: Api, first: str) -> None:
    """Whoever loses the swap reads again, a few times, and then says so; his token is as good as before."""

    def move(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        result = execute(sql, params, many, context)
        if sql.startswith("SELECT") and "ironclad_session" in sql:
            with context["connection"].cursor() as cursor:
                cursor.execute("UPDATE ironclad_session SET branch = branch + 1, parent_branch = parent_branch")
        return result

    Session.objects.update(generation=3)
    token = forge(first, 5)
    with connection.execute_wrapper(move), pytest.raises(TemporarilyUnavailable):
        auth.refresh(token)
    assert alive()
