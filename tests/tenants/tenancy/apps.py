"""The app of the tenants."""

from django.apps import AppConfig


class TenancyConfig(AppConfig):
    name = "tests.tenants.tenancy"
    label = "tenancy"
    default_auto_field = "django.db.models.BigAutoField"
