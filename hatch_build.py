"""The bill of materials (CycloneDX) that a wheel carries in `.dist-info/sboms/`, as PEP 770 has it.

It names what the wheel contains that is not Python of ours, with its digests, and what the package wants installed.
It is the same for the same sources: it has no time, and its serial number is a digest of the rest.
"""

from __future__ import annotations

import json
import tempfile
import uuid
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.core import ProjectMetadata
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

STATIC = "src/django_ironclad/static/django_ironclad"
#: Extras for the work on this package: nobody's service installs them.
TOOLS = {"demo", "dev"}


class BillOfMaterials(BuildHookInterface[Any]):
    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        self._folder = tempfile.TemporaryDirectory()
        file = Path(self._folder.name, f"{self.metadata.name}.cdx.json")
        file.write_text(json.dumps(bill_of_materials(Path(self.root), self.metadata), indent=2) + "\n")
        build_data["sbom_files"].append(str(file))

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        if version != "editable":
            self._folder.cleanup()


def bill_of_materials(root: Path, metadata: ProjectMetadata[Any]) -> dict[str, Any]:
    this = f"pkg:pypi/{metadata.name}@{metadata.version}"
    components = [client(root), *required(metadata)]
    bill = {
        "$schema": "http://cyclonedx.org/schema/bom-1.7.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.7",
        "version": 1,
        "metadata": {
            "lifecycles": [{"phase": "build"}],
            "component": {
                "type": "library",
                "bom-ref": this,
                "name": metadata.name,
                "version": metadata.version,
                "licenses": [{"license": {"id": metadata.core.license_expression}}],
                "purl": this,
            },
        },
        "components": components,
        "dependencies": [{"ref": this, "dependsOn": [component["bom-ref"] for component in components]}],
    }
    digest = sha256(json.dumps(bill).encode()).hexdigest()
    return {**bill, "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, digest)}"}


def client(root: Path) -> dict[str, Any]:
    """The browser client, as its files were built and committed."""
    about = json.loads((root / "client/package.json").read_text())
    package = f"pkg:npm/{about['name']}@{about['version']}"
    return {
        "type": "library",
        "bom-ref": package,
        "name": about["name"],
        "version": about["version"],
        "licenses": [{"license": {"id": about["license"]}}],
        "purl": package,
        "components": [
            {
                "type": "file",
                "name": file.relative_to(root / "src").as_posix(),
                "hashes": [{"alg": "SHA-256", "content": sha256(file.read_bytes()).hexdigest()}],
            }
            for file in sorted((root / STATIC).iterdir())
        ],
    }


def required(metadata: ProjectMetadata[Any]) -> Iterator[dict[str, Any]]:
    """What is installed beside the package: always, or with one of its extras. In the wheel is none of it."""
    core = metadata.core
    extras = [extra for extra in core.optional_dependencies if extra not in TOOLS]
    optional = [line for extra in extras for line in core.optional_dependencies[extra]]
    for line in [*core.dependencies, *optional]:
        requirement = Requirement(line)
        name = canonicalize_name(requirement.name)
        limits = "|".join(sorted(str(limit) for limit in requirement.specifier))
        yield {
            "type": "library",
            "bom-ref": f"pkg:pypi/{name}",
            "name": name,
            "versionRange": f"vers:pypi/{limits or '*'}",
            "isExternal": True,
            "scope": "required" if line in core.dependencies else "optional",
            "purl": f"pkg:pypi/{name}",
        }
