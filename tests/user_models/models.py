"""The user model that this process tries, `people.User`, and something that users own."""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import AbstractUser, Group, PermissionsMixin, UserManager
from django.db import models
from django.utils.translation import gettext_lazy

from .fields import HashidAutoField, PhoneField


class Bare(AbstractBaseUser):
    """What Django's own user is made of, without a name."""

    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    objects: Any = BaseUserManager()

    class Meta:
        abstract = True


class OneWayField(models.CharField):  # type: ignore[type-arg]
    """Does not read what it writes."""

    def value_to_string(self, obj: Any) -> str:
        return f"no. {self.value_from_object(obj)}"


class Superuser(models.Model):
    """As little of permissions as the admin needs, and no groups."""

    is_superuser = models.BooleanField(default=False)

    class Meta:
        abstract = True

    def has_perm(self, permission: str, obj: object = None) -> bool:
        return self.is_superuser

    def has_module_perms(self, label: str) -> bool:
        return self.is_superuser


def integer() -> None:
    class User(AbstractUser):
        pass


def big_integer() -> None:
    class User(AbstractUser):
        id = models.BigIntegerField(primary_key=True)


def uuid() -> None:
    class User(AbstractUser):
        id = models.UUIDField(primary_key=True)


def hashid() -> None:
    class User(AbstractUser):
        id = HashidAutoField(primary_key=True)


def char() -> None:
    class User(AbstractUser):
        code = models.CharField(max_length=20, primary_key=True)


def decimal() -> None:
    class User(AbstractUser):
        number = models.DecimalField(max_digits=8, decimal_places=2, primary_key=True)


def date() -> None:
    class User(AbstractUser):
        since = models.DateField(primary_key=True)


def one_way() -> None:
    class User(AbstractUser):
        code = OneWayField(max_length=20, primary_key=True)


def email() -> None:
    class User(Bare, PermissionsMixin):
        email = models.EmailField(unique=True, null=True)
        USERNAME_FIELD = "email"


def phone() -> None:
    class User(Bare, PermissionsMixin):
        phone = PhoneField(unique=True)
        USERNAME_FIELD = "phone"


def number() -> None:
    class User(Bare, PermissionsMixin):
        number = models.PositiveIntegerField(unique=True)
        USERNAME_FIELD = "number"


def name_uuid() -> None:
    class User(Bare, PermissionsMixin):
        badge = models.UUIDField(unique=True)
        USERNAME_FIELD = "badge"


def one_to_one() -> None:
    class Person(models.Model):
        pass

    class User(Bare, PermissionsMixin):
        person = models.OneToOneField(Person, models.CASCADE)
        USERNAME_FIELD = "person"


def one_to_one_by_another_column() -> None:
    class Person(models.Model):
        code = models.CharField(max_length=20, unique=True)

    class User(Bare, PermissionsMixin):
        person = models.OneToOneField(Person, models.CASCADE, to_field="code")
        USERNAME_FIELD = "person"


def key_of_another() -> None:
    class Person(models.Model):
        id = models.UUIDField(primary_key=True)

    class User(AbstractUser):
        person = models.OneToOneField(Person, models.CASCADE, primary_key=True)


def says_its_name() -> None:
    class AnyCase(BaseUserManager["User"]):
        def get_by_natural_key(self, username: str | None) -> User:
            return self.get(code__iexact=username)

    class User(Bare, PermissionsMixin):
        code = models.CharField(max_length=20, unique=True)
        first_name = gettext_lazy("Ada")
        objects = AnyCase()
        USERNAME_FIELD = "code"

        def get_username(self) -> str:
            return self.code.lower()


def proxy() -> None:
    class Human(AbstractUser):
        pass

    class User(Human):
        class Meta:
            proxy = True


def child() -> None:
    class Human(AbstractUser):
        pass

    class User(Human):
        course = models.CharField(max_length=20, default="logic")


def soft_deleted() -> None:
    class Visible(UserManager):  # type: ignore[type-arg]
        use_in_migrations = False

        def get_queryset(self) -> Any:
            return super().get_queryset().filter(is_deleted=False)

    class User(AbstractUser):
        is_deleted = models.BooleanField(default=False)
        objects = Visible()  # type: ignore[misc, assignment]


def no_groups() -> None:
    class User(Bare, Superuser):
        username = models.CharField(max_length=20, unique=True)
        USERNAME_FIELD = "username"


def other_groups() -> None:
    class Team(models.Model):
        title = models.CharField(max_length=20)

    class User(Bare, Superuser):
        username = models.CharField(max_length=20, unique=True)
        groups = models.ManyToManyField(Team)
        USERNAME_FIELD = "username"


def groups_by_another_name() -> None:
    class User(Bare, Superuser):
        username = models.CharField(max_length=20, unique=True)
        groups = models.CharField(max_length=20, default="registrar")
        roles = models.ManyToManyField(Group)
        USERNAME_FIELD = "username"


def one_group() -> None:
    class User(Bare, Superuser):
        username = models.CharField(max_length=20, unique=True)
        group = models.ForeignKey(Group, models.CASCADE, null=True)
        USERNAME_FIELD = "username"


def groups_of_a_proxy() -> None:
    class Role(Group):
        class Meta:
            proxy = True

    class User(Bare, Superuser):
        username = models.CharField(max_length=20, unique=True)
        groups = models.ManyToManyField(Role, through="Membership")
        administered = models.ManyToManyField(Group, related_name="administrators")
        USERNAME_FIELD = "username"

    class Membership(models.Model):
        user = models.ForeignKey(User, models.CASCADE)
        role = models.ForeignKey(Role, models.CASCADE)
        since = models.DateTimeField(auto_now_add=True)


def groups_of_several_meanings() -> None:
    class User(Bare, Superuser):
        username = models.CharField(max_length=20, unique=True)
        wanted = models.ManyToManyField(Group, related_name="wanting")
        banned = models.ManyToManyField(Group, related_name="banning")
        USERNAME_FIELD = "username"


def no_password() -> None:
    class User(Bare, Superuser):
        password = None  # type: ignore[assignment]
        username = models.CharField(max_length=20, unique=True)
        USERNAME_FIELD = "username"


def composite() -> None:
    class User(Bare, Superuser):
        pk = models.CompositePrimaryKey("school", "number")
        school = models.IntegerField()
        number = models.IntegerField()
        username = models.CharField(max_length=20, unique=True)
        USERNAME_FIELD = "username"


globals()[os.environ["USER_MODEL"]]()


class Note(models.Model):
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
