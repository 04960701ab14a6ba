"""The app of the user model that one process tries."""

from django.apps import AppConfig


class PeopleConfig(AppConfig):
    name = "tests.user_models"
    label = "people"
    default_auto_field = "django.db.models.BigAutoField"
