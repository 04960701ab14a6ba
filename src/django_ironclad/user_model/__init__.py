"""What a project's user model is like: which classes it is, its keys and names as texts, its groups."""

from . import groups, naming
from .classes import are_ours, is_user, may_decide, user_classes, user_key
from .groups import join

__all__ = ["are_ours", "groups", "is_user", "join", "may_decide", "naming", "user_classes", "user_key"]
