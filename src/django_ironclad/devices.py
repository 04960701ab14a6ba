"""What a request says of the device that sent it: its address, as far as proxies are trusted, and its name."""

from __future__ import annotations

import ipaddress

from django.http import HttpRequest

from .conf import get_settings


def client_address(request: HttpRequest) -> str | None:
    """The client's IP address: the peer's, or what the outermost of `TRUSTED_PROXIES` proxies saw. None where unknown.

    Each proxy appends whom it saw to `X-Forwarded-For`; what stands further left is the client's own word.
    """
    peer = request.META.get("REMOTE_ADDR", "")
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    seen = [peer, *reversed(forwarded)]
    proxies = get_settings().TRUSTED_PROXIES
    return _parse(seen[proxies] if proxies < len(seen) else peer)


def _parse(text: str) -> str | None:
    """An address without its port or zone, if any; None for anything else, such as the name of a Unix socket."""
    host = text.strip()
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        # A zone is any text, and none of this machine's.
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    return str(getattr(address, "ipv4_mapped", None) or address)


def printable(text: str) -> str:
    """What a client said, without the control characters that would work in an operator's terminal, or turn its lines.

    Those are C0, DEL and C1; line and paragraph separators; what changes the direction of writing; lone surrogates.
    """
    return "".join(filter(str.isprintable, text))


def device_name(user_agent: str) -> str:
    """ "Firefox on Windows", by the package ua-parser where it is installed; else the user agent, `printable`."""
    user_agent = printable(user_agent)
    try:
        from ua_parser import parse
    except ImportError:
        return user_agent
    found = parse(user_agent)
    names = [part.family for part in (found.user_agent, found.os) if part is not None]
    return " on ".join(names) or user_agent
