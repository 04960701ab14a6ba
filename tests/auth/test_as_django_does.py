"""A login goes as Django's own does: names, backends, and whose password may be changed here."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import get_user_model
from django.contrib.auth.backends import AllowAllUsersModelBackend, ModelBackend, RemoteUserBackend
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.hashers import PBKDF2PasswordHasher, make_password
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.core.exceptions import PermissionDenied
from django.db.models.signals import pre_save
from django.http import HttpRequest
from django.test import modify_settings, override_settings
from django.views.debug import ExceptionReporter
from rest_framework.request import Request

from django_ironclad import auth, testing
from django_ironclad.errors import InvalidCredentials
from django_ironclad.models import Session

from ..conftest import PASSWORD, Api, Person

pytestmark = pytest.mark.django_db
HERE = "tests.auth.test_as_django_does"
MODEL = "django.contrib.auth.backends.ModelBackend"
AXES = "axes.backends.AxesStandaloneBackend"


def login(api: Api, name: str, password: str = PASSWORD) -> Any:
    return api.post("/auth/login/", {"username": name, "password": password})


def asked(credentials: dict[str, Any]) -> Any:
    return get_user_model()._default_manager.filter(**credentials).first()


class ByUsername:
    """As most tutorials write one, whatever the name's column is called."""

    def authenticate(self, request: Any, username: str = "", password: str = "") -> Any:
        return asked({get_user_model().USERNAME_FIELD: username}) if password == "company" else None


class ByEmail:
    """As one is written for a user model whose name is an e-mail address."""

    def authenticate(self, request: Any, email: str = "", password: str = "") -> Any:
        return asked({"email": email}) if password == "by e-mail" else None


class ByUsernameAndMore:
    """As django-auth-ldap's: it takes whatever it is told, and reads one of it."""

    def authenticate(self, request: Any, username: str | None = None, password: str = "", **others: Any) -> Any:
        return username and ByUsername().authenticate(request, username, password)


class ByEmailAndMore:
    def authenticate(self, request: Any, email: str | None = None, password: str = "", **others: Any) -> Any:
        return email and ByEmail().authenticate(request, email, password)


class ByPosition:
    def authenticate(self, request: Any, username: str, /, password: str) -> Any:
        raise AssertionError("nobody can call this by the names of its arguments")


class ByCode:
    """Asks for something that no login of ours has."""

    def authenticate(self, request: Any, *, code: str) -> Any:
        raise AssertionError("there is no code")


class Forbids:
    def authenticate(self, request: Any, **credentials: Any) -> Any:
        raise PermissionDenied


class Requests:
    """Asks the request, as one does that goes by host or address."""

    def authenticate(self, request: Any, username: str = "", password: str = "") -> Any:
        assert isinstance(request, HttpRequest)
        return asked({get_user_model().USERNAME_FIELD: username}) if request.headers.get("X-Realm") == "x" else None


class Directory:
    """Where passwords are kept elsewhere."""

    def authenticate(self, request: Any, username: str = "", password: str = "") -> Any:
        return asked({get_user_model().USERNAME_FIELD: username}) if password == "directory" else None


NAMES = {
    "composed and decomposed": ("josé", "jose\u0301"),
    "a blank after it": ("ada", "ada "),
    "blanks of other scripts": ("ada", "\u3000ada\u00a0"),
    "full width": ("ada", "\uff41\uff44\uff41"),
    "a ligature": ("ffion", "\ufb00ion"),
    "upper case": ("ada", "Ada"),
    "a blank within": ("ada", "a da"),
}


@pytest.mark.parametrize(("stored", "typed"), NAMES.values(), ids=NAMES)
def test_a_name_is_taken_as_djangos_own_form_takes_it(api: Api, person: Any, stored: str, typed: str) -> None:
    if get_user_model().USERNAME_FIELD == "email":
        pytest.skip("no address is written so")
    person(stored)
    form = AuthenticationForm(None, {"username": typed, "password": PASSWORD})

    answer = login(api, typed)

    assert (answer.status_code == 200) == form.is_valid()
    if form.is_valid():
        assert answer.json()["username"] == stored


@pytest.mark.parametrize("typed", [" ", "\u3000", "\u00a0\u2003"])
def test_a_blank_name_is_none(api: Api, db: None, typed: str) -> None:
    answer = login(api, typed)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_a_name_that_grows_when_it_is_normalized_is_too_long_for_any_column(api: Api, db: None) -> None:
    with override_settings(AXES_ENABLED=True):
        answer = login(api, "\ufdfa" * 254)

    assert answer.status_code == 400
    assert "longer than" in answer.json()["error_description"]


