"""`rotation.decide` with other limits or with a line of it changed, to see what the game says of that."""

from __future__ import annotations

import inspect
from typing import Any

from django_ironclad.tokens import reuse


def decide_otherwise(*changes: tuple[str, str], **limits: int) -> Any:
    """The function with each text in the place of another, and with these limits. Raises ValueError."""
    source = inspect.getsource(reuse.decide) + "\n" + inspect.getsource(reuse._decide_for_parent)
    for old, new in changes:
        if source.count(old) != 1:
            raise ValueError(f"{old!r} is {source.count(old)} times in it")
        source = source.replace(old, new)
    names = {**vars(reuse), **limits}
    exec(compile(source, reuse.__file__, "exec"), names)  # noqa: S102 - our own source
    return names["decide"]
