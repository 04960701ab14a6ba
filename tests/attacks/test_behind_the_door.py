"""Attacks that no request shows from outside: with a hand in the database, a clock of one's own, or our own key."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory, override_settings

from django_ironclad import auth, ninja, sessions, tokens, users
from django_ironclad.database.clocks import Now
from django_ironclad.decorators import requires
from django_ironclad.errors import (
    AccessDenied,
    GroupsLeftOut,
    InsufficientScope,
    InvalidCredentials,
    InvalidToken,
    IroncladError,
    OriginNotAllowed,
    TemporarilyUnavailable,
)
from django_ironclad.keyring.configured import get_key_ring, get_refresh_secrets, get_verifier
from django_ironclad.models import Session
from django_ironclad.requirements import Requirement
from django_ironclad.sessions import refresh
from django_ironclad.sockets.connection import Connection
from django_ironclad.sockets.handshake import BEARER, Handshake
from django_ironclad.sockets.handshake import read as read_handshake
from django_ironclad.tokens import AccessToken, verifier
from django_ironclad.tokens.encoding import b64encode
from django_ironclad.tokens.keys import Key, derive
from django_ironclad.tokens.refresh import RefreshToken
from tests.conftest import Api, Person, time_passes
from tests.http.test_cookies import NAME, Browser, Http2
from tests.sessions.test_revocation import Clock, clock, end_elsewhere, refused, sid_of  # noqa: F401 - a fixture

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_token_of_one_user_for_the_session_of_another_is_nobodys(
    api: Api, ada: Person, person: Callable[..., Person]
) -> None:
    said = dict(auth.verify(api.login(ada)["access_token"]).claims)
    own = tokens.issue(said, key=get_key_ring().signing_key)
    others = tokens.issue({**said, "sub": str(person("eve").user.pk)}, key=get_key_ring().signing_key)

    assert [api.get("/auth/me/", token).status_code for token in (own, others)] == [200, 401]


def test_on_the_event_loop_too_a_session_that_ended_elsewhere_is_over(api: Api, ada: Person, clock: Clock) -> None:  # noqa: F811
    given = api.login(ada)
    authenticate = async_to_sync(auth.aauthenticate)
    authenticate(given["access_token"])

    end_elsewhere(pk=sid_of(given))
    clock.now += 2.01
    with pytest.raises(InvalidToken, match="ended"):
        authenticate(given["access_token"])


def test_a_session_that_ended_minutes_ago_stays_over_with_every_read(api: Api, ada: Person, clock: Clock) -> None:  # noqa: F811
    token = api.login(ada)["access_token"]
    end_elsewhere()
    time_passes(minutes=2)

    for _ in range(40):
        assert refused(token)
        clock.now += 1.01


def test_a_password_that_a_statement_changed_ends_the_line(api: Api, ada: Person) -> None:
    stolen = api.login(ada)["refresh_token"]
    get_user_model()._default_manager.filter(pk=ada.user.pk).update(password=make_password("another one altogether"))

    assert api.refresh(stolen).status_code == 400


def test_who_is_deactivated_by_a_save_of_that_alone_is_out_at_once(api: Api, ada: Person) -> None:
    token = api.login(ada)["access_token"]
    ada.user.is_active = False
    ada.user.save(update_fields=["is_active"])

    assert refused(token)


def test_a_refresh_token_has_one_spelling(api: Api, ada: Person) -> None:
    good = api.login(ada)["refresh_token"]
    head, mac = good[:-43], good[-43:]

    assert [api.refresh(head + each).status_code for each in (mac.swapcase(), mac.lower(), mac)] == [400, 400, 200]


def test_who_logs_in_does_not_say_which_client_this_is(api: Api, ada: Person) -> None:
    given = api.login(ada, client_id="drf-jwt", session_lifetime=10**9, sub="1", groups=["registrar"])

    access = auth.verify(given["access_token"])
    assert (access.client_id, access.sub, access.groups) == (auth.FIRST_PARTY, str(ada.user.pk), ())
    assert api.post("/api-token-refresh/", {"token": given["access_token"]}).status_code == 400


@pytest.mark.parametrize("header", ["Bearer {0} {0}", "Bearer {0}, Bearer {0}", "Bearer {0} garbage", "Bearer {0},"])
def test_of_two_tokens_none_is_taken(api: Api, ada: Person, header: str) -> None:
    token = api.login(ada)["access_token"]

    assert api.get("/auth/me/", authorization=f"Bearer {token}").status_code == 200
    assert api.get("/auth/me/", authorization=header.format(token)).status_code == 401


def test_a_body_is_read_up_to_8_kib(api: Api, ada: Person) -> None:
    body = json.dumps({"username": ada.name, "password": ada.password})

    def status(length: int) -> int:
        return api.http.post("/auth/login/", body.ljust(length), content_type="application/json").status_code

    assert [status(8192), status(8193)] == [200, 400]


def test_a_key_in_the_header_verifies_nothing(api: Api, ada: Person) -> None:
    """CVE-2018-0114."""
    payload = api.login(ada)["access_token"].split(".")[1]
    stranger = Ed25519PrivateKey.generate()
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": b64encode(stranger.public_key().public_bytes_raw())}
    signed = f"{b64encode(json.dumps({'alg': 'EdDSA', 'typ': 'at+jwt', 'jwk': jwk}).encode())}.{payload}"

    with pytest.raises(InvalidToken):
        auth.verify(f"{signed}.{b64encode(stranger.sign(signed.encode()))}")


def test_my_other_devices_are_nobody_elses(api: Api, ada: Person, person: Callable[..., Person]) -> None:
    mine, other, eves = api.login(ada), api.login(ada), api.login(person("eve"))
    answer = api.http.delete("/auth/sessions/", headers={"authorization": f"Bearer {mine['access_token']}"})

    assert answer.status_code == 204
    assert [refused(each["access_token"]) for each in (mine, other, eves)] == [False, True, False]


def test_a_cookie_of_another_host_signs_nobody_out_over_http_2(ada: Person) -> None:
    """A browser may then send each in a field of its own."""
    with override_settings(SESSION_COOKIE_SECURE=True):
        browser = Browser()
        browser.login(ada)
        mine = f"{NAME}={browser.cookie}"
        for fields in (("tossed=1", mine), (mine, "tossed=1")):
            assert Http2().send("refresh", *fields).json().get("username") == ada.name


def test_a_logout_afterwards_hides_no_theft(api: Api, ada: Person) -> None:
    stolen = api.login(ada)["refresh_token"]
    Session.objects.update(generation=2)
    assert api.refresh(stolen).status_code == 400
    time_passes(minutes=1)
    before = Session.objects.values("revoked_at", "revoked_reason").get()

    assert api.logout(stolen).status_code == 204
    assert before["revoked_reason"] == "refresh_token_reused"
    assert Session.objects.values("revoked_at", "revoked_reason").get() == before


def test_a_group_does_not_stand_for_a_permission(api: Api, ada: Person) -> None:
    said = dict(auth.verify(api.login(ada)["access_token"]).claims)
    registrar = AccessToken.of({**said, "groups": ["registrar"]})
    auth.authorize(ada.user, registrar, Requirement(group="registrar"))

    with pytest.raises(AccessDenied, match="add_note"):
        auth.authorize(ada.user, registrar, Requirement(group="registrar", permission="campus.add_note"))


def test_of_several_scopes_one_is_not_enough(api: Api, ada: Person) -> None:
    said = dict(auth.verify(api.login(ada)["access_token"]).claims)
    reader = AccessToken.of({**said, "scope": "read"})
    auth.authorize(ada.user, reader, Requirement(scope="read"))

    with pytest.raises(InsufficientScope):
        auth.authorize(ada.user, reader, Requirement(scope="read write"))


def test_who_is_refused_is_told_how_to_come_back(api: Api, ada: Person) -> None:
    """RFC 6750 §3."""
    said = dict(auth.verify(api.login(ada)["access_token"]).claims)
    old = tokens.issue({**said, "iat": said["iat"] - 900, "exp": said["exp"] - 900}, key=get_key_ring().signing_key)

    assert api.get("/auth/me/")["WWW-Authenticate"] == 'Bearer realm="api"'
    assert 'error="invalid_token"' in api.get("/auth/me/", old)["WWW-Authenticate"]


def test_who_was_deactivated_logs_in_by_no_means(person: Callable[..., Person]) -> None:
    with pytest.raises(InvalidCredentials):
        auth.login(person("alan", is_active=False).user)


def test_who_was_deactivated_by_a_statement_is_nobody_once_the_row_is_read(api: Api, ada: Person) -> None:
    user, _ = auth.authenticate(api.login(ada)["access_token"])
    get_user_model()._default_manager.filter(pk=ada.user.pk).update(is_active=False)

    with pytest.raises(InvalidToken, match="inactive"):
        users.load(user)


def test_who_takes_over_a_name_takes_over_nobody(api: Api, ada: Person, person: Callable[..., Person]) -> None:
    token, eve = api.login(ada)["access_token"], person("eve").user
    field = get_user_model().USERNAME_FIELD
    for user, name in ((ada.user, "lovelace"), (eve, ada.name)):
        get_user_model()._default_manager.filter(pk=user.pk).update(**{field: name})

    assert users.load(auth.authenticate(token)[0]).pk == ada.user.pk


def test_a_connection_that_stays_open_is_over_with_its_session(api: Api, ada: Person) -> None:
    given = api.login(ada)
    access = auth.verify(given["access_token"])
    auth.recheck(access)
    api.logout(given["refresh_token"])

    with pytest.raises(InvalidToken, match="ended"):
        auth.recheck(access)


def test_an_empty_fallback_is_no_key(api: Api, ada: Person) -> None:
    said = dict(auth.verify(api.login(ada)["access_token"]).claims)
    forged = tokens.issue(said, key=Key.from_secret(derive("", "access token HS256")))

    with override_settings(SECRET_KEY_FALLBACKS=[""]), pytest.raises((ImproperlyConfigured, InvalidToken)):
        auth.verify(forged)


def test_a_secret_is_not_published(api: Api) -> None:
    assert api.get("/auth/jwks.json").json() == {"keys": []}


def test_a_key_that_somebody_could_pay_for_is_none() -> None:
    short = rsa.generate_private_key(65537, 1024).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    with pytest.raises(ValueError, match="2048"):
        Key.from_pem(short.decode())


def test_what_was_seen_under_a_key_is_forgotten_with_it(api: Api, ada: Person) -> None:
    token = api.login(ada)["access_token"]
    auth.verify(token)

    with override_settings(SECRET_KEY="another-secret-key-of-the-tests-only-7f3b9c1e5d"), pytest.raises(InvalidToken):
        auth.verify(token)
    assert auth.verify(token).sub == str(ada.user.pk)


def test_whoever_collects_tokens_fills_no_memory(api: Api, ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifier, "REMEMBERED", 5)
    said, known = dict(auth.verify(api.login(ada)["access_token"]).claims), get_verifier()

    for number in range(50):
        auth.verify(tokens.issue({**said, "jti": str(number)}, key=get_key_ring().signing_key))
    assert len(known._recent) + len(known._older) <= 10


@pytest.mark.parametrize("path", ["/plain/strict/", "/drf/strict/"])
def test_a_strict_view_lets_nobody_in_whose_session_ended_a_moment_ago(api: Api, ada: Person, path: str) -> None:
    given = api.login(ada)
    before = api.get(path, given["access_token"]).status_code
    end_elsewhere(pk=sid_of(given))

    assert [before, api.get(path, given["access_token"]).status_code] == [200, 401]


def test_an_async_view_that_requires_something_requires_it() -> None:
    @requires(scope="read")
    async def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse("secret")

    request: Any = RequestFactory().get("/")
    request.user, request.auth = AnonymousUser(), None

    assert async_to_sync(view)(request).status_code == 401


def test_a_connection_goes_on_as_the_same_person_with_the_same_rights(
    api: Api, ada: Person, person: Callable[..., Person]
) -> None:
    rosa = person("rosa", groups=("registrar",))
    first = api.login(rosa)
    same = api.refresh(first["refresh_token"]).json()
    rosa.user.groups.clear()
    less = api.refresh(same["refresh_token"]).json()
    others = api.login(person("tom", groups=("registrar",)))
    connection = Connection()

    async def renewed_by(token: str) -> bool:
        try:
            await connection.renew(token)
        except IroncladError:
            return False
        return True

    async def scenario() -> list[bool]:
        await connection.admit(first["access_token"])
        await connection.require(Requirement(group="registrar"))
        return [await renewed_by(each["access_token"]) for each in (same, less, others)]

    assert async_to_sync(scenario)() == [True, False, False]


HANDSHAKE = {"type": "websocket", "path": "/", "query_string": b"", "scheme": "wss", "server": ("testserver", 443)}


def handshake(*subprotocols: str, query: bytes = b"", **headers: str) -> Handshake:
    given = {"host": "testserver"} | headers
    pairs = [(name.encode(), value.encode()) for name, value in given.items()]
    return read_handshake(HANDSHAKE | {"headers": pairs, "query_string": query, "subprotocols": list(subprotocols)})


def test_a_page_of_another_site_opens_no_websocket() -> None:
    """CVE-2023-26114, and whoever else forgot the Origin."""
    assert handshake(BEARER, "a.token", origin="https://testserver").token == "a.token"

    for origin in ("https://evil.example", "http://testserver", "https://testserver.evil.example", "null"):
        with pytest.raises(OriginNotAllowed):
            handshake(BEARER, "a.token", origin=origin)


def test_a_handshake_has_one_token_and_shows_it_to_nobody() -> None:
    assert handshake("chat", BEARER, "a.token") == Handshake("a.token", ["chat"], BEARER)
    assert handshake("chat", query=b"access_token=a.token&token=a.token").token == ""

    with pytest.raises(InvalidToken):
        handshake(BEARER, "another.token", authorization="Bearer a.token")


def test_a_foreign_form_acts_for_nobody_who_is_logged_in_by_djangos_session(api: Api, ada: Person) -> None:
    token = api.login(ada)["access_token"]
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(ada.user)

    assert browser.post("/plain/post/", headers={"authorization": f"Bearer {token}"}).status_code == 200
    assert browser.post("/plain/post/").status_code == 403


NOW = 1_800_000_000
SAID = {
    "iss": "i",
    "aud": "a",
    "sid": "s",
    "sub": "1",
    "client_id": "c",
    "jti": "j",
    "iat": NOW - 10,
    "exp": NOW + 290,
    "auth_time": NOW - 600,
}


@pytest.mark.parametrize(
    ("requirement", "enough", "too_little"),
    [
        (Requirement(scope="read"), {"scope": "read write"}, {"scope": "read:own reader"}),
        (Requirement(scope="read write"), {"scope": "write read"}, {"scope": "write"}),
        (Requirement(group="staff"), {"groups": ["staff"]}, {"groups": ["staff of another"]}),
        (Requirement(max_age=timedelta(seconds=60)), {"auth_time": NOW - 60}, {}),
        (Requirement(), {}, None),
    ],
    ids=["a scope", "two scopes", "a group", "a recent login", "a token"],
)
def test_what_is_required_is_there_whole(requirement: Requirement, enough: Any, too_little: Any) -> None:
    def token(more: Any) -> AccessToken | None:
        return None if more is None else AccessToken.of(SAID | more)

    requirement.check(None, token(enough), now=NOW, leeway=0)

    with pytest.raises(IroncladError):
        requirement.check(None, token(too_little), now=NOW, leeway=0)


def test_a_name_that_a_setting_has_lost_opens_nothing() -> None:
    for lost in ({"scope": ""}, {"group": ""}, {"permission": ""}):
        with pytest.raises(ValueError, match="empty"):
            Requirement(**lost)


def test_of_two_things_that_an_operation_requires_both_are_asked(api: Api, ada: Person) -> None:
    request: Any = RequestFactory().get("/", headers={"authorization": f"Bearer {api.login(ada)['access_token']}"})
    recent = ninja.requires_recent_login(max_age=timedelta(hours=1))
    assert recent(request)

    for guard in (recent & ninja.requires(scope="read"), ninja.requires(scope="read") & recent):
        with pytest.raises(InsufficientScope):
            guard(RequestFactory().get("/", headers={"authorization": request.headers["Authorization"]}))


def test_a_refresh_token_needs_the_servers_secret_and_the_rows_seed(api: Api, ada: Person) -> None:
    token = RefreshToken(api.login(ada)["refresh_token"].split(".")[0], 0, 0)
    secret, seed = get_refresh_secrets()[0], bytes(Session.objects.get().seed)

    for half in ({"secret": secret, "seed": b""}, {"secret": b"", "seed": seed}):
        assert api.refresh(token.encode(**half, realm="")).status_code == 400
    assert api.refresh(token.encode(secret=secret, seed=seed, realm="")).status_code == 200


def test_what_a_client_calls_itself_is_in_no_line_of_the_log(
    api: Api, ada: Person, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    api.http = Client(headers={"user-agent": "Mozilla/5.0 session_revoked root"})
    api.logout(api.login(ada)["refresh_token"])

    assert "session_started" in caplog.text
    assert "Mozilla" not in caplog.text


def test_a_thief_who_is_found_out_reads_what_a_guesser_reads(api: Api, ada: Person) -> None:
    stolen = api.login(ada)["refresh_token"]
    Session.objects.update(generation=2)
    guessed = api.refresh(stolen[:-43] + "A" * 43)
    found_out = api.refresh(stolen)

    assert Session.objects.get().revoked_reason == "refresh_token_reused"
    assert (found_out.status_code, found_out.content) == (guessed.status_code, guessed.content)


@pytest.mark.parametrize(
    "meanwhile",
    [{"generation": 5}, {"revoked_at": Now(), "revoked_reason": "logout"}],
    ids=["others refresh", "a logout"],
)
def test_what_happens_between_the_read_and_the_write_of_a_refresh_is_not_undone(
    api: Api, ada: Person, monkeypatch: pytest.MonkeyPatch, meanwhile: dict[str, Any]
) -> None:
    token, decide = api.login(ada)["refresh_token"], refresh.decide

    def late(*args: Any, **kwargs: Any) -> Any:
        Session.objects.update(**meanwhile)
        return decide(*args, **kwargs)

    monkeypatch.setattr(refresh, "decide", late)

    assert api.refresh(token).status_code == 400
    assert Session.objects.get().revoked_at is not None


def test_a_repeat_between_the_read_and_the_write_of_a_refresh_is_a_doubt_that_stays(
    api: Api, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who was held up for a minute notes that two hold the token, of which the one who uses it has read nothing."""
    first = api.login(ada)["refresh_token"]
    current, decide = api.refresh(first).json()["refresh_token"], refresh.decide
    time_passes(minutes=1)
    waiting = [lambda: api.refresh(first)]

    def late(*args: Any, **kwargs: Any) -> Any:
        if waiting:
            act = waiting.pop()
            time_passes(seconds=-55)
            assert act().json()["refresh_token"] == current
            time_passes(seconds=55)
        return decide(*args, **kwargs)

    monkeypatch.setattr(refresh, "decide", late)

    assert api.refresh(current).status_code == 200
    row = Session.objects.get()
    assert (row.generation, row.doubts, row.repeated) == (2, 1, False)


