"""Coverage-guided fuzzing, by atheris (`scripts/fuzz`), on the tests' own settings and keys."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()
