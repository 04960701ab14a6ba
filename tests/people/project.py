"""`python -m tests.people.project FOLDER`: every test of `test_other_rows` prints a line, OK or what was wrong."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django
from django.conf import settings

FOLDER = Path(sys.argv[1])
SQLITE = {"ENGINE": "django.db.backends.sqlite3"}
settings.configure(
    SECRET_KEY="k" * 60,
    AUTH_USER_MODEL="people.Member",
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django_ironclad", "tests.people"],
    PASSWORD_HASHERS=["tests.campus.hashers.QuickHasher", "tests.campus.hashers.SlowHasher"],
    DATABASES={
        "default": {**SQLITE, "NAME": FOLDER / "ours"},
        # The same by another name, as beside PgBouncer; and another one.
        "direct": {**SQLITE, "NAME": FOLDER / "ours"},
        "archive": {**SQLITE, "NAME": FOLDER / "archive"},
    },
)
django.setup()

from django.core import serializers  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import transaction  # noqa: E402

from django_ironclad import auth  # noqa: E402
from django_ironclad.models import Session  # noqa: E402
from tests.people.models import Account, Gate, Member, Nickname, Senior  # noqa: E402

for alias in ("default", "archive"):
    call_command("migrate", database=alias, run_syncdb=True, verbosity=0)


def changed(user: Any, **saving: Any) -> None:
    user.set_password("another one entirely")
    user.save(**saving)


def deactivated(user: Any, **saving: Any) -> None:
    user.is_active = False
    user.save(**saving)


def fixture(pk: int) -> None:
    account = Account.objects.get(pk=pk)
    account.set_password("another one entirely")
    for loaded in serializers.deserialize("json", serializers.serialize("json", [account])):
        with transaction.atomic():
            loaded.save()


def told_late(pk: int) -> None:
    with transaction.atomic(using="direct"):
        changed(Member.objects.using("direct").get(pk=pk))


def new_version(pk: int) -> None:
    member = Member.objects.get(pk=pk)
    member.token_version += 1
    member.save(update_fields=["token_version"])


def upgraded(pk: int) -> None:
    """A better hash of the same password, found by way of each class."""
    from django.test import override_settings

    for kind in (Account, Member, Nickname):
        with override_settings(PASSWORD_HASHERS=settings.PASSWORD_HASHERS[::-1]):
            assert kind.objects.get(pk=pk).check_password("pw")
        assert kind.objects.get(pk=pk).check_password("pw")


def in_archive(act: Callable[[Any], None], kind: Any = Member) -> Callable[[int], None]:
    def run(pk: int) -> None:
        row = kind(pk=pk, password="x") if kind is Gate else kind(pk=pk, username=f"archived {pk}")
        row.save(using="archive", force_insert=True)
        act(kind.objects.using("archive").get(pk=pk))

    return run


def gate(pk: int) -> None:
    row = Gate.objects.create(pk=pk, password="x")
    row.is_active = False
    row.save()
    row.delete()


def beside(pk: int) -> None:
    """An account that is no member."""
    changed(Account.objects.create_user("beside", password="pw"))


#: What happens to somebody, and whether it ends their sessions.
HAPPENINGS: dict[str, tuple[Callable[[int], Any], bool]] = {
    "the parent's password": (lambda pk: changed(Account.objects.get(pk=pk)), True),
    "the parent's password alone": (lambda pk: changed(Account.objects.get(pk=pk), update_fields=["password"]), True),
    "the parent is deactivated": (lambda pk: deactivated(Account.objects.get(pk=pk)), True),
    "the parent is deleted": (lambda pk: Account.objects.get(pk=pk).delete(), True),
    "by its proxy": (lambda pk: changed(Nickname.objects.get(pk=pk)), True),
    "the proxy is deleted": (lambda pk: Nickname.objects.get(pk=pk).delete(), True),
    "by its child": (lambda pk: changed(Senior.objects.get(member_id=pk)), True),
    "the child is deactivated": (lambda pk: deactivated(Senior.objects.get(member_id=pk)), True),
    "the child is deleted": (lambda pk: Senior.objects.get(member_id=pk).delete(), True),
    "the child alone is deleted": (lambda pk: Senior.objects.get(member_id=pk).delete(keep_parents=True), False),
    "a fixture": (fixture, True),
    "by another alias of the same database": (lambda pk: changed(Member.objects.using("direct").get(pk=pk)), True),
    "in a transaction of that alias": (told_late, True),
    "a rule of the model's own": (new_version, True),
    "a better hash": (upgraded, False),
    "a column that decides nothing": (lambda pk: Account.objects.get(pk=pk).save(update_fields=["email"]), False),
    "another database": (in_archive(changed), False),
    "deactivated in another database": (in_archive(deactivated), False),
    "deleted in another database": (in_archive(lambda user: user.delete()), False),
    "another model": (gate, False),
    "another model in another database": (in_archive(deactivated, Gate), False),
    "an account that is no member": (beside, False),
}

for name, (happen, ends) in HAPPENINGS.items():
    # Their keys differ, and each is somebody else's key elsewhere.
    somebody = Member.objects.create_user(f"ada {name}"[:150], password="pw")
    rosa = Member.objects.create_user(f"rosa {name}"[:150], password="pw")
    Senior(member_id=somebody.pk).save_base(raw=True)
    sid, other = (auth.verify(auth.login(each).access_token).sid for each in (somebody, rosa))
    happen(somebody.pk)
    ended = Session.objects.get(pk=sid).revoked_at is not None
    others = Session.objects.get(pk=other).revoked_at is not None
    right = (ended, others) == (ends, False)
    sys.stdout.write(f"{name}: {'OK' if right else f'ended {ended}, of others {others}'}\n")
    Session.objects.all().delete()

# Who logs in as a child is the user, whatever key the child has.
for _ in range(3):
    Member.objects.create_user(f"before {_}", password="pw")
member = Member.objects.create_user("child", password="pw")
Senior(member_id=member.pk).save_base(raw=True)
senior = Senior.objects.get(member_id=member.pk)
token = auth.verify(auth.login(senior).access_token)
right = senior.pk != member.pk and token.sub == str(member.pk)
sys.stdout.write(f"the token of a child: {'OK' if right else token.sub}\n")
