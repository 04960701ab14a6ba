"""What is published: the files of wheel and sdist, the bill of materials, and one version for both packages."""

from __future__ import annotations

import hashlib
import json
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[2]
#: Where the examples find the client.
OURS = "file:../../client"


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
    bill = "sboms/django-ironclad.cdx.json"
    assert about == {"METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE", bill}
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
    more |= {"hatch_build.py", "client/package.json"}
    assert files == more | {f"src/{file}" for file in package_files()}


@pytest.fixture(scope="module")
def wheel(packages: Path) -> dict[str, bytes]:
    """The wheel's files, by their names."""
    (file,) = packages.glob("*.whl")
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def bill(wheel: dict[str, bytes]) -> str:
    (name,) = (name for name in wheel if ".dist-info/sboms/" in name)
    return wheel[name].decode()


def test_the_bill_of_materials_follows_its_schema(bill: str) -> None:
    assert JsonStrictValidator(SchemaVersion.V1_7).validate_str(bill) is None


def test_the_bill_of_materials_names_what_the_package_wants_installed(bill: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    lines = [line for extra in extras.keys() - {"demo", "dev"} for line in extras[extra]]
    wanted = {(line, "required") for line in project["dependencies"]} | {(line, "optional") for line in lines}

    said = json.loads(bill)
    this, components = said["metadata"]["component"], said["components"]
    assert (this["name"], this["version"]) == (project["name"], project["version"])
    assert this["licenses"] == [{"license": {"id": project["license"]}}]
    assert {
        (component["name"], component["versionRange"], component["scope"])
        for component in components
        if component.get("isExternal")
    } == {
        (requirement.name, f"vers:pypi/{requirement.specifier}", scope)
        for requirement, scope in ((Requirement(line), scope) for line, scope in wanted)
    }
    assert said["dependencies"] == [
        {"ref": this["bom-ref"], "dependsOn": [component["bom-ref"] for component in components]}
    ]


def test_the_bill_of_materials_has_the_digest_of_each_file_of_the_client(bill: str, wheel: dict[str, bytes]) -> None:
    (client,) = (component for component in json.loads(bill)["components"] if not component.get("isExternal"))

    assert client["version"] == json.loads((ROOT / "client/package.json").read_text())["version"]
    assert {part["name"]: part["hashes"] for part in client["components"]} == {
        name: [{"alg": "SHA-256", "content": hashlib.sha256(content).hexdigest()}]
        for name, content in wheel.items()
        if name.endswith(".js")
    }


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


@pytest.mark.parametrize("folder", ["client", "examples/react", "examples/vue", "examples/angular"])
def test_a_lock_file_names_no_registry_so_that_anybodys_will_do(folder: str) -> None:
    lock = json.loads((ROOT / folder / "package-lock.json").read_text())
    foreign = [package for name, package in lock["packages"].items() if name and package.get("resolved") != OURS]

    assert all("integrity" in package and "resolved" not in package for package in foreign)
