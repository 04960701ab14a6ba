"""Login, refresh, logout, verify, authenticate: what every view and every framework's adapter calls."""

from ..sessions import TokenResponse
from . import granting, pages
from .amending import amend, check_page, issue, update_session_auth_hash
from .authorizing import aauthorize, agroups, authorize, groups, groups_of, session_of
from .granting import BY_PASSWORD, FIRST_PARTY, login, login_by_password, logout, reauthenticate, refresh
from .judging import aauthenticate, authenticate, glance, recheck, reissue, verify
from .pages import Page, require_page

__all__ = [
    "BY_PASSWORD",
    "FIRST_PARTY",
    "Page",
    "TokenResponse",
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
    "require_page",
    "session_of",
    "update_session_auth_hash",
    "verify",
]
