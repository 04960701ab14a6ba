"""A password hasher that is quick, for tests only."""

from django.contrib.auth.hashers import PBKDF2PasswordHasher


class QuickHasher(PBKDF2PasswordHasher):
    algorithm = "quick"
    iterations = 1
