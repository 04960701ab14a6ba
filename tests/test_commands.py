"""`ironclad_sessions` and `ironclad_prune`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from django_ironclad import auth
from django_ironclad.database.clocks import Now
from django_ironclad.management.commands import ironclad_prune
from django_ironclad.models import Session
from django_ironclad.sessions import recent

from .conftest import Api, Person, time_passes

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    output = StringIO()
    call_command(*arguments, stdout=output, no_color=True)
    return output.getvalue()


def test_a_users_sessions_are_listed_and_ended(api: Api, ada: Person) -> None:
    tokens = [api.login(ada) for _ in range(2)]

    listed = run("ironclad_sessions", ada.name)
    assert len(listed.splitlines()) == 2
    assert "127.0.0.1" in listed
    assert "2 ended." in run("ironclad_sessions", ada.name, "--revoke")
    assert run("ironclad_sessions", ada.name) == "None.\n"
    assert [api.get("/drf/members/", each["access_token"]).status_code for each in tokens] == [401] * 2
    assert set(Session.objects.values_list("revoked_reason", flat=True)) == {"operator"}


def test_nothing_that_a_client_says_reaches_the_terminal_as_a_command(
    api: Api, ada: Person, capsys: pytest.CaptureFixture[str]
) -> None:
    said = "".join(map(chr, [*range(0x20), *range(0x7F, 0xA0), 0x061C, 0x200E, 0x202E, 0x2028, 0x2066]))
    body = {"username": ada.name, "password": ada.password}
    api.post("/auth/login/", body, **{"user-agent": f"Fire{said}fox\x1b]0;mine\x07"})
    [row] = Session.objects.all()
    assert row.user_agent == "Firefox]0;mine"
    assert "Firefox]0;mine" in run("ironclad_sessions", ada.name)

    # As an older version of ours, or somebody else, may have written it.
    Session.objects.update(user_agent="Fire\x1b[31mfox\x9b2J\r\u202e")
    assert "Fire[31mfox2J," in run("ironclad_sessions", ada.name)

    call_command("ironclad_sessions", ada.name, "--revoke")
    assert capsys.readouterr().out.replace("\n", "").isprintable()


def test_nor_does_what_an_operator_pastes(db: None) -> None:
    with pytest.raises(CommandError) as error:
        run("ironclad_sessions", "no\x1b[2Jbody\u202e")
    assert str(error.value).isprintable()


def test_an_unknown_user_is_a_clear_error(db: None) -> None:
    with pytest.raises(CommandError, match="nobody"):
        run("ironclad_sessions", "nobody")


@pytest.fixture
def rows(api: Api, ada: Person) -> dict[str, str]:
    """A session of each kind; the id of each."""

    def login() -> str:
        return str(api.login(ada)["refresh_token"])

    expired = login()
    time_passes(days=80)
    ended_long_ago = login()
    api.logout(ended_long_ago)
    time_passes(days=41)
    resting, ended_lately = login(), login()
    api.logout(ended_lately)
    time_passes(days=20)
    living = login()
    tokens = locals()
    names = ("expired", "ended_long_ago", "resting", "ended_lately", "living")
    return {name: tokens[name].split(".")[0] for name in names}


def left(rows: dict[str, str]) -> set[str]:
    known = {str(pk) for pk in Session.objects.values_list("pk", flat=True)}
    return {name for name, pk in rows.items() if pk in known}


def test_what_was_over_long_ago_is_deleted_and_nothing_else(rows: dict[str, str]) -> None:
    assert run("ironclad_prune") == "2 sessions deleted.\n"

    assert left(rows) == {"resting", "ended_lately", "living"}


def test_a_dry_run_deletes_nothing(rows: dict[str, str]) -> None:
    assert run("ironclad_prune", "--dry-run") == "2 sessions would be deleted.\n"

    assert len(left(rows)) == 5


def test_how_long_ago_can_be_told(rows: dict[str, str]) -> None:
    assert run("ironclad_prune", "--older-than", "10") == "3 sessions deleted.\n"
    assert left(rows) == {"resting", "living"}
    for days in ("0", "-1"):
        with pytest.raises(CommandError, match="at least"):
            run("ironclad_prune", "--older-than", days)


WEEK_OLD_TOKENS = {"DRF_JWT_TOKEN_LIFETIME": timedelta(days=7)}


@pytest.mark.parametrize(
    ("settings", "days"),
    [({}, 1), (WEEK_OLD_TOKENS, 8), ({"ACCESS_TOKEN_LIFETIME": timedelta(days=7)}, 8)],
    ids=["short", "drf-jwt", "long"],
)
def test_what_a_process_still_needs_to_know_is_not_deleted(
    rows: dict[str, str], settings: dict[str, timedelta], days: int
) -> None:
    with override_settings(IRONCLAD=settings):
        for too_few in (0, days // 2, days - 1):
            for option in ((), ("--dry-run",)):
                with pytest.raises(CommandError, match=f"at least {days}: access tokens"):
                    run("ironclad_prune", "--older-than", str(too_few), *option)
        assert len(left(rows)) == 5
        run("ironclad_prune", "--older-than", str(days))
        assert left(rows) == {"resting", "living"}


def test_by_default_too_as_long_as_tokens_can_live(rows: dict[str, str]) -> None:
    with override_settings(IRONCLAD={"ACCESS_TOKEN_LIFETIME": timedelta(days=300)}):
        assert run("ironclad_prune") == "0 sessions deleted.\n"
    with override_settings(IRONCLAD={"ACCESS_TOKEN_LIFETIME": timedelta(days=40)}):
        assert run("ironclad_prune") == "2 sessions deleted.\n"


def test_a_token_of_a_week_ago_whose_session_ended_stays_refused_whatever_is_pruned(api: Api, ada: Person) -> None:
    with override_settings(IRONCLAD=WEEK_OLD_TOKENS):
        tokens = api.login(ada)
        api.logout(tokens["refresh_token"])
        time_passes(days=2)
        with pytest.raises(CommandError):
            run("ironclad_prune", "--older-than", "1")
        run("ironclad_prune")
        ended = Session.objects.get(pk=tokens["refresh_token"].split(".")[0])
        assert Session.objects.filter(pk=ended.pk, revoked_at__gt=Now() - recent.window()).exists()


@pytest.mark.parametrize("apart", [timedelta(0), timedelta(seconds=1), timedelta(milliseconds=250)])
def test_it_goes_in_batches_also_of_what_ended_in_the_same_moment(
    ada: Person, monkeypatch: pytest.MonkeyPatch, apart: timedelta
) -> None:
    monkeypatch.setattr(ironclad_prune, "BATCH", 3)
    ended = datetime(2026, 1, 1, tzinfo=UTC)
    for number in range(10):
        auth.login(ada.user)
        Session.objects.filter(revoked_at=None).update(revoked_at=ended + number * apart)
    living = auth.login(ada.user)

    with CaptureQueriesContext(connection) as context:
        assert run("ironclad_prune") == "10 sessions deleted.\n"

    # So many at least, of three each; nothing expired; and some that found nothing where all ended at once.
    deletions = [query for query in context if query["sql"].startswith("DELETE")]
    assert 5 <= len(deletions) <= 5 + 3
    assert [str(pk) for (pk,) in Session.objects.values_list("pk")] == [living.refresh_token.split(".")[0]]


def test_whoever_waits_hears_how_far_it_is(rows: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ironclad_prune, "PROGRESS", 0)
    *told, last = run("ironclad_prune").splitlines()
    assert told[-1] == "2 deleted ..."
    assert last == "2 sessions deleted."
