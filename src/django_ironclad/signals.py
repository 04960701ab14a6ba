"""What happens to sessions, for whoever wants to know; each is sent by `Session` with `session=`."""

from __future__ import annotations

from django.dispatch import Signal

#: A login began a session.
session_started = Signal()
#: A refresh token was answered; `how=` is "rotated", "repeated" (in grace), "withheld", "late" or "behind".
session_refreshed = Signal()
#: Its person has proved once more who they are.
session_reauthenticated = Signal()
#: A session ended before its time; `reason=` says why.
session_revoked = Signal()
#: A refresh token was used by two parties: one of them is a thief. The session ends, too.
refresh_token_reused = Signal()
