"""What is stored and what is random, what follows from it, and where it is read."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection
from django.test import override_settings

from django_ironclad import auth
from django_ironclad.keyring.configured import get_refresh_secrets
from django_ironclad.models import Session
from django_ironclad.tokens.encoding import b64encode
from django_ironclad.tokens.refresh import RefreshToken

from ..conftest import PASSWORD, Api, Person
from ..tokens.test_keys import KEYS

pytestmark = pytest.mark.django_db


def spellings(value: Any) -> set[str]:
    data = bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()
    return {str(value), data.hex(), b64encode(data)} - {""}


def test_nothing_in_the_database_is_worth_a_token(api: Api, ada: Person) -> None:
    """Whoever has a copy of it tries every column, as it is and as the MAC of a token."""
    token = api.login(ada)["refresh_token"]
    row = Session.objects.values().get()
    user = get_user_model()._default_manager.filter(pk=ada.user.pk).values().get()
    found = {text for value in (*row.values(), *user.values()) for text in spellings(value)}
    assert len(found) > 20

    for text in found:
        for attempt in (text, f"{row['id']}.0.0.{text[:43]:A<43}"):
            assert api.refresh(attempt).status_code == 400
            assert api.get("/auth/me/", authorization=f"Bearer {text}").status_code == 401
    assert api.refresh(token).status_code == 200


def test_a_refresh_token_needs_the_servers_secret_and_the_rows_seed(api: Api, ada: Person) -> None:
    sid = api.login(ada)["refresh_token"].split(".")[0]
    secret, seed = get_refresh_secrets()[0], bytes(Session.objects.get().seed)
    token = RefreshToken(sid, 0, 0)
    assert len(seed) == len(secret) == 32

    for half in (
        {"secret": secret, "seed": b""},
        {"secret": secret, "seed": bytes(32)},
        {"secret": b"", "seed": seed},
        {"secret": bytes(32), "seed": seed},
        {"secret": seed, "seed": secret},
    ):
        assert api.refresh(token.encode(**half, realm="")).status_code == 400
    assert api.refresh(token.encode(secret=secret, seed=seed, realm="")).status_code == 200


def test_each_session_has_a_seed_and_each_token_a_name_of_its_own(api: Api, ada: Person) -> None:
    tokens = [auth.verify(api.login(ada)["access_token"]) for _ in range(20)]

    assert len({bytes(seed) for seed in Session.objects.values_list("seed", flat=True)}) == 20
    assert len({token.claims["jti"] for token in tokens}) == 20
    assert {len(token.claims["jti"]) for token in tokens} == {22}


class Replica:
    """Reads of sessions go to a database that is not even there."""

    def db_for_read(self, model: type[Any], **_: object) -> str | None:
        return "replica" if model is Session else None


def test_sessions_are_read_where_they_are_written(api: Api, ada: Person) -> None:
    """A replica may not know yet that a session ended: nothing of ours ever asks one."""
    with override_settings(DATABASE_ROUTERS=["tests.security.test_storage.Replica"]):
        tokens = api.login(ada)
        tokens |= api.refresh(tokens["refresh_token"]).json()
        for path in ("/auth/me/", "/auth/sessions/", "/drf/members/", "/drf/strict/", "/plain/strict/"):
            assert api.get(path, tokens["access_token"]).status_code == 200
        body = {"old_password": PASSWORD, "new_password": "an entirely other one 7"}
        bearer = {"authorization": f"Bearer {tokens['access_token']}"}
        answer = api.post("/auth/password/", body, **bearer)
        assert answer.status_code == 200
        tokens = answer.json()
        assert api.logout(tokens["refresh_token"]).status_code == 204
        assert api.refresh(tokens["refresh_token"]).status_code == 400


def test_no_index_holds_what_a_refresh_changes() -> None:
    changed = {"generation", "branch", "parent_branch", "rotated_at", "repeated", "doubts", "auth_hash"}
    columns = {field.name: field for field in Session._meta.concrete_fields}
    indexed = {name for index in Session._meta.indexes for name in index.fields}
    indexed |= {name for name, field in columns.items() if field.db_index or field.unique}

    assert changed <= columns.keys()
    assert indexed == {"id", "user", "revoked_at", "expires_at"}


@pytest.mark.django_db(transaction=True)
def test_the_migrations_go_back_and_forth(api: Api, ada: Person) -> None:
    try:
        call_command("migrate", "ironclad", "zero", verbosity=0)
        assert Session._meta.db_table not in connection.introspection.table_names()
    finally:
        call_command("migrate", "ironclad", verbosity=0)
    assert api.refresh(api.login(ada)["refresh_token"]).status_code == 200


def test_an_end_is_the_end_of_every_token_of_the_session(api: Api, ada: Person) -> None:
    """Whichever of them was ever seen: it is the session that ends, not the text of a token."""
    first, other = api.login(ada), api.login(ada)
    second = api.refresh(first["refresh_token"]).json()
    assert api.get("/drf/members/", second["access_token"]).status_code == 200

    api.logout(second["refresh_token"])

    for tokens in (first, second):
        assert api.get("/drf/members/", tokens["access_token"]).status_code == 401
    assert api.get("/drf/members/", other["access_token"]).status_code == 200


def test_a_token_says_of_a_user_the_name_and_the_groups_and_nothing_else(api: Api, ada: Person) -> None:
    claims = auth.verify(api.login(ada)["access_token"]).claims

    ours = {"iss", "aud", "sub", "client_id", "sid", "iat", "exp", "jti", "auth_time", "amr"}
    assert claims.keys() == ours | {"username", "groups"}
    said = str(dict(claims))
    ada.user.refresh_from_db()
    assert ada.user.password not in said
    assert Session.objects.get().auth_hash not in said


def test_no_two_signatures_share_a_nonce() -> None:
    """Whoever sees two that do has the key (r is all that a nonce leaves in a signature)."""
    assert len({KEYS["ES256"].sign(b"the same")[:32] for _ in range(500)}) == 500
