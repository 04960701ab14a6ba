"""Others who may read the tokens of this service, or write them: whoever has the key."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings

from .findings import Finding
from .packages import Package
from .translating import given_to

#: Of each setting: the algorithm, the signing key, what others check.
_NAMES = {
    "SIMPLE_JWT": ("ALGORITHM", "SIGNING_KEY", ("AUDIENCE", "ISSUER", "JWK_URL")),
    "NINJA_JWT": ("ALGORITHM", "SIGNING_KEY", ("AUDIENCE", "ISSUER", "JWK_URL")),
    "JWT_AUTH": ("JWT_ALGORITHM", "JWT_SECRET_KEY", ("JWT_AUDIENCE", "JWT_ISSUER")),
}


def find(package: Package) -> Iterator[Finding]:
    for setting in package.settings:
        if setting not in _NAMES or not (given := given_to(setting)):
            continue
        algorithm, key, checked = _NAMES[setting]
        name = given.get(algorithm, "HS256")
        says = ""
        if not str(name).startswith("HS"):
            says = f"{name}: who verifies with the public key finds ours by its kid in jwks.json"
        elif given.get(key, settings.SECRET_KEY) != settings.SECRET_KEY:
            says = f"{key} is not SECRET_KEY: whoever else has it can no longer read tokens; give them jwks.json"
        if says:
            yield Finding("M043", f"{setting}[{key!r}]", 0, "to know", says)
        for each in checked:
            if given.get(each):
                says = "whoever checks it goes on so; ours always carries both iss and aud"
                yield Finding("M043", f"{setting}[{each!r}]", 0, "to know", says)
