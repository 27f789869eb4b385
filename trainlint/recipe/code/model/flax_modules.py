"""Modules of Flax, whose forward pass is called through `apply`."""

from __future__ import annotations

from trainlint.analysis.evaluation.values import Frame, Resolved
from trainlint.analysis.facts import Term
from trainlint.recipe.code.observe import Observations

_APPLY = "apply"
_FUNCTION = "apply_fn"
_MUTABLE = "mutable"
_MODULES = frozenset({"flax.linen.Module", "flax.linen.module.Module"})


def applied_module(seen: Observations, frame: Frame, callee: Term) -> Resolved | None:
    """The module whose forward pass a call runs: `model.apply(…)`, or `state.apply_fn(…)` where the program
    makes its states of one module; None for all other callees."""
    if callee.op != "attr":
        return None
    if callee.name == _APPLY:
        return _module(seen, frame, callee.args[0])
    if callee.name != _FUNCTION:
        return None
    modules = [module for module in _given(seen) if module is not None]
    return modules[0] if len({module.name for module in modules}) == 1 else None


def without_state(call: Term, parts: tuple[int, ...]) -> tuple[int, ...]:
    """The positions in what the module gives: with `mutable=` the call gives that and the new state."""
    return parts[1:] if _MUTABLE in call.keys and parts[:1] == (0,) else parts


def _given(seen: Observations) -> list[Resolved | None]:
    """The modules whose `apply` the program hands to its training states."""
    found = []
    for call in seen.calls:
        term = call.frame.term(call.term)
        for key, argument in zip(term.keys, term.args[1:], strict=True):
            if key == _FUNCTION:
                record = call.frame.term(argument)
                known = record.op == "attr" and record.name == _APPLY
                found.append(_module(seen, call.frame, record.args[0]) if known else None)
    return found if all(found) else []


def _module(seen: Observations, frame: Frame, index: int) -> Resolved | None:
    """The module of the project that an expression stands for."""
    value = seen.evaluator.value(frame, index)
    if value.kind != "instance":
        return None
    path, _, qualname = value.name.partition("::")
    bases = {seen.evaluator.knowledge.canonical(base) for base in seen.program.foreign_bases(path, qualname)}
    return value if bases & _MODULES else None