def test_a_branch_that_died_is_nobodys_parent(api: Api, ada: Person) -> None:
    first = api.login(ada)["refresh_token"]
    lost = api.refresh(first).json()["refresh_token"]
    time_passes(hours=3)
    late = api.refresh(first).json()["refresh_token"]
    time_passes(minutes=1)

    assert [api.refresh(token).status_code for token in (late, lost)] == [200, 400]


def test_who_comes_seconds_after_the_victim_each_time_is_found_at_the_fourth(api: Api, ada: Person) -> None:
    token = stolen = api.login(ada)["refresh_token"]
    for turn in range(1, 20):  # noqa: B007 - how far it came
        answers = [api.refresh(token), api.refresh(stolen)]
        if [answer.status_code for answer in answers] != [200, 200]:
            break
        token, stolen = (
            answer.json().get("refresh_token", before) for answer, before in zip(answers, (token, stolen), strict=True)
        )
        time_passes(minutes=5)

    assert turn == 4
    assert Session.objects.get().revoked_reason == "refresh_token_reused"


@pytest.mark.parametrize("in_step", [1, 3, 12, 99])
def test_who_comes_before_the_victim_with_the_old_token_each_time_is_found_by_the_fourteenth(
    api: Api, ada: Person, in_step: int
) -> None:
    """15 s before, so that the victim is told no refresh token; each `in_step` turns 5 s before, so that both are."""
    token = stolen = api.login(ada)["refresh_token"]
    late = 0
    for turn in range(1, 100):  # noqa: B007 - how far it came
        ours = api.refresh(stolen)
        time_passes(seconds=5 if late == in_step else 15)
        theirs = api.refresh(token)
        if {ours.status_code, theirs.status_code} != {200}:
            break
        if told := theirs.json().get("refresh_token"):
            token = stolen = told
            late = 0
        else:
            late += 1
        time_passes(minutes=5)

    assert turn <= 14
    assert Session.objects.get().revoked_reason == "refresh_token_reused"


