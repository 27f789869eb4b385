"""Which files may compile a model of Keras, told by their outlines alone."""

from __future__ import annotations

from trainlint.analysis.facts import Unit
from trainlint.analysis.index.project import ProjectIndex

COMPILE = "compile"
_PACKAGES = frozenset({"keras", "tensorflow", "tf_keras"})
_SNIPPET = "Sequential"
_MODULES = frozenset({"re", "regex", "torch"})
"""What else has a function `compile`."""


def compiles_models(index: ProjectIndex, path: str) -> bool:
    """Whether a file may compile a model: it imports Keras, or is a snippet without imports."""
    outline = index.outlines.get(path)
    if outline is None or not any(may_compile(unit) for unit in outline.units):
        return False
    packages = {entry.target.partition(".")[0] for entry in outline.imports}
    return bool(packages & _PACKAGES) or any(_SNIPPET in unit.calls for unit in outline.units)


def may_compile(unit: Unit) -> bool:
    """Whether a unit calls a method `compile`."""
    parts = (name.rpartition(".") for name in unit.calls)
    return any(last == COMPILE and head and head not in _MODULES for head, _, last in parts)
