"""Jobs that belong to no request, where each tenant has a database: each line says how many are still signed in."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import django


def main() -> None:
    django.setup()
    from django.contrib.auth import get_user_model
    from django.core.management import call_command
    from django.db import transaction

    from django_ironclad import auth, sessions
    from django_ironclad.models import Session
    from django_ironclad.realms import realm

    from .prepare import TENANTS

    for name in ("default", *TENANTS):
        call_command("migrate", database=name, verbosity=0)
        get_user_model().objects.db_manager(name).create_user("ada", f"ada@{name}.test", "open-sesame-42")

    def user(name: str) -> Any:
        return get_user_model().objects.using(name).get()

    def new_password(name: str) -> None:
        owner = user(name)
        owner.set_password("another-sesame-43")
        owner.save()

    def deactivate(name: str) -> None:
        owner = user(name)
        owner.is_active = False
        owner.save()

    def within_another_tenants_transaction(name: str) -> None:
        with transaction.atomic(using="globex"), transaction.atomic(using=name), realm(name):
            sessions.revoke_all(user(name), reason="job")

    def out_of_another_realm(name: str) -> None:
        with realm("globex"), transaction.atomic(using=name):
            sessions.revoke_all(user(name), reason="job")

    jobs: dict[str, Callable[[str], Any]] = {
        "revoke_all": lambda name: sessions.revoke_all(user(name), reason="job"),
        "new password": new_password,
        "deactivate": deactivate,
        "within a transaction of another tenant": within_another_tenants_transaction,
        "in another realm": out_of_another_realm,
        "delete": lambda name: user(name).delete(),
    }
    for what, job in jobs.items():
        get_user_model().objects.using("acme").update(is_active=True)
        for name in TENANTS:
            Session.objects.using(name).all().delete()
            with realm(name):
                auth.login(user(name))
        job("acme")
        sys.stdout.write(
            json.dumps([what, *(Session.objects.using(name).filter(revoked_at=None).count() for name in TENANTS)])
            + "\n"
        )


if __name__ == "__main__":
    main()
