"""Keras models that a file compiles and does not fit: what they are trained with is said all the same."""

from __future__ import annotations

from collections.abc import Iterator

from trainlint.analysis.evaluation.values import Frame
from trainlint.analysis.facts import Event, Unit
from trainlint.findings import Span
from trainlint.recipe.code.leaves import derived
from trainlint.recipe.code.model.compile_signs import COMPILE, may_compile
from trainlint.recipe.code.model.compiled import Compiled, CompiledModels, loss_argument
from trainlint.recipe.code.model.endings import Endings
from trainlint.recipe.code.model.outputs import compiled_element
from trainlint.recipe.code.observe import Call, Observations
from trainlint.recipe.code.programs import Program
from trainlint.recipe.model import Recipe

_METHODS = frozenset({COMPILE, "add", "pop", "fit", "fit_generator", "train_on_batch"})


def model_recipe(program: Program, trains: bool) -> Recipe | None:
    """What is wrong with the models that the units of an entry file compile, as a recipe of kind `model`;
    None where there is nothing. Of a program that `trains`, what it runs is judged with it, and left out."""
    outline = program.index.outlines[program.entry]
    units = [unit for unit in outline.units if may_compile(unit)]
    if trains:
        units = [unit for unit in units if (program.entry, unit.qualname) not in program.reach.places]
    if not units:
        return None
    places = [(program.entry, unit.qualname) for unit in outline.units if _concerns_models(unit)]
    seen = Observations(program, places)
    try:
        calls = list(_compiling(program, seen, units))
        faults = CompiledModels(seen, Endings(seen)).faults(calls)
        found = [compiled_element(seen, each) for each in faults if not _is_up_to_callers(each)]
    finally:
        seen.release()
    if not found:
        return None
    span = found[0]["output.loss"].span or Span(program.entry, 1, 1, 1, 1)
    facts = {"meta.kind": derived("model", span)}
    return Recipe(program.entry, "model", span, facts, {"outputs": found}, tuple(program.closure.paths))


def _concerns_models(unit: Unit) -> bool:
    """Whether a unit builds, compiles or fits something."""
    return any(name.rpartition(".")[2] in _METHODS for name in unit.calls)


def _compiling(program: Program, seen: Observations, units: list[Unit]) -> Iterator[Call]:
    """The calls of `compile` in units of the entry file."""
    for unit in units:
        frame = program.evaluator.root(program.entry, unit.qualname)
        for event in program.events(frame.facts) if frame is not None else ():
            if frame is not None and _is_compile(frame, event):
                yield seen.call_of(frame, event)


def _is_compile(frame: Frame, event: Event) -> bool:
    if event.kind != "call":
        return False
    callee = frame.term(frame.term(event.term).args[0])
    return callee.op == "attr" and callee.name == COMPILE


def _is_up_to_callers(model: Compiled) -> bool:
    """Whether the loss, the last layer, or a branch on the way hangs on a parameter with a default: what
    callers in other files pass is not known."""
    ending = model.head.ending
    frames = [model.call.frame, *([ending.frame] if ending.frame is not None else [])]
    conditions = [
        (frame, each.term) for frame in frames for event in frame.facts.events for each in event.conditions
    ]
    loss = loss_argument(model.call)
    roots = [*conditions, *([(model.call.frame, loss)] if loss is not None else [])]
    if ending.frame is not None:
        roots.append((ending.frame, ending.term))
    return any(_reads_default(frame, term) for frame, term in roots)


def _reads_default(frame: Frame, index: int) -> bool:
    """Whether an expression reads a parameter that has a default."""
    waiting, visited = [index], {index}
    while waiting:
        term = frame.term(waiting.pop())
        if term.op == "param" and term.name in frame.facts.defaults:
            return True
        new = [each for each in term.args if each not in visited]
        visited.update(new)
        waiting += new
    return False
