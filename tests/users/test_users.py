"""The lazy user behaves as the real one, and costs a query only for what the token does not say."""

from __future__ import annotations

import asyncio
import copy
import pickle
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.db import connection, connections, models
from django.db.models.signals import post_save
from django.template import engines
from django.test import AsyncClient, override_settings
from django.test.utils import CaptureQueriesContext

from django_ironclad import auth
from django_ironclad.errors import InvalidToken
from django_ironclad.users import LazyUser, load

from ..campus.models import Note
from ..conftest import Api, Person

pytestmark = pytest.mark.django_db
Queries = Callable[[int], Any]


@pytest.fixture
def lazy(api: Api, ada: Person) -> Any:
    return auth.authenticate(api.login(ada)["access_token"])[0]


@pytest.fixture
def queries(django_assert_num_queries: Any) -> Queries:
    return django_assert_num_queries  # type: ignore[no-any-return]


def test_what_the_token_says_costs_nothing(lazy: Any, ada: Person, queries: Queries) -> None:
    with queries(0):
        assert lazy.pk == ada.user.pk
        assert lazy.id == ada.user.id
        assert lazy.get_username() == ada.name
        assert (lazy.is_authenticated, lazy.is_anonymous, bool(lazy)) == (True, False, True)


def test_anything_else_loads_the_row_once(lazy: Any, queries: Queries) -> None:
    with queries(1):
        assert lazy.last_login is not None
        assert lazy.is_active
        assert lazy.check_password("correct horse battery staple")


def test_isinstance(lazy: Any, queries: Queries) -> None:
    with queries(0):
        assert isinstance(lazy, get_user_model())
        assert isinstance(lazy, models.Model)
        assert lazy.__class__ is get_user_model()
        assert lazy._meta is get_user_model()._meta


def test_equality_both_ways_and_hash(lazy: Any, ada: Person, person: Callable[..., Person], queries: Queries) -> None:
    rosa = person("rosa").user
    again = get_user_model()._default_manager.get(pk=ada.user.pk)
    with queries(0):
        assert lazy == again
        assert again == lazy
        assert lazy == lazy  # noqa: PLR0124
        assert lazy != rosa
        assert rosa != lazy
        assert lazy != ada.user.pk
        assert hash(lazy) == hash(again)
        assert {lazy, again} == {again}


def test_a_foreign_key_takes_it(lazy: Any, ada: Person) -> None:
    note = Note(owner=lazy, text="mine")
    note.save()

    assert Note.objects.get().owner == ada.user
    assert Note.objects.create(owner=lazy, text="another").owner_id == ada.user.pk


def test_a_filter_takes_it_without_a_query_of_its_own(lazy: Any, ada: Person, queries: Queries) -> None:
    note = Note.objects.create(owner=ada.user, text="mine")

    with queries(3):
        assert Note.objects.get(owner=lazy) == note
        assert list(Note.objects.filter(owner__in=[lazy])) == [note]
        assert not Note.objects.exclude(owner=lazy).exists()


def test_select_related_gives_its_equal(lazy: Any, ada: Person) -> None:
    Note.objects.create(owner=ada.user, text="mine")

    assert Note.objects.select_related("owner").get().owner == lazy


def test_permissions_are_djangos_own(api: Api, person: Callable[..., Person], has_groups: bool) -> None:
    rosa = person("rosa", is_staff=True)
    lazy = auth.authenticate(api.login(rosa)["access_token"])[0]
    assert lazy.has_perm("campus.add_note") is False
    if has_groups:
        from django.contrib.auth.models import Permission

        rosa.user.user_permissions.add(Permission.objects.get(codename="add_note"))
        lazy = auth.authenticate(api.login(rosa)["access_token"])[0]
        assert lazy.has_perm("campus.add_note") is True
        assert lazy.get_all_permissions() == {"campus.add_note"}
    assert lazy.has_module_perms("nothing") is False
    assert lazy.is_staff is True


def test_templates_show_it(lazy: Any, ada: Person) -> None:
    text = "{{ user }}|{{ user.get_username }}|{{ user.email }}|{% if user.is_authenticated %}in{% endif %}"

    page = engines["django"].from_string(text).render({"user": lazy})

    assert page == f"{ada.user}|{ada.name}|{ada.user.email}|in"


def test_djangos_browsable_api_shows_it(api: Api, ada: Person) -> None:
    answer = api.get("/drf/members/", api.login(ada)["access_token"], accept="text/html")

    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/html")
    assert str(ada.user) in answer.content.decode()


def test_the_admins_log_takes_it(lazy: Any, ada: Person) -> None:
    note = Note.objects.create(owner=lazy, text="mine")
    LogEntry.objects.create(
        user=lazy,
        content_type=ContentType.objects.get_for_model(Note),
        object_id=note.pk,
        object_repr="mine",
        action_flag=ADDITION,
    )

    assert LogEntry.objects.get().user == ada.user


