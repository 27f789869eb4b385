"""Exact versions from lock files: Poetry, uv, PDM, pylock, Pipenv, pixi, conda-lock."""

from __future__ import annotations

import re
from collections.abc import Iterator

from trainlint.knowledge.distributions import normalized

_NAMES = re.compile(
    r"(?:^|[-_.])(?:poetry|uv|pdm|pixi|Pipfile)\.lock$|^pylock(?:\.[\w-]+)?\.toml$|^conda-lock\.ya?ml$"
)
_PACKAGE = re.compile(
    r"""^[ \t-]*name\s*[=:]\s*["']?([\w.-]+)["']?[ \t]*\r?\n[ \t]*version\s*[=:]\s*["']?([^"'\s]+)""",
    re.MULTILINE,
)
_PIPENV = re.compile(r'^\s{8}"([\w.-]+)":\s*\{(?:[^{}]|\{[^{}]*\})*?"version":\s*"==([^"]+)"', re.MULTILINE)
_ARCHIVE = re.compile(r"/([A-Za-z0-9_.-]+?)-(\d[\w.!+]*)-[\w.]+\.(?:conda|tar\.bz2|whl)")


def is_lock_file(name: str) -> bool:
    """Whether a file of this name holds the exact versions that a package manager chose."""
    return bool(_NAMES.search(name))


def locked_versions(name: str, text: str) -> dict[str, str]:
    """Normalized distribution → version, of those that the lock gives one version."""
    found: dict[str, str] = {}
    doubtful: set[str] = set()
    for package, version in _pairs(name, text):
        if found.setdefault(package, version) != version:
            doubtful.add(package)
    return {package: version for package, version in found.items() if package not in doubtful}


def _pairs(name: str, text: str) -> Iterator[tuple[str, str]]:
    if name == "Pipfile.lock":
        patterns = [_PIPENV]
    elif name == "pixi.lock":
        patterns = [_PACKAGE, _ARCHIVE]
    else:
        patterns = [_PACKAGE]
    for pattern in patterns:
        for match in pattern.finditer(text):
            yield normalized(match[1]), match[2]