def test_passwords_are_not_normalized(api: Api, ada: Person) -> None:
    ada.user.set_password(" jose\u0301 ")
    ada.user.save()

    typed = (" jose\u0301 ", " jos\u00e9 ", "jose\u0301")
    assert [login(api, ada.name, each).status_code for each in typed] == [200, 401, 401]


BACKENDS = {
    "by username": (["ByUsername"], "company"),
    "by e-mail": (["ByEmail"], "by e-mail"),
    "others in front": (["ByPosition", "ByCode", "ByUsername"], "company"),
    "axes in front of username": ([AXES, "ByUsername"], "company"),
    "axes in front of e-mail": ([AXES, "ByEmail"], "by e-mail"),
    "Django's and username": ([MODEL, "ByUsername"], "company"),
    "Django's and e-mail": ([MODEL, "ByEmail"], "by e-mail"),
    "Django's before others": (["ByUsername", MODEL], PASSWORD),
    "two axes": ([AXES, MODEL, "ByUsername"], "company"),
    "by username, and more": (["ByUsernameAndMore"], "company"),
    "by username, and more, before Django's": (["ByUsernameAndMore", MODEL], "company"),
    "by username, and more, behind axes": ([AXES, "ByUsernameAndMore", MODEL], "company"),
    "Django's before by username, and more": (["ByUsernameAndMore", MODEL], PASSWORD),
    "by e-mail, and more": (["ByEmailAndMore"], "by e-mail"),
    "by e-mail, and more, before Django's": (["ByEmailAndMore", MODEL], "by e-mail"),
    "by e-mail, and more, behind axes": ([AXES, "ByEmailAndMore", MODEL], "by e-mail"),
}


@pytest.mark.parametrize(("backends", "password"), BACKENDS.values(), ids=BACKENDS)
@pytest.mark.parametrize("path", ["/auth/login/", "/api-token-auth/"])
def test_a_backend_is_asked_by_whichever_name_it_knows(
    api: Api, ada: Person, backends: list[str], password: str, path: str
) -> None:
    field = get_user_model().USERNAME_FIELD
    if password == "by e-mail" and field != "email":
        pytest.skip("the name is no e-mail address")
    settings = [each if "." in each else f"{HERE}.{each}" for each in backends]
    with override_settings(AUTHENTICATION_BACKENDS=settings):
        answer = api.post(path, {field: ada.name, "password": password})

    assert answer.status_code == 200


def test_a_backend_that_forbids_ends_it(api: Api, ada: Person) -> None:
    failed: list[Any] = []

    def hear(credentials: Any, **_: Any) -> None:
        failed.append(credentials)

    user_login_failed.connect(hear)
    try:
        with override_settings(AUTHENTICATION_BACKENDS=[f"{HERE}.Forbids", MODEL]):
            answer = login(api, ada.name)
    finally:
        user_login_failed.disconnect(hear)

    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_credentials")
    assert [each[get_user_model().USERNAME_FIELD] for each in failed] == [ada.name]
    assert PASSWORD not in str(failed)


def test_a_backend_that_lets_inactive_users_in_begins_no_session(api: Api, person: Any) -> None:
    alan = person("alan", is_active=False)
    with override_settings(
        AUTHENTICATION_BACKENDS=[f"{AllowAllUsersModelBackend.__module__}.AllowAllUsersModelBackend"]
    ):
        answer = login(api, alan.name)

    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_credentials")
    assert not Session.objects.exists()


def test_a_remote_user_is_nobody_by_password_and_somebody_by_auth_login(api: Api, ada: Person) -> None:
    backend = f"{RemoteUserBackend.__module__}.RemoteUserBackend"
    with override_settings(AUTHENTICATION_BACKENDS=[backend]):
        assert login(api, ada.name).status_code == 401
        user = RemoteUserBackend().authenticate(HttpRequest(), remote_user=ada.name)
        assert api.get("/auth/me/", auth.login(user).access_token).status_code == 200


def test_a_backend_is_given_the_request(api: Api, ada: Person) -> None:
    with override_settings(AUTHENTICATION_BACKENDS=[f"{HERE}.Requests"]):
        bodies = {"username": ada.name, "password": PASSWORD}
        assert api.post("/auth/login/", bodies).status_code == 401
        assert api.post("/auth/login/", bodies, x_realm="x").status_code == 200


