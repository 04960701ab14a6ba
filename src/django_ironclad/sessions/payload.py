"""What an access token says of its user beyond who it is: name, groups, scope, and what the project adds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.core.exceptions import ImproperlyConfigured

from .. import tokens
from ..conf import get_settings
from ..errors import InvalidScope
from ..models import Session
from ..tokens import dump_json, load_json, parse_scope
from ..user_model import naming

#: Bytes of group names, as JSON, that a token carries. With more it says `groups_left_out`.
MOST_GROUPS: Final = 2048


#: Bytes of a session's own claims, as JSON.
MOST_CLAIMS: Final = 2048


def said_of(session: Session, user: Any, groups: list[str], *, whole: bool = False) -> dict[str, Any]:
    """What a token says of the user: ours, in addition what the session claims, and `CLAIMS` in the place of either.

    `whole` says all of our groups, however many, and also where the project leaves them out.
    """
    said: dict[str, Any] = {"username": naming.name_text(user), "groups": groups}
    said |= (session.claims or {}) | _of_project(user, groups)
    if said["username"] is None:
        del said["username"]
    named = said["groups"]
    # The project may say our own list once more.
    ours = named is None or (isinstance(named, (list, tuple)) and list(named) == groups)
    if ours and whole:
        said["groups"] = groups
    elif named is None or (ours and len(dump_json(groups)) > MOST_GROUPS):
        del said["groups"]
        said["groups_left_out"] = True
    granted = _granted(user, groups, session.scope)
    return said | ({"scope": " ".join(sorted(granted))} if granted else {})


def session_claims(claims: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The claims of a session's own, as its row keeps them; None for none. Raises ValueError for what none can be."""
    if not claims:
        return None
    if taken := (tokens.RESERVED | {"username", "groups"}) & claims.keys():
        raise ValueError(f"a session cannot claim {sorted(taken)}, which are ours: use other names")
    try:
        text = dump_json(claims)
        kept = load_json(text)
    except (TypeError, ValueError) as error:
        raise ValueError(f"a session can claim what JSON can say: {error}") from None
    if len(text) > MOST_CLAIMS:
        raise ValueError(f"the claims of a session are {len(text)} bytes of JSON, and {MOST_CLAIMS} are allowed")
    return kept


def require_grant(user: Any, groups: list[str], scope: str) -> None:
    """Return if the project grants this user any of the scopes asked for. Raises InvalidScope, ImproperlyConfigured."""
    if scope and not _granted(user, groups, scope):
        raise InvalidScope("none of the scopes that were asked for is granted", reason="not_granted")


def _of_project(user: Any, groups: list[str]) -> dict[str, Any]:
    said = get_settings().claims(user, list(groups))
    if not isinstance(said, Mapping):
        raise ImproperlyConfigured(f"IRONCLAD['CLAIMS'] returned a {type(said).__name__}; return a dictionary.")
    if tokens.RESERVED & said.keys():
        raise ImproperlyConfigured(
            f"IRONCLAD['CLAIMS'] returned {sorted(tokens.RESERVED & said.keys())}, which are ours; use other names."
        )
    return dict(said)


def _granted(user: Any, groups: list[str], scope: str) -> frozenset[str]:
    """What the project grants, narrowed to what was asked for at the login, if anything was (RFC 6749 §3.3)."""
    names = get_settings().scopes(user, list(groups))
    try:
        granted = parse_scope(names if isinstance(names, str) else " ".join(names))
    except (TypeError, ValueError) as error:
        raise ImproperlyConfigured(f"IRONCLAD['SCOPES'] returned {names!r}: {error}.") from None
    return granted & parse_scope(scope) if scope else granted