def test_who_makes_the_claims_fail_makes_nobody_lose_an_answer(api: Api, ada: Person) -> None:
    """Each refresh that fails after the row has moved is a lost answer; the thirteenth in a row would be a theft."""

    def claims(user: object, groups: list[str]) -> dict[str, Any]:
        raise RuntimeError("away")

    token = api.login(ada)["refresh_token"]
    with override_settings(IRONCLAD={"CLAIMS": claims}):
        for _ in range(15):
            with pytest.raises(RuntimeError, match="away"):
                auth.refresh(token)
            time_passes(minutes=5)

    assert api.refresh(token).status_code == 200
    row = Session.objects.get()
    assert (row.generation, row.doubts) == (1, 0)


def test_who_keeps_the_database_from_answering_keeps_no_session_alive(api: Api, ada: Person, clock: Clock) -> None:  # noqa: F811
    token = api.login(ada)["access_token"]
    auth.authenticate(token)

    def gone(*args: Any) -> None:
        raise OperationalError("the database is gone")

    with connection.execute_wrapper(gone):
        for _ in range(30):
            clock.now += 1
            auth.authenticate(token)
        clock.now += 1
        with pytest.raises(TemporarilyUnavailable):
            auth.authenticate(token)


def test_a_device_that_may_little_may_no_more_after_a_refresh(api: Api, ada: Person) -> None:
    """RFC 6749 §6."""
    with override_settings(IRONCLAD={"SCOPES": lambda user, groups: ["read", "write"]}):
        narrow = api.login(ada, scope="read")
        later = api.refresh(narrow["refresh_token"]).json()

        assert [auth.verify(each["access_token"]).scope for each in (narrow, later)] == [{"read"}] * 2


