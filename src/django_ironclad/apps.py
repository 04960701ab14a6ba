"""The app: it reads its settings and key files once at start, so that a mistake is told then and not to a user."""

from __future__ import annotations

import logging

from django.apps import AppConfig, apps


class IroncladConfig(AppConfig):
    name = "django_ironclad"
    label = "ironclad"
    verbose_name = "Ironclad"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from . import checks, conf
        from .keyring import configured
        from .users import events, last_login

        settings = conf.get_settings()
        _ = settings.claims, settings.scopes, settings.realm
        if settings.KEYS:
            try:
                configured.get_key_ring()
            except configured.KeyFileMissing as error:
                # Who serves is stopped by the middleware, and commands such as collectstatic need no keys.
                logging.getLogger("django_ironclad").error("%s", error)
        checks.register()
        events.watch()
        last_login.watch()
        if apps.is_installed("axes"):
            from .contrib import axes

            axes.watch()
        if apps.is_installed("drf_spectacular"):
            # The import registers it.
            from .contrib import spectacular  # noqa: F401
