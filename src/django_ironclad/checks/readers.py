"""Whether anything in this project looks at access tokens: a middleware, Django REST framework, Django Ninja."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils.module_loading import import_string

from ..http import parts_of
from ..middleware import BearerMiddleware


def somebody_reads_tokens() -> bool:
    """By a setting, or by a view of this project's URLs; subclasses of ours count."""
    named = [*settings.MIDDLEWARE, *getattr(settings, "REST_FRAMEWORK", {}).get("DEFAULT_AUTHENTICATION_CLASSES", ())]
    return any(map(_is_reader, map(_imported, named))) or any(map(_is_reader, _authenticators(get_resolver())))


def place(kind: type) -> int:
    """Where in MIDDLEWARE this class or one of its subclasses stands first, -1 for nowhere."""
    classes = map(_imported, settings.MIDDLEWARE)
    return next((at for at, each in enumerate(classes) if isinstance(each, type) and issubclass(each, kind)), -1)


def _is_reader(authenticator: Any) -> bool:
    kind = authenticator if isinstance(authenticator, type) else type(authenticator)
    return issubclass(kind, tuple(_readers()))


def _readers() -> Iterator[type]:
    yield BearerMiddleware
    # Whoever names one of these has imported its module; nobody else need have its framework.
    for module, name in (("django_ironclad.drf", "BearerAuthentication"), ("django_ironclad.ninja", "Bearer")):
        if adapter := sys.modules.get(module):
            yield getattr(adapter, name)


def _imported(name: Any) -> Any:
    """A class, or a function that makes a middleware; None where there is none: Django says so itself."""
    try:
        return import_string(name) if isinstance(name, str) else name
    except ImportError:
        return None


def _authenticators(resolver: URLResolver) -> Iterator[Any]:
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            yield from _authenticators(pattern)
        elif isinstance(pattern, URLPattern):
            for part in parts_of(pattern.callback):
                yield from getattr(getattr(part, "cls", None), "authentication_classes", ())
                # A viewset's actions have their own.
                yield from getattr(part, "initkwargs", {}).get("authentication_classes", ())
                for operation in getattr(part, "operations", ()):
                    yield from getattr(operation, "auth_callbacks", ())