def in_many_groups(person: Callable[..., Person], name: str, *groups: str) -> str:
    """The token of somebody who is in these groups, and in more than it can say."""
    from django.contrib.auth.models import Group

    somebody = person(name, groups=groups)
    somebody.user.groups.add(*[Group.objects.get_or_create(name=f"{'choir ' * 8}{number}")[0] for number in range(60)])
    return auth.login(somebody.user).access_token


def test_who_is_kept_out_as_one_of_a_group_does_not_come_in_by_joining_many_others(
    person: Callable[..., Person],
) -> None:
    access = auth.verify(in_many_groups(person, "eve", "quarantined"))
    try:
        comes_in = "quarantined" not in access.groups
    except GroupsLeftOut:
        comes_in = False

    assert not comes_in


def test_who_is_in_many_groups_is_not_in_every_group(person: Callable[..., Person]) -> None:
    user, access = auth.authenticate(in_many_groups(person, "rosa", "registrar"))
    auth.authorize(user, access, Requirement(group="registrar"))

    with pytest.raises(AccessDenied):
        auth.authorize(*auth.authenticate(in_many_groups(person, "eve")), Requirement(group="registrar"))


def test_who_is_in_many_groups_and_was_logged_out_is_in_none_of_them(person: Callable[..., Person]) -> None:
    user, access = auth.authenticate(in_many_groups(person, "rosa", "registrar"))
    sessions.revoke_all(user, reason="administrator")

    with pytest.raises(InvalidToken):
        auth.authorize(user, access, Requirement(group="registrar"))


