"""Login, refresh, logout, verify, authenticate: what every view and every framework's adapter calls."""

from . import granting, pages
from .amending import amend, check_page, issue, update_session_auth_hash
from .authorizing import aauthorize, agroups, authorize, groups, groups_of, session_of
from .granting import BY_PASSWORD, FIRST_PARTY, login, login_by_password, logout, reauthenticate, refresh
from .judging import aauthenticate, authenticate, glance, recheck, reissue, verify

__all__ = [
    "BY_PASSWORD",
    "FIRST_PARTY",
    "aauthenticate",
    "aauthorize",
    "agroups",
    "amend",
    "authenticate",
    "authorize",
    "check_page",
    "glance",
    "granting",
    "groups",
    "groups_of",
    "issue",
    "login",
    "login_by_password",
    "logout",
    "pages",
    "reauthenticate",
    "recheck",
    "refresh",
    "reissue",
    "session_of",
    "update_session_auth_hash",
    "verify",
]
