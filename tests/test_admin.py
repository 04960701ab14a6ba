"""Sessions in Django's admin: found, read and ended, by who may; and nothing secret is shown."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import include, path
from django.utils.formats import localize

from django_ironclad.models import Session

from .conftest import Api, Person, time_passes

if not hasattr(get_user_model(), "user_permissions"):
    pytest.skip("Django's admin needs a user model with permissions", allow_module_level=True)

from django.contrib import admin
from django.contrib.auth.models import Permission

urlpatterns = [path("admin/", admin.site.urls), path("", include("tests.urls"))]
pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.test_admin")]
LIST = "/admin/ironclad/session/"


@pytest.fixture
def staff(person: Callable[..., Person]) -> Callable[..., Client]:
    """The admin of somebody with these permissions."""

    def make(*codenames: str) -> Client:
        somebody = person("rosa", is_staff=True)
        somebody.user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        client = Client()
        client.force_login(somebody.user)
        return client

    return make


@pytest.fixture
def tokens(api: Api, ada: Person) -> dict[str, Any]:
    return api.login(ada)


def act(client: Client, action: str, *sessions: Session) -> Any:
    return client.post(LIST, {"action": action, "_selected_action": [each.pk for each in sessions]}, follow=True)


def test_who_may_view_sees_everything_but_secrets(staff: Any, tokens: dict[str, Any], ada: Person) -> None:
    client = staff("view_session")
    session = Session.objects.get()

    for url in (LIST, f"{LIST}{session.pk}/change/"):
        answer = client.get(url)
        page = answer.content.decode()
        assert answer.status_code == 200
        assert ada.name in page
        assert bytes(session.seed).hex() not in page
        assert session.auth_hash not in page
        assert "seed" not in page
        assert 'name="_save"' not in page
    assert client.get(f"{LIST}add/").status_code == 403
    assert client.get(f"{LIST}{session.pk}/delete/").status_code == 403


#: What no page shows, and no page's address may ask about.
HIDDEN = {field.name for field in Session._meta.concrete_fields} - {
    *("id", "user", "client_id", "user_agent", "ip_address", "created_at", "auth_time", "rotated_at"),
    *("amr", "scope", "expires_at", "revoked_at", "revoked_reason", "generation"),
}
SECRET_LOOKUPS = [
    *(f"{name}{lookup}" for name in sorted(HIDDEN) for lookup in ("", "__startswith", "__gt", "__regex", "__isnull")),
    *("user__password__startswith", "user__password", "user__ironclad_sessions__auth_hash__startswith"),
    *("user__ironclad_sessions__seed__gt", "user__email__startswith", "user__groups__name", "user__is_superuser"),
    *("user__logentry__session__auth_hash", "user__pk__lt", "user_id__gt", "pk__gt", "rotated_at__contains"),
]


@pytest.mark.parametrize("lookup", SECRET_LOOKUPS)
def test_the_address_of_a_page_asks_about_nothing_hidden(staff: Any, tokens: dict[str, Any], lookup: str) -> None:
    client = staff("view_session", "change_session")
    sign = Session.objects.get().auth_hash[0]

    for value in ("a", "1", sign, "\0"):
        assert client.get(LIST, {lookup: value}).status_code == 400
        assert client.post(f"{LIST}?{urlencode({lookup: value})}", {"action": "end"}).status_code == 400
    assert {"seed", "auth_hash"} <= HIDDEN


def test_nor_do_search_ordering_and_links(staff: Any, tokens: dict[str, Any], ada: Person) -> None:
    client = staff("view_session")
    session = Session.objects.get()

    assert client.get(LIST, {"q": session.auth_hash}).context["cl"].result_count == 0
    assert client.get(LIST, {"q": bytes(session.seed).hex()}).context["cl"].result_count == 0
    for number in range(-9, 10):
        ordering = client.get(LIST, {"o": str(number)}).context["cl"].queryset.query.order_by
        assert {name.lstrip("-") for name in ordering} <= {"id", "pk", "user", "ip_address", "created_at", "rotated_at"}
    for column in HIDDEN:
        for page in (LIST, f"{LIST}{session.pk}/change/"):
            assert client.get(page, {"_to_field": column, "_popup": "1"}).status_code == 400
    field = {"app_label": "ironclad", "model_name": "session", "field_name": "user", "term": ada.name}
    assert client.get("/admin/autocomplete/", field).status_code == 403


@pytest.mark.parametrize(
    "query",
    [
        *(
            "status=no+such",
            "status=%00",
            "q=%00",
            "rotated_at__gte=x",
            "rotated_at__gte=%00",
            "user=x",
            "user=%00",
            "e=1",
        ),
        *("user__id__exact=99999999999999999999999", "p=x", "o=x", "all="),
        "_facets=1",
    ],
)
def test_an_address_that_makes_no_sense_breaks_nothing(staff: Any, tokens: dict[str, Any], query: str) -> None:
    assert staff("view_session").get(f"{LIST}?{query}").status_code in (200, 302, 400)


def test_the_sessions_of_one_user_can_be_linked_to(staff: Any, tokens: dict[str, Any], ada: Person, api: Api) -> None:
    client = staff("view_session")
    api.login(Person(get_user_model()._default_manager.get(username="rosa"), "rosa"))

    for lookup in ("user", "user__exact", "user__id", "user__id__exact"):
        assert client.get(LIST, {lookup: str(ada.user.pk)}).context["cl"].result_count == 1


def test_who_may_not_sees_nothing(staff: Any, tokens: dict[str, Any]) -> None:
    assert staff().get(LIST).status_code == 403
    assert Client().get(LIST).status_code == 302


def test_who_may_only_view_ends_nothing(staff: Any, tokens: dict[str, Any]) -> None:
    client = staff("view_session")

    act(client, "end", Session.objects.get())

    assert Session.objects.get().revoked_at is None


def test_ending_one_and_many_is_logged(
    staff: Any, api: Api, ada: Person, tokens: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "django_ironclad")
    client = staff("view_session", "change_session")
    session = Session.objects.get()
    other = api.login(ada)

    assert "1 ended." in act(client, "end", session).content.decode()

    assert api.get("/drf/members/", tokens["access_token"]).status_code == 401
    assert api.get("/drf/members/", other["access_token"]).status_code == 200
    session.refresh_from_db()
    assert session.revoked_reason == "administrator"
    entry = LogEntry.objects.get()
    assert (entry.object_id, str(entry.user)) == (str(session.pk), "rosa")
    assert "session_revoked" in caplog.text
    assert "0 ended." in act(client, "end", session).content.decode()


def test_ending_all_of_a_user(staff: Any, api: Api, ada: Person, person: Any) -> None:
    client = staff("view_session", "change_session")
    mine = [api.login(ada) for _ in range(3)]
    others = api.login(person("alan"))

    act(client, "end_all_of_user", Session.objects.filter(user=ada.user)[0])

    assert [api.get("/drf/members/", each["access_token"]).status_code for each in mine] == [401] * 3
    assert api.get("/drf/members/", others["access_token"]).status_code == 200


def test_sessions_are_found_by_user_address_and_status(staff: Any, api: Api, ada: Person, person: Any) -> None:
    client = staff("view_session")
    api.logout(api.login(ada)["refresh_token"])
    api.login(ada)
    time_passes(days=20)
    api.login(person("alan"))

    def found(query: str) -> int:
        answer = client.get(f"{LIST}?{query}")
        assert answer.status_code == 200
        return int(answer.context["cl"].result_count)

    assert found("") == 3
    assert found(f"q={ada.name}") == 2
    assert found("q=127.0.0.1") == 3
    assert found(f"q={Session.objects.get(user__username='alan').pk}") == 1
    assert found("q=nobody") == 0
    assert found("status=live") == 1
    assert found("status=over") == 1
    assert found("status=logout") == 1
    today = Session.objects.get(user__username="alan").rotated_at - timedelta(days=1)
    assert found(f"rotated_at__gte={today:%Y-%m-%d}+00:00:00%2B00:00") == 1


def test_times_are_local_where_django_knows_no_others(staff: Any, tokens: dict[str, Any], settings: Any) -> None:
    session = Session.objects.get()
    settings.TIME_ZONE, settings.USE_TZ = "Pacific/Kiritimati", False
    local = localize(session.created_at.astimezone(ZoneInfo("Pacific/Kiritimati")))
    client = staff("view_session")

    for url in (LIST, f"{LIST}{session.pk}/change/"):
        assert client.get(url).content.decode().count(local) >= 2, url