@pytest.mark.parametrize("looked_for", ["username", None])
def test_axes_counts_by_whichever_name_it_looks_for(api: Api, ada: Person, looked_for: str | None) -> None:
    """`username` is what a project says whose admin it guards as well."""
    field = looked_for or get_user_model().USERNAME_FIELD
    with override_settings(AXES_ENABLED=True, AXES_FAILURE_LIMIT=3, AXES_USERNAME_FORM_FIELD=field):
        codes = [login(api, ada.name, "wrong").status_code for _ in range(4)]
        codes.append(login(api, ada.name).status_code)

    assert codes == [401, 401, 429, 429, 429]


@override_settings(AXES_ENABLED=True, AXES_COOLOFF_TIME=timedelta(minutes=10))
def test_with_axes_a_project_logs_in_and_out_without_a_request(ada: Person) -> None:
    tokens = auth.login(ada.user)
    assert testing.login(ada.user).sid
    assert Session.objects.live().count() == 2

    auth.logout(tokens.refresh_token)
    assert Session.objects.live().count() == 1


def test_receivers_are_given_a_request_and_the_user_that_logs_in(ada: Person) -> None:
    heard: list[Any] = []

    def hear(sender: Any, request: Any, user: Any, **_: Any) -> None:
        heard.append((type(request), sender, user is ada.user, request.META.get("REMOTE_ADDR")))

    signals = (user_logged_in, user_logged_out)
    for signal in signals:
        signal.connect(hear)
    try:
        auth.logout(auth.login(ada.user).refresh_token)
    finally:
        for signal in signals:
            signal.disconnect(hear)

    assert heard[0] == (HttpRequest, type(ada.user), True, None)
    assert heard[1][0] is HttpRequest


class Audit:
    """Hears what receivers see, and after the view whose the request is."""

    seen: ClassVar[list[Any]] = []

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> Any:
        signals = (user_logged_in, user_logged_out)
        for signal in signals:
            signal.connect(self.hear)
        try:
            answer = self.get_response(request)
        finally:
            for signal in signals:
                signal.disconnect(self.hear)
        self.look("after", request)
        return answer

    def hear(self, signal: Any, request: Any, **_: Any) -> None:
        request.session["heard"] = True
        self.look("in" if signal is user_logged_in else "out", request)

    def look(self, when: str, request: Any) -> None:
        both = (request.user, async_to_sync(request.auser)())
        assert both[0].pk == both[1].pk
        self.seen.append((when, both[0].get_username()))


@pytest.fixture
def seen() -> Iterator[list[Any]]:
    Audit.seen.clear()
    with modify_settings(MIDDLEWARE={"append": f"{HERE}.Audit"}):
        yield Audit.seen


def test_receivers_and_middlewares_see_who_logs_in_and_out(api: Api, ada: Person, seen: list[Any]) -> None:
    tokens = login(api, ada.name).json()
    assert seen == [("in", ada.name), ("after", ada.name)]
    seen.clear()

    api.post("/auth/logout/", {"refresh_token": tokens["refresh_token"]})

    assert seen == [("out", ada.name), ("after", "")]


def test_a_login_that_comes_to_nothing_shows_nobody(api: Api, ada: Person, seen: list[Any]) -> None:
    def deactivate(user: Any, **_: Any) -> None:
        type(user)._default_manager.filter(pk=user.pk).update(is_active=False)

    user_logged_in.connect(deactivate)
    try:
        assert login(api, ada.name).status_code == 401
    finally:
        user_logged_in.disconnect(deactivate)

    assert ("in", ada.name) in seen
    assert seen[-1] == ("after", "")


def test_a_login_in_a_view_of_drf_is_seen_by_both_requests(ada: Person, rf: Any) -> None:
    request = Request(rf.post("/"))

    auth.login(ada.user, request=request)

    assert request.user == request._request.user == ada.user


@pytest.mark.parametrize("nobody", [None, "ada"])
def test_a_login_of_what_is_no_user_says_so(nobody: Any) -> None:
    for log_in in (auth.login, testing.login):
        with pytest.raises(TypeError, match=f"user.*{type(nobody).__name__}"):
            log_in(nobody)


def change(api: Api, token: str, old: str, new: str = "an entirely other one 7") -> Any:
    body = {"old_password": old, "new_password": new}
    return api.post("/auth/password/", body, authorization=f"Bearer {token}")


