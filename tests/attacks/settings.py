"""The demo as it is deployed: keys that others can verify, `__Host-` cookies, named hosts; and hashes are counted."""

import json
import logging
import os
from datetime import timedelta

from campus.settings_demo import *  # noqa: F403
from campus.settings_demo import IRONCLAD
from django.contrib.auth.hashers import PBKDF2PasswordHasher

from .runner import LEEWAY, LIFETIME


class CountedHasher(PBKDF2PasswordHasher):
    """Quick, and each use is a line of the log."""

    algorithm = "counted"
    iterations = 1

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        logging.getLogger("attacks").info("one hash")
        return super().encode(password, salt, iterations)


PASSWORD_HASHERS = ["tests.attacks.settings.CountedHasher"]
ALLOWED_HOSTS = ["127.0.0.1"]
CSRF_TRUSTED_ORIGINS = ["https://friend.example", "https://*.partner.example"]
SESSION_COOKIE_SECURE = True
IRONCLAD = {
    **IRONCLAD,
    "KEYS": json.loads(os.environ["ATTACKED_KEYS"]),
    "ACCESS_TOKEN_LIFETIME": timedelta(seconds=LIFETIME),
    "DRF_JWT_TOKEN_LIFETIME": timedelta(seconds=LIFETIME),
    "LEEWAY": timedelta(seconds=LEEWAY),
    "REUSE_GRACE": timedelta(seconds=10),
    "SESSIONS_PER_USER": 5,
}
