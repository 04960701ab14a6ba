"""django-axes locks out who guesses passwords; here its refusal becomes 429 `rate_limited`, with the time to wait."""

from __future__ import annotations

from typing import Any

from axes.helpers import get_cool_off
from axes.signals import user_locked_out

#: Seconds to tell where axes has no end to a lockout: an operator has to lift it.
_NO_END = 24 * 3600


def watch() -> None:
    user_locked_out.connect(_note_wait, dispatch_uid="ironclad.note_wait")


def _note_wait(request: Any, **_: object) -> None:
    cool_off = get_cool_off(request)
    request.ironclad_retry_after = max(1, int(cool_off.total_seconds())) if cool_off else _NO_END
