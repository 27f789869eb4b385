"""Whether a unit's code takes part in training: by its class, its name, its place and what it calls."""

from __future__ import annotations

from functools import lru_cache
from pathlib import PurePosixPath

from trainlint.analysis.facts import Unit
from trainlint.analysis.index.project import ProjectIndex
from trainlint.checks.view import UnitView
from trainlint.knowledge.roles import RoleWords, load_roles, words_of

TRAINING = "training"
NEUTRAL = "neutral"
SILENT = "silent"


def role_of(view: UnitView) -> str:
    """training: a gradient flows through this code; silent: none does, or its zeros are its own business.

    Else neutral.

    A helper that only silent code calls is silent too.
    """
    path, qualname = view.facts.path, view.facts.qualname
    role = _own_role(view.index, path, qualname)
    if role == SILENT or not qualname:
        return role
    callers = _callers(view.index).get(_last(qualname), ())
    others = [caller for caller in callers if caller != (path, qualname)]
    if others and all(_own_role(view.index, *caller) == SILENT for caller in others):
        return SILENT
    return role


def _own_role(index: ProjectIndex, path: str, qualname: str) -> str:
    roles = load_roles()
    unit = index.unit(path, qualname)
    function = _last(qualname)
    if unit is None or _without_gradient(unit) or function in roles.silent_functions:
        return SILENT
    score = _class_score(index, path, qualname) + _name_score(qualname, function, roles) + _place_score(path)
    if _trains(unit, roles):
        score += 2
    if score >= 2:
        return TRAINING
    return NEUTRAL if score >= 0 else SILENT


def _last(qualname: str) -> str:
    return qualname.rpartition(".")[2].partition("#")[0]


@lru_cache(maxsize=1)
def _callers(index: ProjectIndex) -> dict[str, tuple[tuple[str, str], ...]]:
    """Units by the last name of what they call.

    Names that several definitions share are told apart by no one here.
    """
    found: dict[str, dict[tuple[str, str], None]] = {}
    for path, outline in index.outlines.items():
        if {"test", "tests", "testing"}.intersection(words_of(path)):
            continue
        for unit in outline.units:
            for call in unit.calls:
                found.setdefault(call.rpartition(".")[2], {})[path, unit.qualname] = None
    return {name: tuple(units) for name, units in found.items()}


def is_differentiable_library(view: UnitView) -> bool:
    """Whether code without a role of its own is a function, or a method of a module.

    That others may differentiate.
    """
    owner = view.facts.qualname.rpartition(".")[0]
    return not owner or _class_score(view.index, view.facts.path, view.facts.qualname) > 0


def holds_tensors(view: UnitView) -> bool:
    """Whether a value of unknown kind is a tensor here: in a method of a module.

    Or where no arrays are at hand.
    """
    if _class_score(view.index, view.facts.path, view.facts.qualname) > 0:
        return True
    heads = {imported.target.partition(".")[0] for imported in view.outline.imports}
    return not heads & {"numpy", "pandas", "scipy"}


def trains_itself(view: UnitView) -> bool:
    """Whether the unit itself calls for gradients."""
    unit = view.index.unit(view.facts.path, view.facts.qualname)
    return unit is not None and _trains(unit, load_roles())


def _trains(unit: Unit, roles: RoleWords) -> bool:
    return any(call.rpartition(".")[2] in roles.training_calls for call in unit.calls)


def _without_gradient(unit: Unit) -> bool:
    return any("no_grad" in text or "inference_mode" in text for text in unit.decorators)


def _class_score(index: ProjectIndex, path: str, qualname: str) -> int:
    roles = load_roles()
    owner = qualname.rpartition(".")[0]
    unit = index.unit(path, owner) if owner else None
    if unit is None or unit.kind != "class":
        return 0
    derived = index.is_subclass_of(path, owner, roles.training_classes)
    if derived is None:
        derived = any(base.rpartition(".")[2] in roles.training_bases for base in unit.bases)
    words = frozenset(words_of(owner.rpartition(".")[2]))
    if words & roles.silent_words:
        return -3
    return 2 if derived or words & {"loss", "criterion"} else 0


def _name_score(qualname: str, function: str, roles: RoleWords) -> int:
    words = words_of(function)
    found = frozenset(words)
    if found & roles.silent_words:
        return -3
    if not qualname:
        return 0
    if function in roles.training_functions or found & {"loss", "losses", "criterion"}:
        return 2
    if found & (roles.training_functions - {"train", "call"}):
        return 2
    return 1 if found & roles.supporting_functions else 0


@lru_cache(maxsize=4096)
def _place_score(path: str) -> int:
    roles = load_roles()
    place = PurePosixPath(path)
    parts = [*place.parts[:-1], place.stem]
    words = {word for part in parts for word in words_of(part)}
    score = 2 if words & roles.training_places else 0
    return score - 3 if words & roles.silent_places else score
