"""What the victim of a thief does in a turn, how long he stays away before it, and when the thief may come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

#: What the victim does in a turn: second, what, answer. "again" presents what was read at second 0, whatever was stored
#: since. An answer is kept, lost, or held back until "store".
Script = Sequence[tuple[int, str, str]]
PLAIN: Final[Mapping[str, Script]] = {"plain": [(0, "ask", "kept")]}
SCRIPTS: Final[Mapping[str, Script]] = {
    **PLAIN,
    "lost": [(0, "ask", "lost")],
    "lost, retried after 4 s": [(0, "ask", "lost"), (4, "ask", "kept")],
    "lost, retried after 13 s": [(0, "ask", "lost"), (13, "ask", "kept")],
    "lost twice, 4 s": [(0, "ask", "lost"), (4, "ask", "lost")],
    "lost twice, 13 s": [(0, "ask", "lost"), (13, "ask", "lost")],
    "two tabs, 4 s": [(0, "ask", "kept"), (4, "again", "kept")],
    "two tabs, 4 s, first lost": [(0, "ask", "lost"), (4, "again", "kept")],
    "two tabs, 4 s, second lost": [(0, "ask", "kept"), (4, "again", "lost")],
    "two tabs, 4 s, overtaken": [(0, "ask", "held"), (4, "again", "kept"), (7, "store", "")],
    "two tabs, 13 s": [(0, "ask", "kept"), (13, "again", "kept")],
    "two tabs, 13 s, first lost": [(0, "ask", "lost"), (13, "again", "kept")],
    "two tabs, 22 s": [(0, "ask", "kept"), (22, "ask", "kept")],
}
#: Enough against a victim who asks once a turn: one moment in each class of ages.
FEW_MOMENTS: Final[Sequence[int]] = (-25, -15, -5, 5, 15, 26)
#: How long the victim may stay away before a turn, in turns.
GAPS: Final[Mapping[str, Sequence[int]]] = {"works": [1], "hourly": [12], "any": [1, 12, 300]}
