"""Which calls take a gradient step: backward passes, updates as functions, graphs that are run."""

from __future__ import annotations

from trainlint.analysis.evaluation.evaluate import Evaluator
from trainlint.analysis.evaluation.values import Resolved
from trainlint.analysis.facts import Parameter
from trainlint.knowledge.base import Entry
from trainlint.recipe.code.observe import Call

BACKWARD = frozenset({"backward", "manual_backward", "minimize", "apply_gradients"})
"""Methods that take a gradient step or compute its gradient, whatever they are called on."""

STEP_NAMES = BACKWARD | {"apply_updates", "grad", "value_and_grad"}
"""Last parts of the names of all that can take part in a step."""

_METHODS = {"update": "train-state", "run": "executor"}
"""Methods that step when they are called on an object of this kind."""

_TRAINED_PROGRAMS = frozenset(
    {
        "paddle.static.default_main_program",
        "paddle.static.CompiledProgram",
        "paddle.static.CompiledProgram.with_data_parallel",
    }
)


def takes_step(evaluator: Evaluator, call: Call) -> bool:
    """Whether a call takes a gradient step or runs the backward pass of one."""
    if not call.method:
        return _steps_itself(evaluator, call)
    if call.name in BACKWARD:
        return True
    kind = _METHODS.get(call.name)
    if kind is None:
        return False
    receiver = evaluator.receiver(call.frame.facts, call.event)
    entries = [_entry(evaluator, leaf) for leaf in receiver.alternatives()]
    if not entries or any(entry is None or entry.kind != kind for entry in entries):
        return False
    return kind != "executor" or _runs_training(evaluator, call)


def _steps_itself(evaluator: Evaluator, call: Call) -> bool:
    """Whether what is called takes the step: a function, or an object such as timm's `NativeScaler()`."""
    if call.name:
        return call.entry is not None and call.entry.kind == "gradient-step"
    made = evaluator.value(call.frame, call.frame.term(call.term).args[0])
    entries = [_entry(evaluator, leaf) for leaf in made.alternatives()]
    return any(entry is not None and entry.kind == "step-helper" for entry in entries)


def _entry(evaluator: Evaluator, value: Resolved) -> Entry | None:
    return evaluator.entry(value.name) if value.kind == "object" else None


def _runs_training(evaluator: Evaluator, call: Call) -> bool:
    """Whether an executor is fed, and runs the program that holds the updates: not a copy for tests."""
    method = evaluator.knowledge.method(call.name, receiver="executor")
    if method is None:
        return False
    params = [Parameter(each.name, each.kind, each.has_default) for each in method.params]
    given = evaluator.binder.bind(call.frame, call.term, params)
    if given.get("feed") is None:
        return False
    program = given.get("program")
    if program is None:
        return True
    return all(leaf.kind == "object" and leaf.name in _TRAINED_PROGRAMS for leaf in program.alternatives())
