"""Whoever wants to know is told: one log line, one signal."""

from __future__ import annotations

import json
import logging
from typing import Any

from django.dispatch import Signal

from ..models import Session
from ..user_model import naming

logger = logging.getLogger("django_ironclad")


def tell(signal: Signal, event: str, session: Session, *, level: int = logging.INFO, **facts: Any) -> None:
    """One log line and one signal. Nothing in it is secret, and JSON keeps a line one line."""
    line = {"session": str(session.pk), "user": naming.key_text(session.user_id), **facts}
    # The one control character that JSON leaves as it is.
    text = json.dumps(line).replace("\x7f", "\\u007f")
    logger.log(level, "%s %s", event, text, extra={"event": event, **line})
    signal.send_robust(Session, session=session, **facts)
