"""Whether anything looks at access tokens, and in time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from django.conf import settings as django_settings
from django.core import checks
from django.middleware.csrf import CsrfViewMiddleware

from ..middleware import BearerMiddleware
from .readers import place, somebody_reads_tokens

MIDDLEWARE: Final = "django_ironclad.middleware.BearerMiddleware"


CSRF: Final = "django.middleware.csrf.CsrfViewMiddleware"


def check_middleware() -> Iterator[checks.CheckMessage]:
    ours, csrf = place(BearerMiddleware), place(CsrfViewMiddleware)
    if -1 < csrf < ours:
        names = django_settings.MIDDLEWARE
        yield checks.Error(
            "BearerMiddleware stands after CsrfViewMiddleware, which refuses Bearer requests before they are seen.",
            hint=f"In MIDDLEWARE, move {names[ours]!r} to before {names[csrf]!r}.",
            id="ironclad.E001",
        )
    if not somebody_reads_tokens():
        yield checks.Warning(
            "No view looks at access tokens.",
            hint=f"Put {MIDDLEWARE!r} into MIDDLEWARE, before {CSRF!r}, or 'django_ironclad.drf.BearerAuthentication' "
            "into REST_FRAMEWORK['DEFAULT_AUTHENTICATION_CLASSES'], or django_ironclad.ninja.Bearer() into a NinjaAPI.",
            id="ironclad.W006",
        )
