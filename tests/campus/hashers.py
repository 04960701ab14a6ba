"""Password hashers for tests only."""

from django.contrib.auth.hashers import PBKDF2PasswordHasher


class QuickHasher(PBKDF2PasswordHasher):
    algorithm = "quick"
    iterations = 1


class SlowHasher(PBKDF2PasswordHasher):
    """Slow enough for one hash to outweigh everything else in a login."""

    algorithm = "slow"
    iterations = 60_000
