"""Make the tables of both tenants, and in each a user `ada` with the same key and the same password."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import django
from django.conf import settings
from django.core.management import call_command

TENANTS = ("acme", "globex")


def main() -> None:
    django.setup()
    from django.contrib.auth import get_user_model

    def in_tenant(name: str) -> AbstractContextManager[object]:
        if settings.SHAPE != "schemas":
            return nullcontext()
        from django_tenants.utils import schema_context

        return schema_context(name)  # type: ignore[no-any-return]

    if settings.SHAPE == "databases":
        for name in TENANTS:
            call_command("migrate", database=name, verbosity=0)
    else:
        from tests.tenants.tenancy.models import Domain, Tenant

        call_command("migrate_schemas", shared=True, verbosity=0)
        for name in TENANTS:
            tenant = Tenant.objects.create(schema_name=name, name=name)
            Domain.objects.create(tenant=tenant, domain=f"{name}.test", is_primary=True)
    for name in TENANTS[:1] if settings.SHAPE == "shared" else TENANTS:
        users = get_user_model().objects
        with in_tenant(name):
            manager = users.db_manager(name) if settings.SHAPE == "databases" else users
            manager.create_user("ada", f"ada@{name}.test", "open-sesame-42")


if __name__ == "__main__":
    main()
