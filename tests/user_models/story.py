"""What Ada does, whatever her user model is: each step is a test, and tells of itself what went wrong."""

from __future__ import annotations

import json
import logging
import pickle
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import connections
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import include, path
from django.utils.html import escape

from django_ironclad import auth, testing, tokens
from django_ironclad.decorators import requires
from django_ironclad.errors import GroupsLeftOut, InvalidToken
from django_ironclad.keyring.configured import get_key_ring
from django_ironclad.models import Session
from django_ironclad.users import load

from .kinds import KINDS, Kind

PASSWORD = "correct horse battery staple"
KEYS_OF_TEXT = {KINDS["char"].sub}


@requires(group="registrar")
def registrars(request: HttpRequest) -> HttpResponse:
    return HttpResponse(status=204)


def urlpatterns() -> list[Any]:
    from django.contrib import admin

    return [
        path("auth/", include("django_ironclad.urls")),
        path("admin/", admin.site.urls),
        path("registrars/", registrars),
    ]


class Ada:
    """She, and what she and others do."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.model: Any = get_user_model()
        self.user = self.make(kind.row, kind.person)
        self.http = Client(headers={"origin": "http://testserver"})
        self.password = PASSWORD
        #: What JSON a client got to see.
        self.wire: dict[str, Any] = {}

    def make(self, row: dict[str, Any], person: dict[str, Any] | None, **more: Any) -> Any:
        if person:
            more["person"] = self.model._meta.get_field("person").related_model.objects.create(**person)
        user = self.model(**row, **more)
        user.set_password(PASSWORD)
        user.save()
        return user

    def post(self, address: str, body: dict[str, Any], token: str = "") -> Any:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        return self.http.post(address, json.dumps(body), content_type="application/json", headers=headers)

    def get(self, address: str, token: str, method: str = "get") -> Any:
        return getattr(self.http, method)(address, headers={"authorization": f"Bearer {token}"})

    def login(self, name: str | None = None) -> dict[str, Any]:
        name = self.kind.typed if name is None else name
        answer = self.post("/auth/login/", {"username": name, "password": self.password})
        assert answer.status_code == 200, answer.content
        return dict(answer.json())

    def joins(self, *names: str) -> None:
        relation: Any = getattr(self.model, self.kind.groups).field
        known = set(Group.objects.values_list("name", flat=True))
        Group.objects.bulk_create(Group(name=name) for name in names if name not in known)
        groups = list(relation.related_model.objects.filter(name__in=names))
        if relation.many_to_many:
            getattr(self.user, self.kind.groups).add(*groups)
        else:
            self.model._base_manager.filter(pk=self.user.pk).update(**{self.kind.groups: groups[0]})

    def leaves(self) -> None:
        relation: Any = getattr(self.model, self.kind.groups).field
        if relation.many_to_many:
            getattr(self.user, self.kind.groups).clear()
        else:
            self.model._base_manager.filter(pk=self.user.pk).update(**{self.kind.groups: None})

    def queries(self) -> CaptureQueriesContext:
        return CaptureQueriesContext(connections[self.kind.database])


def logs_in(ada: Ada) -> None:
    body = ada.login()
    claims = auth.verify(body["access_token"]).claims
    ada.wire |= {"login": body, "claims": dict(claims)}

    assert body["username"] == ada.kind.username
    assert claims["sub"] == ada.kind.sub
    assert claims["username"] == ada.kind.username
    assert claims["groups"] == ()


def logs_in_by_the_name_of_the_field(ada: Ada) -> None:
    field = ada.model.USERNAME_FIELD
    answer = ada.post("/auth/login/", {field: ada.kind.typed, "password": PASSWORD})
    assert answer.status_code == 200, answer.content


def is_nobody_by_any_other_name(ada: Ada) -> None:
    for name in ada.kind.nobody:
        answer = ada.post("/auth/login/", {"username": name, "password": PASSWORD})
        assert answer.status_code == (401 if name else 400), (name, answer.content)


def refreshes(ada: Ada) -> None:
    body = ada.login()
    answer = ada.post("/auth/refresh/", {"refresh_token": body["refresh_token"]})
    assert answer.status_code == 200, answer.content
    assert answer.json()["username"] == ada.kind.username
    assert auth.verify(answer.json()["access_token"]).sub == ada.kind.sub
    ada.wire["refresh"] = answer.json()


def asks_who_she_is(ada: Ada) -> None:
    answer = ada.get("/auth/me/", ada.login()["access_token"])
    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert (body["id"], type(body["id"])) == (ada.kind.id, type(ada.kind.id))
    assert body["username"] == ada.kind.username
    assert all(type(body[name]) is str for name in ("username", "email", "first_name", "last_name")), body
    assert body["groups"] == []
    ada.wire["me"] = body


def sees_and_ends_her_sessions(ada: Ada) -> None:
    Session.objects.all().delete()
    here, there, elsewhere = (ada.login()["access_token"] for _ in range(3))
    listed = ada.get("/auth/sessions/", here).json()["sessions"]
    ada.wire["sessions"] = listed
    assert [each["current"] for each in listed] == [each["id"] == auth.verify(here).sid for each in listed]
    assert len(listed) == 3
    assert ada.get(f"/auth/sessions/{auth.verify(there).sid}/", here, "delete").status_code == 204
    assert ada.get("/auth/me/", there).status_code == 401
    assert ada.get("/auth/sessions/", here, "delete").status_code == 204
    assert [ada.get("/auth/me/", token).status_code for token in (here, elsewhere)] == [200, 401]


def changes_her_password(ada: Ada) -> None:
    here, there = (ada.login()["access_token"] for _ in range(2))
    new = "an entirely other one 7"
    answer = ada.post("/auth/password/", {"old_password": ada.password, "new_password": new}, here)
    assert answer.status_code == 200, answer.content
    assert ada.get("/auth/me/", there).status_code == 401
    assert ada.post("/auth/login/", {"username": ada.kind.typed, "password": ada.password}).status_code == 401
    ada.password = new
    answer = ada.post("/auth/reauthenticate/", {"password": new}, ada.login()["access_token"])
    assert answer.status_code == 200, answer.content
    assert answer.json()["username"] == ada.kind.username
    ada.user.refresh_from_db()


def is_found_in_the_admin(ada: Ada) -> None:
    Session.objects.all().delete()
    ada.model._base_manager.filter(pk=ada.user.pk).update(is_staff=True, is_superuser=True)
    mine = auth.verify(ada.login()["access_token"]).sid
    staff = Client()
    staff.force_login(ada.user, "django.contrib.auth.backends.ModelBackend")
    for query, count in {"": 1, f"?q={ada.kind.username.strip()}": 1, "?q=somebody-else": 0, "?o=2": 1}.items():
        page = staff.get(f"/admin/ironclad/session/{query}")
        assert (page.status_code, page.context["cl"].result_count) == (200, count), query
        assert count == 0 or escape(ada.kind.username) in page.content.decode()
    page = staff.get(f"/admin/ironclad/session/{mine}/change/")
    assert page.status_code == 200
    assert escape(ada.kind.username) in page.content.decode()
    for action in ("end", "end_all_of_user"):
        auth.login(ada.user)
        living = Session.objects.live().values_list("pk", flat=True)
        done = staff.post("/admin/ironclad/session/", {"action": action, "_selected_action": living[:1]})
        assert done.status_code == 302, done.content
    assert not Session.objects.live().exists()
    Session.objects.update(user=None)
    assert staff.get("/admin/ironclad/session/").status_code == 200


def is_logged_in_by_the_test_kit(ada: Ada) -> None:
    given = testing.login(ada.user)
    assert given.on(Client()).get("/auth/me/").json()["id"] == ada.kind.id
    assert given.expired().on(Client()).get("/auth/me/").status_code == 401
    assert given.revoked().on(Client()).get("/auth/me/").status_code == 401
    if not ada.kind.groups:
        try:
            testing.login(ada.user, groups=["registrar"])
        except ValueError as error:
            assert "no relation" in str(error)  # noqa: PT017
            return
        raise AssertionError("somebody without groups joined one")
    assert testing.login(ada.user, groups=["registrar"]).on(Client()).get("/registrars/").status_code == 204
    assert given.user.pk == ada.user.pk
    ada.leaves()


def is_the_user_of_a_request(ada: Ada) -> None:
    from .models import Note

    token = ada.login()["access_token"]
    row = ada.model._default_manager.get(pk=ada.user.pk)
    with ada.queries() as queries:
        user, access = auth.authenticate(token)
        pk, name = user.pk, user.get_username() if ada.kind.lazy_name else None
    assert len(queries) == 0, queries.captured_queries
    assert (pk, type(pk)) == (row.pk, type(row.pk))
    assert name in (None, row.get_username())
    assert (user.get_username(), type(user.get_username())) == (row.get_username(), type(row.get_username()))
    for name in (ada.model.USERNAME_FIELD, "is_active"):
        assert getattr(auth.authenticate(token)[0], name) == getattr(row, name), name
    assert auth.authenticate(token)[0] == row
    assert hash(auth.authenticate(token)[0]) == hash(row)
    note = Note.objects.create(owner=auth.authenticate(token)[0])
    assert Note.objects.get(owner=auth.authenticate(token)[0]) == note
    assert note.owner_id == ada.user.pk
    again = pickle.loads(pickle.dumps(auth.authenticate(token)[0]))
    assert (type(again), again) == (ada.model, row)
    assert pickle.loads(pickle.dumps(access)) == access
    note.delete()


def is_strictly_checked(ada: Ada) -> None:
    token = ada.login()["access_token"]
    with ada.queries() as queries:
        user, access = auth.authenticate(token, strict=True)
    assert len(queries) == 1
    assert (user.pk, type(user), user.is_active) == (ada.user.pk, ada.model, True)
    assert access.groups == ()
    row = ada.model._base_manager.get(pk=ada.user.pk)
    for field in ada.model._meta.concrete_fields:
        assert getattr(user, field.attname) == getattr(row, field.attname), field.name


def is_nobody_by_another_spelling(ada: Ada) -> None:
    token = ada.login()["access_token"]
    claims = dict(auth.verify(token).claims)
    sub = ada.kind.sub
    for other in {f" {sub}", f"{sub} ", f"0{sub}", f"{sub}.0", sub.upper(), sub.replace("-", ""), "", "None"} - {sub}:
        forged = tokens.issue({**claims, "sub": other, "amr": []}, key=get_key_ring().signing_key)
        # By the strict check, and without; where keys are texts, this is another user's.
        for address in ("/auth/me/",) if sub in KEYS_OF_TEXT else ("/auth/me/", "/registrars/"):
            assert ada.get(address, forged).status_code == 401, (other, address)


def is_in_groups(ada: Ada) -> None:
    if not ada.kind.groups:
        assert ada.get("/registrars/", ada.login()["access_token"]).status_code == 403
        return
    before = ada.login()
    ada.joins("registrar")
    after = ada.login()["access_token"]
    ada.wire["claims of a registrar"] = {"groups": auth.verify(after).groups}
    assert auth.verify(after).groups == ("registrar",)
    assert ada.get("/auth/me/", after).json()["groups"] == ["registrar"]
    assert ada.get("/registrars/", after).status_code == 204
    assert ada.get("/registrars/", before["access_token"]).status_code == 403
    assert auth.authenticate(before["access_token"], strict=True)[1].groups == ("registrar",)
    ada.leaves()
    assert auth.authenticate(after, strict=True)[1].groups == ()


def is_in_more_groups_than_a_token_can_say(ada: Ada) -> None:
    if ada.kind.groups not in ("groups", "roles"):
        return
    names = [f"course-2026-autumn-{number:04d}-teachers" for number in range(170)]
    ada.joins("registrar", *names)
    body = ada.login()
    access = auth.verify(body["access_token"])
    assert "groups" not in access.claims
    assert access.claims["groups_left_out"] is True
    try:
        raise AssertionError(access.groups)
    except GroupsLeftOut as error:
        assert "auth.groups(request)" in str(error)  # noqa: PT017
    request = RequestFactory().get("/")
    request.user, request.auth = auth.authenticate(body["access_token"])  # type: ignore[attr-defined]
    assert auth.groups(request) == (*names, "registrar")
    assert ada.get("/registrars/", body["access_token"]).status_code == 204
    assert ada.post("/auth/refresh/", {"refresh_token": body["refresh_token"]}).status_code == 200
    assert len(ada.get("/auth/me/", body["access_token"]).json()["groups"]) == 171
    assert auth.authenticate(body["access_token"], strict=True)[1].groups == (*names, "registrar")
    ada.leaves()
    assert ada.get("/registrars/", body["access_token"]).status_code == 403


def is_named_in_the_log(ada: Ada) -> None:
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("django_ironclad")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        ada.login()
    finally:
        logger.removeHandler(handler)
    (line,) = (line for line in lines if line.startswith("session_started"))
    assert json.loads(line.partition(" ")[2])["user"] == ada.kind.sub


def is_deactivated(ada: Ada) -> None:
    body = ada.login()
    ada.user.is_active = False
    ada.user.save(update_fields=["is_active"])
    assert ada.get("/auth/me/", body["access_token"]).status_code == 401
    assert ada.post("/auth/refresh/", {"refresh_token": body["refresh_token"]}).status_code == 400
    ada.user.is_active = True
    ada.user.save(update_fields=["is_active"])


def is_hidden(ada: Ada) -> None:
    """Where the manager hides users."""
    if not hasattr(ada.model, "is_deleted"):
        return
    body = ada.login()
    ada.model._base_manager.filter(pk=ada.user.pk).update(is_deleted=True)
    assert ada.get("/auth/me/", body["access_token"]).status_code == 401
    try:
        load(auth.authenticate(body["access_token"])[0])
        raise AssertionError("somebody hidden is loaded")
    except InvalidToken:
        pass
    assert ada.post("/auth/refresh/", {"refresh_token": body["refresh_token"]}).status_code == 400
    ada.model._base_manager.filter(pk=ada.user.pk).update(is_deleted=False)


def is_deleted(ada: Ada) -> None:
    """At last."""
    body = ada.login()
    ada.model._base_manager.get(pk=ada.user.pk).delete()
    assert ada.get("/auth/me/", body["access_token"]).status_code == 401
    assert ada.post("/auth/refresh/", {"refresh_token": body["refresh_token"]}).status_code == 400
    assert ada.post("/auth/login/", {"username": ada.kind.typed, "password": ada.password}).status_code == 401


#: In this order: the last one ends it.
STEPS = [
    logs_in,
    logs_in_by_the_name_of_the_field,
    is_nobody_by_any_other_name,
    refreshes,
    asks_who_she_is,
    sees_and_ends_her_sessions,
    changes_her_password,
    is_logged_in_by_the_test_kit,
    is_the_user_of_a_request,
    is_strictly_checked,
    is_nobody_by_another_spelling,
    is_in_groups,
    is_in_more_groups_than_a_token_can_say,
    is_named_in_the_log,
    is_found_in_the_admin,
    is_deactivated,
    is_hidden,
    is_deleted,
]
