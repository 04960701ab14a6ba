"""Attacks that no request shows from outside: with a hand in the database, a clock of one's own, or our own key."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from asgiref.sync import async_to_sync
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password

from django_ironclad import auth, tokens
from django_ironclad.conf import get_key_ring
from django_ironclad.encoding import b64encode
from django_ironclad.errors import AccessDenied, InvalidToken
from django_ironclad.models import Session
from django_ironclad.requirements import Requirement
from django_ironclad.tokens import AccessToken
from tests.conftest import Api, Person, time_passes
from tests.test_revocation import Clock, clock, end_elsewhere, refused, sid_of  # noqa: F401 - a fixture

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
