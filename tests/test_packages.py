"""What is published: the files of the wheel and of the sdist, and one version number for both packages."""

from __future__ import annotations

import json
import tarfile
import tomllib
import zipfile
from pathlib import Path

from packaging.version import Version

ROOT = Path(__file__).parents[1]


def package_files() -> set[str]:
    source = ROOT / "src"
    return {
        file.relative_to(source).as_posix()
        for file in (source / "django_ironclad").rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }


def test_the_wheel_is_the_package_its_metadata_and_its_licence(packages: Path) -> None:
    (wheel,) = packages.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        files = {file for file in archive.namelist() if ".dist-info/" not in file}
        about = {file.partition(".dist-info/")[2] for file in archive.namelist()} - {""}

    assert files == package_files()
    assert about == {"METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE"}
    # Without these it would still be importable.
    assert files >= {
        "django_ironclad/py.typed",
        "django_ironclad/migrations/0001_initial.py",
        "django_ironclad/static/django_ironclad/ironclad.js",
        "django_ironclad/templatetags/ironclad.py",
    }
    assert {Path(file).suffix for file in files} == {".py", ".js", ".typed", ".yaml"}


def test_the_sdist_is_what_the_wheel_is_built_from_and_no_more(packages: Path) -> None:
    (sdist,) = packages.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        files = {name.partition("/")[2] for name in archive.getnames()}

    more = {"pyproject.toml", "PKG-INFO", ".gitignore", "README.md", "CHANGELOG.md", "LICENSE"}
    assert files == more | {f"src/{file}" for file in package_files()}


def test_the_python_package_and_the_npm_package_have_one_version() -> None:
    """0.1.0.dev0 and 0.1.0-dev.0 are one: PEP 440 reads both."""
    python = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    client = json.loads((ROOT / "client/package.json").read_text())
    lock = json.loads((ROOT / "client/package-lock.json").read_text())

    assert client["name"] == "django-ironclad"
    assert Version(client["version"]) == Version(python)
    assert client["version"] == lock["version"] == lock["packages"][""]["version"]


def test_both_packages_carry_the_same_licence() -> None:
    assert (ROOT / "client/LICENSE").read_text() == (ROOT / "LICENSE").read_text()
    assert (ROOT / "client/README.md").read_text().startswith("# django-ironclad")
