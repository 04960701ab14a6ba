"""The endpoints of drf-jwt (django-rest-framework-jwt), so that its clients need not change."""
