"""What the package depends on: little, each with its reason written down, and every version of it pinned."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PAGE = (ROOT / "docs/dependencies.md").read_text()


def table(title: str) -> list[list[str]]:
    """The rows of the section's table, each a list of its cells."""
    section = PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    return [
        [cell.strip() for cell in row.strip("| ").split(" | ")] for row in re.findall(r"^\| .+$", section, re.MULTILINE)
    ][1:]


def named(*extras: str) -> list[tuple[str, str]]:
    """Each package that pyproject.toml names in one of the extras, but ourselves, with the extra."""
    lines = [(line, extra) for extra in extras for line in PROJECT["optional-dependencies"][extra]]
    names = [(canonicalize_name(Requirement(line).name), extra) for line, extra in lines]
    return sorted((name, extra) for name, extra in names if name != PROJECT["name"])


def test_the_page_names_what_pyproject_lists_and_no_more() -> None:
    core = sorted(canonicalize_name(Requirement(line).name) for line in PROJECT["dependencies"])
    tools = ("demo", "dev")
    extras = [extra for extra in PROJECT["optional-dependencies"] if extra not in tools]

    assert sorted(row[0].strip("`") for row in table("Always")) == core
    for title, of_these in (("By an extra", extras), ("For the demo and the work on it", tools)):
        assert sorted((row[0].strip("`"), row[1].strip("`")) for row in table(title)) == named(*of_these)
    assert all(all(row) for title in ("Always", "By an extra") for row in table(title))


def test_the_page_names_what_the_client_is_built_with_and_it_needs_nothing_to_run() -> None:
    client = json.loads((ROOT / "client/package.json").read_text())
    rows = table("For the browser client")

    assert sorted(name for row in rows for name in re.findall(r"`([^`]+)`", row[0])) == sorted(
        client["devDependencies"]
    )
    assert "dependencies" not in client
    assert client["peerDependenciesMeta"].keys() == client["peerDependencies"].keys()
    assert all(peer["optional"] for peer in client["peerDependenciesMeta"].values())


def pins(name: str) -> dict[str, str]:
    lines = [line for line in (ROOT / name).read_text().splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in lines)
    return {canonicalize_name(line.partition("==")[0]): line.partition("==")[2] for line in lines}


#: What else may be installed with a package, on another Python than this one.
OTHER_PYTHONS = [{"python_version": f"3.{minor}", "python_full_version": f"3.{minor}.0"} for minor in (11, 12, 13)]


def needed(name: str, extra: str, seen: set[tuple[str, str]], elsewhere: set[str]) -> Iterator[str]:
    """What is installed with this package and its extra, by what the installed packages say of themselves.

    What they want on another Python only goes into `elsewhere`.
    """
    if (name, extra) in seen:
        return
    seen.add((name, extra))
    yield name
    for line in distribution(name).requires or ():
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
            for wanted in requirement.extras | {""}:
                yield from needed(canonicalize_name(requirement.name), wanted, seen, elsewhere)
        elif any(requirement.marker.evaluate({"extra": extra, **other}) for other in OTHER_PYTHONS):
            elsewhere.add(canonicalize_name(requirement.name))


def test_every_package_that_any_extra_brings_is_pinned_and_no_other() -> None:
    # Ourselves as the file says, which may have changed since the installation.
    seen = {(PROJECT["name"], "")}
    packages: set[str] = set()
    elsewhere: set[str] = set()
    lists = [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
    for requirement in (Requirement(line) for lines in lists for line in lines):
        name = canonicalize_name(requirement.name)
        if requirement.marker is not None and not requirement.marker.evaluate():
            elsewhere.add(name)
        elif name != PROJECT["name"]:
            packages |= {found for extra in requirement.extras | {""} for found in needed(name, extra, seen, elsewhere)}

    assert pins("constraints.txt").keys() - (elsewhere - packages) == packages
    assert pins("constraints-newest.txt").keys() <= packages


@pytest.mark.parametrize("name", ["constraints.txt", "constraints-newest.txt", "constraints-floors.txt"])
def test_a_pin_is_a_version_that_pyproject_allows(name: str) -> None:
    pinned = pins(name)
    lists = [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
    for requirement in (Requirement(line) for lines in lists for line in lines):
        version = pinned.get(canonicalize_name(requirement.name))
        assert version is None or version in requirement.specifier


def floors() -> dict[str, Version]:
    """Of each package that pyproject.toml names, the lowest version that it allows."""
    found = {}
    lists = [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
    for requirement in (Requirement(line) for lines in lists for line in lines):
        if canonicalize_name(requirement.name) != PROJECT["name"]:
            [floor] = [each.version for each in requirement.specifier if each.operator == ">="]
            found[canonicalize_name(requirement.name)] = Version(floor)
    return found


def test_the_floors_that_scripts_stress_tries_are_those_of_pyproject() -> None:
    tried = pins("constraints-floors.txt")

    assert {name: Version(tried[name]) for name in floors()} == floors()


def test_the_page_names_the_floors() -> None:
    rows = {row[0]: row[1] for row in table("Always")} | {row[0]: row[2] for row in table("By an extra")}

    assert rows.keys() <= {f"`{name}`" for name in floors()}
    for name, said in rows.items():
        assert Version(said) == floors()[name.strip("`")], name
