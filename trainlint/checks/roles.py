"""Whether a unit's code takes part in training: by its class, its name, its place and what it calls."""

from __future__ import annotations

from functools import lru_cache
from pathlib import PurePosixPath

from trainlint.analysis.facts import Candidate, Unit
from trainlint.analysis.index.callers import callers_by_name, calls_to, last_name
from trainlint.analysis.index.project import ProjectIndex
from trainlint.checks.view import UnitView
from trainlint.knowledge.roles import RoleWords, load_roles, words_of

TRAINING = "training"
NEUTRAL = "neutral"
SILENT = "silent"

_ASIDE = "aside"
"""Silent only for its folder (scripts, tools): what is wrong there is worth telling, what may be is not."""

_WITHOUT_ROLE = (NEUTRAL, _ASIDE)
"""What a unit is by itself that only its callers can say more about."""

_ASIDE_PENALTY = 2
_CALLER_DEPTH = 3
_MOST_CALLERS = 12

_TESTS = frozenset({"test", "tests", "testing"})
_LOADERS = frozenset({"load_state_dict", "load", "load_from_checkpoint", "load_weights", "from_pretrained"})
_TRAINERS = frozenset("train training trainer fit backward minimize step optimizer optim adam sgd".split())


def role_of(view: UnitView) -> str:
    """training: a gradient flows through this code; silent: none does, or its zeros are its own business.

    Else neutral.

    A helper that only silent code calls is silent too.
    """
    role = _role(view.index, view.facts.path, view.facts.qualname)
    return SILENT if role == _ASIDE else role


def _role(index: ProjectIndex, path: str, qualname: str) -> str:
    role = _own_role(index, path, qualname)
    if role == SILENT or not qualname:
        return role
    callers = _callers(index, last_name(qualname))
    others = [caller for caller in callers if caller != (path, qualname)]
    if others and all(_own_role(index, *caller) == SILENT for caller in others):
        return SILENT
    if role in _WITHOUT_ROLE and _is_called_in_training(index, path, qualname, _CALLER_DEPTH):
        return TRAINING
    return role


@lru_cache(maxsize=4096)
def _is_called_in_training(index: ProjectIndex, path: str, qualname: str, depth: int) -> bool:
    """Whether code that a gradient flows through calls this function, itself or through another helper."""
    for caller in _callers(index, last_name(qualname))[:_MOST_CALLERS]:
        if caller == (path, qualname) or not calls_to(index, caller, (path, qualname)):
            continue
        role = _own_role(index, *caller)
        if role == TRAINING:
            return True
        if role in _WITHOUT_ROLE and depth > 1 and _is_called_in_training(index, *caller, depth - 1):
            return True
    return False


def role_of_candidate(view: UnitView, candidate: Candidate, *, of_value: bool = False) -> str:
    """The role of a site: training where its value reaches what the unit itself minimises.

    Else the unit's; where the operand is handed to another unit, that of either, if none is silent.
    `of_value`: it is the value itself that goes wrong, so that the folder alone (scripts, tools) does not
    make the code silent.
    """
    if "role" not in candidate.open and not is_test(view.facts.path):
        return TRAINING
    roles = [_role(view.index, view.facts.path, view.facts.qualname)]
    if candidate.path:
        roles.append(_role(view.index, candidate.path, candidate.qualname))
    role = next((each for each in (SILENT, TRAINING, _ASIDE) if each in roles), NEUTRAL)
    return (NEUTRAL if of_value else SILENT) if role == _ASIDE else role


@lru_cache(maxsize=4096)
def is_test(path: str) -> bool:
    """Whether a file holds tests: `tests/…`, `test_x.py`, `x_test.py`; a script `test.py` need not."""
    place = PurePosixPath(path)
    words = {word for part in place.parts[:-1] for word in words_of(part)}
    return bool(words & _TESTS) or (
        place.stem not in _TESTS and bool(_TESTS.intersection(words_of(place.stem)))
    )


def _own_role(index: ProjectIndex, path: str, qualname: str) -> str:
    roles = load_roles()
    unit = index.unit(path, qualname)
    function = last_name(qualname)
    if unit is None or _without_gradient(unit) or _only_infers(unit) or function in roles.silent_functions:
        return SILENT
    score = _class_score(index, path, qualname) + _name_score(qualname, function, roles)
    trains, (place, aside) = _trains(unit, roles), _place_score(path)
    if trains:
        score += 2
    # A script that trains is training code, in whichever folder it lies; a test that does is a test.
    score += max(place, 0) if trains and not is_test(path) else place
    if score >= 2:
        return TRAINING
    if score >= 0:
        return NEUTRAL
    return _ASIDE if score + aside >= 0 else SILENT


@lru_cache(maxsize=4096)
def _callers(index: ProjectIndex, name: str) -> tuple[tuple[str, str], ...]:
    """The units outside of tests that call something of this last name."""
    return tuple(caller for caller in callers_by_name(index).get(name, ()) if not is_test(caller[0]))


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


def _only_infers(unit: Unit) -> bool:
    """Whether a unit loads weights and runs the network in evaluation mode, and trains nothing."""
    names = {call.rpartition(".")[2] for call in unit.calls}
    if "eval" not in names or names.isdisjoint(_LOADERS):
        return False
    return _TRAINERS.isdisjoint(word for name in names for word in words_of(name))


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
def _place_score(path: str) -> tuple[int, int]:
    """What a path says of the role, and what of it the folders beside a package's own code take away."""
    roles = load_roles()
    place = PurePosixPath(path)
    parts = [*place.parts[:-1], place.stem]
    words = {word for part in parts for word in words_of(part)}
    score = 2 if words & roles.training_places else 0
    if words & roles.silent_places:
        return score - 3, 0
    aside = _ASIDE_PENALTY if words & roles.side_places else 0
    return score - aside, aside


def is_in_training(_: UnitView, role: str) -> bool:
    """Whether a role is that of training code."""
    return role == TRAINING


def may_be_differentiated(unit: UnitView, role: str) -> bool:
    """Whether a gradient flows through a unit, or others may differentiate it."""
    return role == TRAINING or (role == NEUTRAL and is_differentiable_library(unit))
