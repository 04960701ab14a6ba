"""The package as it is built: its wings and rooms, the floors that they are on, and who takes something of whom."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from .source import PACKAGE, Module, Source

ROOT: Final = Path(__file__).resolve().parents[2]
#: Where Django's own tool writes, not we.
EXEMPT: Final = "migrations"


class House:
    """The package below `root`: its modules by name, without migrations."""

    def __init__(self, root: Path = ROOT) -> None:
        self.root = root
        self.folder = root / "src" / PACKAGE
        self.modules = {module.names: module for module in map(self._module, _sources(self.folder))}

    def _module(self, path: Path) -> Module:
        *folders, name = path.relative_to(self.folder).with_suffix("").parts
        is_folder = name == "__init__"
        return Module(path, names=tuple(folders if is_folder else [*folders, name]), is_folder=is_folder)

    def sources(self) -> Iterator[Source]:
        """The files that stay small: the package's, and the demo's."""
        yield from self.modules.values()
        yield from map(Source, _sources(self.root / "demo"))

    def folders(self) -> list[Module]:
        """Every folder but the package itself, deep ones too."""
        return [module for module in self.modules.values() if module.is_folder and module.names]

    def wings(self) -> list[Module]:
        """The folders that say by `__all__` what others may take; every other one is a door, or full of them."""
        return [folder for folder in self.folders() if len(folder.names) == 1 and folder.named()]

    def rooms(self, folder: tuple[str, ...]) -> list[str]:
        return [names[-1] for names in self.modules if names and names[:-1] == folder]

    def floors(self) -> list[list[str]]:
        """The wings and doors on each floor, the highest first, as import-linter holds them."""
        return self._layers(PACKAGE)

    def ladder(self, wing: str) -> list[list[str]]:
        """The rooms of a wing as import-linter holds them, the highest first; on one step where it holds none."""
        rooms = sorted(self.rooms((wing,)))
        return self._layers(f"{PACKAGE}.{wing}") or [rooms] * bool(rooms)

    def _layers(self, container: str) -> list[list[str]]:
        contracts = tomllib.loads((self.root / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
        for contract in contracts:
            if container in contract.get("containers", ()):
                return [layer.split(" | ") for layer in contract["layers"]]
        return []

    def arrows(self) -> dict[str, set[str]]:
        """Which wings and doors each wing or door takes something of."""
        found: dict[str, set[str]] = {wing: set() for (wing, *_) in filter(None, self.modules)}
        for module in filter(lambda module: module.names, self.modules.values()):
            found[module.wing] |= {(taken.of or (taken.name,))[0] for taken in module.takes()} - {module.wing}
        return found


def _sources(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.py") if EXEMPT not in path.relative_to(folder).parts)
