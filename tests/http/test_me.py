"""`GET me/`."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ..conftest import Api, Person


def test_me_is_the_person_of_the_token(api: Api, person: Callable[..., Person], has_groups: bool, db: None) -> None:
    rosa = person("rosa", groups=("registrar",) if has_groups else ())
    token = api.login(rosa)["access_token"]

    body = api.get("/auth/me/", token).json()

    assert str(body["id"]) == str(rosa.user.pk)
    assert body["username"] == rosa.name
    assert body["email"] == "rosa@example.org"
    assert body["groups"] == (["registrar"] if has_groups else [])
    assert {"first_name", "last_name"} <= set(body)


def test_without_a_token_the_challenge_names_no_error(api: Api, db: None) -> None:
    answer = api.get("/auth/me/")

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == 'Bearer realm="api"'
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.parametrize("authorization", ["Bearer", "Bearer a b", "Bearer ä", "bearer garbage"])
def test_with_a_bad_token_the_challenge_says_so(api: Api, db: None, authorization: str) -> None:
    answer = api.get("/auth/me/", authorization=authorization)

    assert answer.status_code == 401
    assert answer.json()["error"] == "invalid_token"
    assert 'error="invalid_token"' in answer["WWW-Authenticate"]


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_is_read_in_any_case(api: Api, ada: Person, scheme: str) -> None:
    token = api.login(ada)["access_token"]

    assert api.get("/auth/me/", authorization=f"{scheme} {token}").status_code == 200


def test_a_token_in_the_url_means_nothing(api: Api, ada: Person) -> None:
    token = api.login(ada)["access_token"]

    assert api.get(f"/auth/me/?access_token={token}&token={token}").status_code == 401


def test_headers_that_claim_an_identity_mean_nothing(api: Api, ada: Person) -> None:
    assert api.get("/auth/me/", x_user=ada.name, remote_user=ada.name).status_code == 401


def test_a_head_request_is_answered_and_a_post_is_405(api: Api, ada: Person) -> None:
    token = api.login(ada)["access_token"]

    assert api.http.head("/auth/me/", headers={"authorization": f"Bearer {token}"}).status_code == 200
    assert api.post("/auth/me/").status_code == 405
