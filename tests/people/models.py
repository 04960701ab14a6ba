"""A user model in the middle of a family, and models that merely look like one."""

from django.contrib.auth.models import AbstractUser
from django.db import models


class Account(AbstractUser):
    """The parent, which has the password."""


class Member(Account):
    """The user model: what makes an account a member."""

    note = models.CharField(max_length=20, default="")
    token_version = models.IntegerField(default=0)

    def get_session_auth_hash(self) -> str:
        return f"{self.token_version}.{super().get_session_auth_hash()}"


class Nickname(Member):
    """Another name for a member."""

    class Meta:
        proxy = True


class Senior(Member):
    """A child of it, with a key of its own."""

    number = models.AutoField(primary_key=True)
    member = models.OneToOneField(Member, models.CASCADE, parent_link=True)


class Gate(models.Model):
    """Nobody, with the columns of somebody."""

    password = models.CharField(max_length=128)
    is_active = models.BooleanField(default=True)

    def __str__(self) -> str:
        return str(self.pk)