def test_signals_name_the_real_class(lazy: Any) -> None:
    heard: list[Any] = []

    def receive(sender: Any, instance: Any, **_: Any) -> None:
        heard.append((sender, type(instance)))

    post_save.connect(receive, sender=get_user_model())
    try:
        lazy.save()
    finally:
        post_save.disconnect(receive, sender=get_user_model())

    assert heard == [(get_user_model(), get_user_model())]


def test_copies_and_pickles_are_the_real_user(lazy: Any, ada: Person) -> None:
    for made in (copy.copy(lazy), copy.deepcopy(lazy), pickle.loads(pickle.dumps(lazy))):
        assert type(made) is get_user_model()
        assert made == ada.user
        assert made.email == ada.user.email
    assert type(load(lazy)) is get_user_model()
    assert load(ada.user) is ada.user


def test_a_rename_that_happens_meanwhile_survives_a_save(lazy: Any, ada: Person) -> None:
    field = get_user_model().USERNAME_FIELD
    assert lazy.get_username() == ada.name
    get_user_model()._default_manager.filter(pk=ada.user.pk).update(**{field: "renamed@example.org"})

    lazy.last_login = None
    lazy.save()

    ada.user.refresh_from_db()
    assert ada.user.get_username() == "renamed@example.org"
    assert ada.user.last_login is None


def test_what_is_set_on_it_is_set_on_the_real_user(lazy: Any) -> None:
    lazy.favourite_colour = "blue"

    assert lazy.favourite_colour == "blue"
    assert load(lazy).favourite_colour == "blue"
    with pytest.raises(AttributeError):
        lazy.no_such_thing  # noqa: B018
    assert not hasattr(lazy, "no_such_thing")


@pytest.mark.parametrize("path", ["/drf/profile/", "/plain/profile/"])
@pytest.mark.parametrize("gone", ["deleted", "inactive"])
def test_a_row_that_is_gone_or_inactive_is_401(api: Api, ada: Person, path: str, gone: str) -> None:
    """Whoever did it without a signal: the token still holds, but there is nobody to answer for it."""
    token = api.login(ada)["access_token"]
    assert api.get(path, token).json() == {"active": True}
    rows = get_user_model()._default_manager.filter(pk=ada.user.pk)
    if gone == "deleted":
        from django_ironclad.models import Session

        Session.objects.update(user=None)
        LogEntry.objects.all().delete()
        rows._raw_delete(rows.db)
    else:
        rows.update(is_active=False)

    answer = api.get(path, token)

    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
    assert 'error="invalid_token"' in answer["WWW-Authenticate"]


def test_the_error_for_a_row_that_is_gone_is_none_that_others_swallow(lazy: Any, ada: Person) -> None:
    get_user_model()._default_manager.filter(pk=ada.user.pk).update(is_active=False)

    with pytest.raises(InvalidToken):
        hasattr(lazy, "is_active")
    with pytest.raises(InvalidToken):
        engines["django"].from_string("{{ user.is_active }}").render({"user": lazy})


@pytest.mark.parametrize(
    "sub", ["", " 1", "1 ", "01", "+1", "1.0", "١", "abc", "None", "true", "99999999999999999999999"]
)
def test_only_the_text_that_we_wrote_is_a_primary_key(ada: Person, sub: str) -> None:
    token = replace(auth.verify(auth.login(ada.user).access_token), sub=sub)

    with pytest.raises(InvalidToken):
        load(LazyUser(token, refusal=lambda error: error))


def test_without_a_user_name_in_the_token_the_row_is_asked(api: Api, ada: Person, queries: Queries) -> None:
    with override_settings(IRONCLAD={"CLAIMS": lambda user, groups: {"username": None}}):
        lazy = auth.authenticate(api.login(ada)["access_token"])[0]
        with queries(1):
            assert lazy.get_username() == ada.name


@pytest.mark.django_db(transaction=True)
def test_auser_is_the_real_user(api: Api, ada: Person) -> None:
    token = api.login(ada)["access_token"]

    async def call(path: str) -> Any:
        answer = await AsyncClient().get(path, headers={"authorization": f"Bearer {token}"})
        await sync_to_async(connections.close_all)()
        return answer

    assert asyncio.run(call("/plain/async/profile/")).json() == {"active": True}
    get_user_model()._default_manager.filter(pk=ada.user.pk).update(is_active=False)
    assert asyncio.run(call("/plain/async/profile/")).status_code == 401


@pytest.mark.parametrize(
    ("path", "statements"),
    [
        ("/drf/members/", 0),
        ("/drf/function/", 0),
        ("/plain/", 0),
        ("/plain/login-required/", 0),
        ("/drf/profile/", 1),
        ("/plain/profile/", 1),
        ("/drf/strict/", 1),
        ("/plain/strict/", 1),
    ],
)
def test_what_a_request_costs(api: Api, ada: Person, path: str, statements: int) -> None:
    token = api.login(ada)["access_token"]

    with CaptureQueriesContext(connection) as context:
        assert api.get(path, token).status_code == 200

    assert len(context) == statements, [query["sql"] for query in context]