def test_on_the_event_loop_too_the_groups_that_a_token_leaves_out_are_asked_for(
    person: Callable[..., Person],
) -> None:
    user, access = auth.authenticate(in_many_groups(person, "eve"))

    with pytest.raises(AccessDenied):
        async_to_sync(auth.aauthorize)(user, access, Requirement(group="registrar"))


def test_no_project_lets_its_users_say_who_acts_or_by_which_key(ada: Person) -> None:
    """RFC 8693 §4.1, RFC 7800 §3: claims by which others will judge."""
    for claim in ("act", "cnf", "realm", "acr"):
        with (
            override_settings(IRONCLAD={"CLAIMS": lambda user, groups, claim=claim: {claim: {"sub": "1"}}}),
            pytest.raises(ImproperlyConfigured),
        ):
            auth.login(ada.user)


def test_what_is_called_a_group_and_is_none_opens_nothing() -> None:
    """Teams with titles, groups by wish: only a relation to Django's groups is membership, and only one of them."""
    done = run_user_models("other_groups", "groups_of_several_meanings", "groups_of_a_proxy")
    assert {step for went in done.values() for step, error in went.items() if error} == set()


def run_user_models(*names: str) -> dict[str, dict[str, str]]:
    command = [sys.executable, "-m", "tests.user_models.run", *names]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, timeout=120, check=True)
    return {name: told["went"] for name, told in json.loads(done.stdout).items()}
