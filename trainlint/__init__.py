"""Finds what is wrong or risky in deep-learning training code and configs, without running them.

    from pathlib import Path
    from trainlint import Settings, lint

    report = lint([Path("train.py")], Settings(strict=True))

Nothing is imported before it is asked for: `import trainlint` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from trainlint.version import VERSION

if TYPE_CHECKING:
    from trainlint.discovery.projects import PathError
    from trainlint.findings import Finding, Notice, Report, Severity, Span
    from trainlint.linter import lint
    from trainlint.settings.model import Settings, SettingsError

__all__ = [
    "Finding",
    "Notice",
    "PathError",
    "Report",
    "Settings",
    "SettingsError",
    "Severity",
    "Span",
    "__version__",
    "lint",
]

__version__ = VERSION

_HOMES = {
    "Finding": "trainlint.findings",
    "Notice": "trainlint.findings",
    "PathError": "trainlint.discovery.projects",
    "Report": "trainlint.findings",
    "Severity": "trainlint.findings",
    "Settings": "trainlint.settings.model",
    "SettingsError": "trainlint.settings.model",
    "Span": "trainlint.findings",
    "lint": "trainlint.linter",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
