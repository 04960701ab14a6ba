"""What the report of a move consists of: findings, each with a code that the documentation has an anchor for."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

#: Who does it: the command itself, a person, nobody since it only has to be known, or nobody since it cannot be done.
Does = Literal["changes", "by hand", "to know", "stops"]

#: What each code is about. docs/ironclad_move.md has a section for each.
CODES: Final = {
    "M001": "an import that has a counterpart",
    "M002": "a dotted name in a text that has a counterpart",
    "M003": "INSTALLED_APPS",
    "M004": "the settings",
    "M005": "who reads tokens",
    "M010": "a name without a counterpart",
    "M011": "a token decoded or made by hand",
    "M012": "a token read from a cookie",
    "M013": "an authenticator called by hand",
    "M014": "UntypedToken",
    "M015": "their tables, queried",
    "M016": "a token for somebody who is no user",
    "M017": "get_token or validate overridden",
    "M018": "a token class of your own",
    "M019": "a user without a row",
    "M020": "their settings, read by your code",
    "M021": "their token backend",
    "M022": "a relation to their tables",
    "M023": "a file that cannot be read",
    "M030": "a setting that is translated",
    "M031": "a setting that the compatibility module honours",
    "M032": "a setting that cannot be kept",
    "M033": "a setting that stops the move",
    "M034": "a setting that is not theirs",
    "M040": "a URL that they serve",
    "M041": "their tokens that are alive",
    "M042": "tokens that no table knows",
    "M043": "others who may share the key",
    "M044": "sessions that will not rotate",
    "M050": "what this report could not do",
}


@dataclass(frozen=True, order=True)
class Finding:
    """One line of the report. `where` is a file, a setting, a URL or a table; `line` is 0 where there is none."""

    code: str
    where: str
    line: int
    does: Does
    says: str

    @property
    def place(self) -> str:
        return f"{self.where}:{self.line}" if self.line else self.where

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "title": CODES[self.code]}
