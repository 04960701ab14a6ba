"""Whoever wants to know is told: one log line, one signal."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.dispatch import Signal

from ..models import Session
from ..user_model import naming

logger = logging.getLogger("django_ironclad")


def tell(signal: Signal, event: str, session: Session, *, level: int = logging.INFO, **facts: Any) -> None:
    """One log line and one signal. Nothing in it is secret, and JSON keeps a line one line.

    Neither can fail: the row has moved, and an answer that is lost now is a doubt, or an end.
    """
    line = {"session": str(session.pk), "user": naming.key_text(session.user_id), **facts}
    with _printed_at_most():
        logger.log(level, "%s %s", event, json.dumps(line), extra={"event": event, **line})
    with _printed_at_most():
        signal.send_robust(Session, session=session, **facts)


@contextmanager
def _printed_at_most() -> Iterator[None]:
    """What a handler or a filter of the log raises is on stderr, as `logging.Handler.handleError` has it."""
    try:
        yield
    except Exception:  # noqa: BLE001 - nobody knows what a project's own handler raises
        traceback.print_exc()
