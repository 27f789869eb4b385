"""Who calls what, by the last name of a call."""

from __future__ import annotations

from functools import lru_cache

from trainlint.analysis.index.project import ProjectIndex

Place = tuple[str, str]
"""Path and qualified name of a unit."""


@lru_cache(maxsize=1)
def callers_by_name(index: ProjectIndex) -> dict[str, tuple[Place, ...]]:
    """Units by the last name of what they call.

    Names that several definitions share are told apart by no one here.
    """
    found: dict[str, dict[Place, None]] = {}
    for path, outline in index.outlines.items():
        for unit in outline.units:
            for call in unit.calls:
                found.setdefault(call.rpartition(".")[2], {})[path, unit.qualname] = None
    return {name: tuple(units) for name, units in found.items()}


def calls_to(index: ProjectIndex, caller: Place, callee: Place) -> bool:
    """Whether one of the calls that a unit writes means that function."""
    unit = index.unit(*caller)
    name = last_name(callee[1])
    for call in unit.calls if unit is not None else ():
        if call.rpartition(".")[2] == name:
            target = index.resolve(*caller, call)
            if (target.path, target.qualname) == callee:
                return True
    return False


def last_name(qualname: str) -> str:
    """The last name of a unit, without the count of a repeated definition."""
    return qualname.rpartition(".")[2].partition("#")[0]
