"""The campus in Django's admin, where the registrar may look and change."""

from __future__ import annotations

from django.contrib import admin

from .models import Grade, Notice

admin.site.register(Notice, list_display=["title", "published_at"])
admin.site.register(
    Grade, list_display=["student", "course", "grade"], list_filter=["course"], list_select_related=["student"]
)
