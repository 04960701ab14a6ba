"""Whatever a member of IRONCLAD is set to: the service works, or ImproperlyConfigured names the member."""

from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings
from hypothesis import example
from hypothesis import strategies as st

from django_ironclad.conf import Settings
from django_ironclad.keyring.configured import get_verifier
from django_ironclad.models import Session
from django_ironclad.sessions import issuing

from ..tokens.test_keys import PEMS, PUBLIC_PEMS
from . import for_all

anything = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.binary(max_size=20),
    st.timedeltas(),
    st.timedeltas(timedelta(0), timedelta(minutes=2)),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
    st.sampled_from([object(), Path("nowhere"), ..., Exception("x"), {"body"}, b"-----BEGIN "]),
)
paths = st.text(".abc\0é ", max_size=6) | st.sampled_from(
    ["os.path", "os.sep", "sys", "tests.nowhere.x", "django_ironclad.conf.no_claims"]
)
#: What is nearly right.
likely = {
    "KEYS": st.lists(
        st.sampled_from([*PEMS.values(), *PUBLIC_PEMS.values(), *(pem.encode()[:-30] for pem in PEMS.values())])
        | st.text(max_size=8)
        | st.just("-----BEGIN \ud800 PRIVATE KEY-----"),
        max_size=3,
    ),
    "TRANSPORTS": st.lists(st.sampled_from(["body", "cookie", "header"]), max_size=3),
    "COOKIE_NAME": st.text("aZ9-_=; é", max_size=4),
    "COOKIE_SAMESITE": st.sampled_from(["Strict", "Lax", "None", "none"]),
    "CLAIMS": paths,
    "SCOPES": paths,
}
members = st.sampled_from([*Settings.__dataclass_fields__]).flatmap(
    lambda name: st.tuples(st.just(name), likely.get(name, anything) | anything)
)


def service_starts_and_issues() -> None:
    """What the app does when it starts, and a login and a request after it."""
    apps.get_app_config("ironclad").ready()
    user = get_user_model()(pk=1, **{get_user_model().USERNAME_FIELD: "ada@example.org"})
    session = Session(pk=uuid.uuid4(), client_id="c", auth_time=datetime.now(UTC))
    answer = issuing.issue(session, user, [])
    access = get_verifier().verify(answer.access_token, now=time.time())
    assert access.sid == str(session.pk)


@for_all(500, member=members)
@example(member=("CLAIMS", ".a"))
@example(member=("SCOPES", "..a"))
@example(member=("CLAIMS", "os.sep"))
@example(member=("ISSUER", "\ud800"))
@example(member=("AUDIENCE", "a" * 9000))
@example(member=("KEYS", ["\0"]))
@example(member=("SCOPES", lambda user, groups: None))
@example(member=("SCOPES", lambda user, groups: ["a", 1]))
@example(member=("CLAIMS", lambda user, groups: None))
@example(member=("CLAIMS", lambda user, groups: {"sub": "2"}))
@example(member=("CLAIMS", lambda user, groups: {"groups": "a"}))
@example(member=("CLAIMS", lambda user, groups: {1: {2}}))
def test_any_value_of_any_member_works_or_is_an_error_that_names_it(member: tuple[str, Any]) -> None:
    name, value = member
    with override_settings(IRONCLAD={name: value}):
        try:
            service_starts_and_issues()
        except ImproperlyConfigured as error:
            assert "IRONCLAD[" in str(error)  # noqa: PT017 - or nothing is raised at all
            assert f"['{name}']" in str(error)  # noqa: PT017
