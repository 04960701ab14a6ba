"""What the campus keeps: notices for everybody, and grades."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone

#: The group of those who may see and change everybody's grades.
REGISTRAR = "registrar"


class Notice(models.Model):
    title = models.CharField(max_length=100)
    text = models.TextField()
    published_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-published_at", "-pk"]

    def __str__(self) -> str:
        return self.title


class Grade(models.Model):
    class Letter(models.TextChoices):
        A = "A"
        B = "B"
        C = "C"
        D = "D"
        F = "F"

    student = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="grades")
    course = models.CharField(max_length=100)
    grade = models.CharField(max_length=1, choices=Letter)

    class Meta:
        ordering = ["student", "course"]
        constraints = [models.UniqueConstraint(fields=["student", "course"], name="one_grade_a_course")]

    def __str__(self) -> str:
        return f"{self.student} in {self.course}: {self.grade}"
