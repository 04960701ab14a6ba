"""The packages that people come from: their names, and where each keeps what the move is about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, kw_only=True)
class Table:
    """One of their tables. `alive` is the condition, in SQL, under which a row is a token that still counts."""

    name: str
    alive: str
    #: Until when the last of them counts, where a column says so.
    until: str = ""


@dataclass(frozen=True, kw_only=True)
class Package:
    """One package. `ours` is the module that has its names, whether it is there yet or not; "" for none."""

    name: str
    modules: tuple[str, ...]
    settings: tuple[str, ...] = ()
    ours: str = ""
    #: Its entries in INSTALLED_APPS that go as soon as ours has taken their place.
    apps: tuple[str, ...] = ()
    #: Its authenticators whose tokens ours never collide with: they stay, behind ours.
    beside: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()

    def within(self, dotted: str) -> str | None:
        """`.tokens.RefreshToken` for that name of theirs, or of our counterpart; None for anybody else's."""
        for root in (*self.modules, self.ours):
            if root and (dotted == root or dotted.startswith(f"{root}.")):
                return dotted[len(root) :]
        return None


_BLACKLIST: Final = Table(
    name="token_blacklist_outstandingtoken",
    alive="expires_at > {now} AND NOT EXISTS (SELECT 1 FROM token_blacklist_blacklistedtoken b "
    "WHERE b.token_id = token_blacklist_outstandingtoken.id)",
    until="expires_at",
)
_AUTHTOKEN: Final = Table(name="authtoken_token", alive="1 = 1")

PACKAGES: Final = {
    package.name: package
    for package in (
        Package(
            name="simplejwt",
            modules=("rest_framework_simplejwt",),
            settings=("SIMPLE_JWT",),
            ours="django_ironclad.contrib.simplejwt",
            apps=("rest_framework_simplejwt",),
            tables=(_BLACKLIST,),
        ),
        Package(
            name="drf-jwt",
            modules=("rest_framework_jwt",),
            settings=("JWT_AUTH",),
            ours="django_ironclad.contrib.drf_jwt",
            apps=("rest_framework_jwt",),
        ),
        Package(
            name="ninja-jwt",
            modules=("ninja_jwt",),
            # It reads both, in this order.
            settings=("SIMPLE_JWT", "NINJA_JWT"),
            ours="django_ironclad.contrib.ninja_jwt",
            apps=("ninja_jwt",),
            tables=(_BLACKLIST,),
        ),
        Package(
            name="dj-rest-auth",
            modules=("dj_rest_auth",),
            settings=("REST_AUTH", "SIMPLE_JWT"),
            ours="django_ironclad.contrib.dj_rest_auth",
            tables=(_BLACKLIST, _AUTHTOKEN),
        ),
        Package(
            name="djoser",
            modules=("djoser",),
            settings=("DJOSER", "SIMPLE_JWT"),
            ours="django_ironclad.contrib.djoser",
            tables=(_BLACKLIST, _AUTHTOKEN),
        ),
        Package(
            name="knox",
            modules=("knox",),
            settings=("REST_KNOX",),
            beside=("knox.auth.TokenAuthentication",),
            tables=(Table(name="knox_authtoken", alive="expiry IS NULL OR expiry > {now}", until="expiry"),),
        ),
        Package(
            name="authtoken",
            modules=("rest_framework.authtoken",),
            beside=("rest_framework.authentication.TokenAuthentication",),
            tables=(_AUTHTOKEN,),
        ),
    )
}
