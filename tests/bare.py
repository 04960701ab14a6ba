"""A project that has nothing but DRF and us: none of its other apps imports what these import."""

SECRET_KEY = "a-secret-key-of-the-tests-only-7f3b9c1e5d"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "rest_framework",
    "django_ironclad",
]
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["django_ironclad.drf.BearerAuthentication"],
    "EXCEPTION_HANDLER": "django_ironclad.drf.exception_handler",
}