@pytest.fixture
def ends_a_duty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user model whose `set_password` sets something beside the password, as `must_change = False`."""
    model: Any = get_user_model()
    set_password = model.set_password

    def set_both(self: Any, raw_password: Any) -> None:
        set_password(self, raw_password)
        self.is_staff = True

    monkeypatch.setattr(model, "set_password", set_both)


@pytest.mark.usefixtures("ends_a_duty")
def test_a_new_password_is_saved_with_all_that_set_password_sets(api: Api, ada: Person) -> None:
    token = login(api, ada.name).json()["access_token"]

    assert change(api, token, PASSWORD).status_code == 200

    ada.user.refresh_from_db()
    assert ada.user.is_staff
    assert ada.user.check_password("an entirely other one 7")


def test_a_new_password_is_saved_whole_over_the_old_one_for_whoever_compares(api: Api, ada: Person) -> None:
    token, seen = login(api, ada.name).json()["access_token"], []

    def compare(instance: Any, update_fields: Any, **_: Any) -> None:
        row = type(instance)._default_manager.get(pk=instance.pk)
        seen.append((row.password != instance.password, update_fields))

    pre_save.connect(compare, sender=type(ada.user))
    try:
        change(api, token, PASSWORD)
    finally:
        pre_save.disconnect(compare, sender=type(ada.user))

    assert seen == [(True, None)]


class Meanwhile:
    """What somebody else saves while a new password is being looked at."""

    def __init__(self, **columns: Any) -> None:
        self.columns = columns

    def validate(self, password: str, user: Any = None) -> None:
        get_user_model()._default_manager.filter(pk=user.pk).update(**self.columns)


def meanwhile(**columns: Any) -> Any:
    return override_settings(AUTH_PASSWORD_VALIDATORS=[{"NAME": f"{HERE}.Meanwhile", "OPTIONS": columns}])


def test_a_new_password_undoes_nothing_that_was_saved_meanwhile(api: Api, ada: Person) -> None:
    token = login(api, ada.name).json()["access_token"]

    with meanwhile(is_staff=True):
        assert change(api, token, PASSWORD).status_code == 200

    ada.user.refresh_from_db()
    assert ada.user.is_staff


def test_who_is_deactivated_meanwhile_stays_so_and_gets_no_new_password(api: Api, ada: Person) -> None:
    token = login(api, ada.name).json()["access_token"]

    with meanwhile(is_active=False):
        assert change(api, token, PASSWORD).status_code == 401

    ada.user.refresh_from_db()
    assert not ada.user.is_active
    assert ada.user.check_password(PASSWORD)


@pytest.mark.parametrize("before", [make_password(None), ""], ids=["unusable", "empty"])
@override_settings(AUTHENTICATION_BACKENDS=[f"{HERE}.Directory", MODEL])
def test_a_password_that_is_kept_elsewhere_is_not_changed_here(api: Api, ada: Person, before: str) -> None:
    ada.user.password = before
    ada.user.save()
    token = login(api, ada.name, "directory").json()["access_token"]

    answer = change(api, token, "directory", "n3w and l0ng enough")

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    ada.user.refresh_from_db()
    assert ada.user.password == before
    assert login(api, ada.name, "n3w and l0ng enough").status_code == 401
    assert login(api, ada.name, "directory").status_code == 200


@override_settings(AUTHENTICATION_BACKENDS=[f"{HERE}.Directory", MODEL])
def test_who_has_another_password_here_changes_it_by_that_one_only(api: Api, ada: Person) -> None:
    token = login(api, ada.name, "directory").json()["access_token"]

    answer = change(api, token, "directory")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_credentials")
    assert login(api, ada.name).status_code == 200

    assert change(api, token, PASSWORD).status_code == 200
    assert login(api, ada.name, "an entirely other one 7").status_code == 200
    assert login(api, ada.name, "directory").status_code == 200


@override_settings(AUTHENTICATION_BACKENDS=[f"{HERE}.Directory", MODEL])
def test_a_login_is_confirmed_by_the_password_that_is_kept_elsewhere(api: Api, ada: Person) -> None:
    ada.user.set_unusable_password()
    ada.user.save()
    token = login(api, ada.name, "directory").json()["access_token"]

    answer = api.post("/auth/reauthenticate/", {"password": "directory"}, authorization=f"Bearer {token}")

    assert answer.status_code == 200


@override_settings(AUTHENTICATION_BACKENDS=[f"{HERE}.Directory"])
def test_a_password_here_that_opens_nothing_confirms_nothing(api: Api, ada: Person) -> None:
    token = login(api, ada.name, "directory").json()["access_token"]

    assert change(api, token, PASSWORD).status_code == 400
    assert api.post("/auth/reauthenticate/", {"password": PASSWORD}, authorization=f"Bearer {token}").status_code == 400


class Renames(ModelBackend):
    """Knows somebody else by this name and password."""

    def authenticate(self, request: Any, username: Any = None, password: Any = None, **others: Any) -> Any:
        return get_user_model()._default_manager.order_by("-pk").first() if password == "shared" else None


@override_settings(AUTHENTICATION_BACKENDS=[f"{HERE}.Renames", MODEL])
def test_a_password_by_which_a_backend_knows_somebody_else_changes_nothing(api: Api, ada: Person, person: Any) -> None:
    token = auth.login(ada.user).access_token
    person("rosa")
    ada.user.set_password("shared")

    assert change(api, token, "shared").status_code == 400


def test_no_report_of_an_error_in_a_view_of_ones_own_shows_the_password(ada: Person, rf: Any, settings: Any) -> None:
    """Neither where our login is called, nor where we stand around `check_password`."""
    ada.user.password = "broken$1$salt$hash"
    request = rf.post("/mine/")
    settings.PASSWORD_HASHERS = [f"{HERE}.BrokenHasher"]
    calls = [
        lambda: auth.login_by_password(request, username=ada.name, password=PASSWORD),
        lambda: ada.user.check_password(PASSWORD),
    ]
    get_user_model()._default_manager.filter(pk=ada.user.pk).update(password=ada.user.password)
    for call in calls:
        with pytest.raises(ArithmeticError) as failure:
            call()
        reporter = ExceptionReporter(request, *failure._excinfo, is_email=True)
        # Django's own backend hides less.
        frames = [frame for frame in reporter.get_traceback_frames() if "django_ironclad" in frame["filename"]]
        assert frames
        assert PASSWORD not in str([frame["vars"] for frame in frames])


class BrokenHasher(PBKDF2PasswordHasher):
    algorithm = "broken"

    def verify(self, password: str, encoded: str) -> bool:
        raise ArithmeticError


def test_login_by_password_is_one_call_for_a_view_of_ones_own(ada: Person, rf: Any) -> None:
    request = rf.post("/mine/")
    tokens = auth.login_by_password(request, username=ada.name, password=PASSWORD, client_id="mine")

    assert auth.verify(tokens.access_token).client_id == "mine"
    assert auth.verify(tokens.access_token).claims["amr"] == ("pwd",)
    with pytest.raises(InvalidCredentials):
        auth.login_by_password(request, username=ada.name, password="wrong")


class Replica(ModelBackend):
    """Reads users where they are as they were."""

    users: ClassVar[dict[Any, Any]] = {}

    def authenticate(self, request: Any, username: str = "", password: str = "", **_: Any) -> Any:
        user = copy.copy(self.users.get(username))
        return user if user and user.check_password(password) else None


@pytest.fixture
def replica(ada: Person) -> Iterator[None]:
    """From now on it hears nothing more of anybody."""
    Replica.users[ada.name] = copy.copy(ada.user)
    with override_settings(AUTHENTICATION_BACKENDS=[f"{HERE}.Replica"]):
        yield
    Replica.users.clear()


def test_a_password_that_only_a_replica_still_knows_confirms_nothing(api: Api, ada: Person, replica: None) -> None:
    mine = api.login(ada)
    body = {"old_password": PASSWORD, "new_password": "quite another one"}
    changed = api.post("/auth/password/", body, authorization=f"Bearer {mine['access_token']}")
    token = changed.json()["access_token"]

    answer = api.post("/auth/reauthenticate/", {"password": PASSWORD}, authorization=f"Bearer {token}")

    assert (changed.status_code, answer.status_code) == (200, 401)
    assert api.refresh(changed.json()["refresh_token"]).status_code == 200


def test_what_a_token_says_is_not_what_a_replica_says(api: Api, ada: Person, replica: None) -> None:
    get_user_model()._default_manager.filter(pk=ada.user.pk).update(is_staff=True)

    with override_settings(IRONCLAD={"CLAIMS": lambda user, groups: {"staff": user.is_staff}}):
        first = api.login(ada)
        second = api.refresh(first["refresh_token"]).json()

    assert [auth.verify(each["access_token"]).claims["staff"] for each in (first, second)] == [True, True]
