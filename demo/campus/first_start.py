"""The users, notices and grades that a new campus begins with."""

from __future__ import annotations

from django.contrib.auth.models import Group, Permission, User
from django.db import transaction

from .models import REGISTRAR, Grade, Notice

PASSWORD = "open-sesame-42"
USERS = {"ada": "student", "alan": "student", "rosa": "registrar"}

_NOTICES = {
    "Welcome": "Lectures begin on Monday at nine. Bring something to write with.",
    "Library": "Open every day from eight to eight, quiet at all times.",
    "Summer fair": "The fair is in the courtyard this year; if it rains, in the hall.",
}
_GRADES = {
    "ada": {"Analytical engines": "B", "Geometry": "A", "Poetry": "C"},
    "alan": {"Logic": "A", "Biology": "B", "Long-distance running": "A"},
}


@transaction.atomic
def populate() -> None:
    """Fill an empty campus; one that has any user is left as it is."""
    if User.objects.exists():
        return
    registrar = Group.objects.create(name=REGISTRAR)
    registrar.permissions.set(
        Permission.objects.filter(content_type__app_label="campus")
        | Permission.objects.filter(codename__in=["view_session", "change_session"], content_type__app_label="ironclad")
    )
    ada = User.objects.create_user("ada", "ada@campus.example", PASSWORD, first_name="Ada", last_name="Lovelace")
    alan = User.objects.create_user("alan", "alan@campus.example", PASSWORD, first_name="Alan", last_name="Turing")
    rosa = User.objects.create_user(
        "rosa", "rosa@campus.example", PASSWORD, first_name="Rosa", last_name="Marsh", is_staff=True
    )
    rosa.groups.add(registrar)
    Notice.objects.bulk_create(Notice(title=title, text=text) for title, text in _NOTICES.items())
    Grade.objects.bulk_create(
        Grade(student=student, course=course, grade=grade)
        for student in (ada, alan)
        for course, grade in _GRADES[student.username].items()
    )
