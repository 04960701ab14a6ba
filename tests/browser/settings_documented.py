"""The demo with an API of Django Ninja beside it, and both of them documented as docs/openapi.md says."""

from datetime import timedelta

from campus.settings_demo import *  # noqa: F403
from campus.settings_demo import INSTALLED_APPS, IRONCLAD, MIDDLEWARE, REST_FRAMEWORK

INSTALLED_APPS = [*INSTALLED_APPS, "ninja", "drf_spectacular"]
# Swagger UI has images and styles within itself.
MIDDLEWARE = [each for each in MIDDLEWARE if each != "campus.middleware.content_security_policy"]
REST_FRAMEWORK = {**REST_FRAMEWORK, "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema"}
SPECTACULAR_SETTINGS = {"POSTPROCESSING_HOOKS": ["django_ironclad.contrib.spectacular.add_endpoints"]}
ROOT_URLCONF = "tests.browser.urls_documented"
# Long enough for a page that is operated by hand.
IRONCLAD = {**IRONCLAD, "ACCESS_TOKEN_LIFETIME": timedelta(minutes=5)}
