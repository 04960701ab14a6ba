"""What the package does not do, read from its source: no behaviour could show it."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src/django_ironclad"
TREES = {path.relative_to(SOURCE).as_posix(): ast.parse(path.read_text()) for path in sorted(SOURCE.rglob("*.py"))}


def imported() -> set[str]:
    """Every module of others that any module of ours imports, with its packages: `a.b` is `a` too."""
    names: set[str] = set()
    for tree in TREES.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return {".".join(name.split(".")[: end + 1]) for name in names for end in range(name.count(".") + 1)}


def words(*files: str) -> Iterator[str]:
    """The texts in these modules, docstrings among them."""
    for file in files:
        for node in ast.walk(TREES[file]):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def test_the_source_is_read() -> None:
    assert {"tokens/algorithms.py", "tokens/signed.py", "contrib/drf_jwt/views.py"} <= TREES.keys()
    assert {"hmac", "cryptography", "cryptography.exceptions", "django.db"} <= imported()
    assert "HS256" in set(words("tokens/algorithms.py"))


def test_there_are_four_algorithms_and_none_is_none() -> None:
    heart = set(words(*(file for file in TREES if file.startswith("tokens/"))))

    assert {word for word in heart if re.fullmatch(r"[HREP]S\d{3}K?|EdDSA|dir", word)} == {
        "HS256",
        "EdDSA",
        "ES256",
        "RS256",
    }
    assert not {word for word in heart if word.lower() == "none"}


def test_the_text_of_a_token_is_decoded_in_one_module() -> None:
    """There is no function that reads a token without verifying it; tests may take their own tokens apart."""
    decoding = {
        file
        for file, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "b64decode"
    }

    assert decoding == {"tokens/signed.py", "testing/__init__.py"}


def test_the_package_calls_nobody() -> None:
    """No address in a token, or anywhere, can make it open a connection."""
    network = {"ssl", "http.client", "urllib.request", "smtplib", "ftplib", "subprocess", "multiprocessing"}

    assert not imported() & (network | {"requests", "httpx", "aiohttp", "urllib3"})
    # A database that hangs is hung up on, by the socket that its driver has opened.
    using = {
        (file, node.attr)
        for file, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "socket"
    }
    assert using == {("database/waiting.py", name) for name in ("fromfd", "AF_INET", "SOCK_STREAM", "SHUT_RDWR")}
    assert not {name for name in imported() if name.startswith("socket.")}


def test_nothing_is_pickled_or_kept_in_a_cache_that_others_write() -> None:
    assert not imported() & {"pickle", "marshal", "shelve", "dill", "django.core.cache"}
    # Of YAML, our own file, by the loader that makes nothing but texts and numbers.
    loading = {
        (file, node.attr)
        for file, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "yaml"
    }
    assert loading == {("contrib/openapi.py", "safe_load")}


def test_what_nobody_may_guess_comes_from_the_operating_system() -> None:
    uuids = {
        node.attr
        for tree in TREES.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "uuid"
    }

    assert not imported() & {"random", "numpy", "django.utils.crypto.get_random_string"}
    assert uuids <= {"uuid4", "UUID"}


def test_no_secret_is_compared_by_an_operator() -> None:
    secret = {"mac", "signature", "secret", "seed", "password"}
    compared = [
        (file, node.lineno)
        for file, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq | ast.NotEq | ast.In | ast.NotIn)
        for side in (node.left, *node.comparators)
        if getattr(side, "attr", getattr(side, "id", "")) in secret
    ]

    assert compared == []


def test_nothing_hangs_on_an_assertion() -> None:
    """`python -O` leaves them out."""
    assert not [file for file, tree in TREES.items() for node in ast.walk(tree) if isinstance(node, ast.Assert)]


def test_at_run_time_django_and_cryptography_are_needed_and_in_the_browser_nothing() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    client = json.loads((ROOT / "client/package.json").read_text())

    assert {re.split(r"\W", need)[0].lower() for need in project["dependencies"]} == {"django", "cryptography"}
    assert not client.keys() & {"dependencies", "optionalDependencies"}
    optional = {name for name, about in client["peerDependenciesMeta"].items() if about == {"optional": True}}
    assert client["peerDependencies"].keys() == optional
    assert not client["scripts"].keys() & {"preinstall", "install", "postinstall", "prepare"}
