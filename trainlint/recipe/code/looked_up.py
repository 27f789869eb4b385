"""Callees that are looked up under a name which is only known when the program runs: `REGISTRY[name](…)`,
`getattr(module, name)(…)`, `operator.methodcaller(name)(object)`."""

from __future__ import annotations

from typing import NamedTuple

from trainlint.analysis.evaluation.evaluate import Evaluator
from trainlint.analysis.evaluation.values import Frame

_NAMESPACES = frozenset({"builtins.globals", "builtins.locals", "builtins.vars"})
_LOOKS_UP = frozenset({"get", "pop", "__getitem__"})
_GETTERS = frozenset({"operator.attrgetter", "operator.itemgetter"})
_CALLER = "operator.methodcaller"
_KNOWN = frozenset({"function", "class", "instance"})


class LookedUp(NamedTuple):
    """Where a callee is looked up: in something of a library, or (`package` is "") among what the project
    itself made."""

    package: str

    @property
    def own(self) -> bool:
        """Whether only the project's own code can be meant."""
        return not self.package


def looked_up(evaluator: Evaluator, frame: Frame, call: int) -> LookedUp | None:
    """What the callee of a call is looked up in; None where it is called by its own name, or where everything
    that it may be is known."""
    callee = frame.term(call).args[0]
    package = _method_of_library(evaluator, frame, callee)
    if package:
        return LookedUp(package)
    base = _table(evaluator, frame, call)
    if base is None:
        return None
    if all(leaf.kind in _KNOWN for leaf in evaluator.value(frame, callee).alternatives()):
        return None
    for leaf in evaluator.value(frame, base).alternatives():
        if leaf.kind in ("external", "object") and leaf.name not in _NAMESPACES:
            return LookedUp(leaf.name)
    return LookedUp("")


def _method_of_library(evaluator: Evaluator, frame: Frame, callee: int) -> str:
    """The table of a library whose method gives the callee: "mystery.MODELS" of `MODELS.get(name)(…)`; ""
    for all else."""
    record = frame.term(callee)
    if record.op != "call" or len(record.args) < 2:
        return ""
    inner = frame.term(record.args[0])
    table, _, method = inner.name.rpartition(".")
    if inner.op != "global" or "::" in table or method not in _LOOKS_UP:
        return ""
    return table if evaluator.value(frame, record.args[1]).kind != "const" else ""


def _table(evaluator: Evaluator, frame: Frame, call: int) -> int | None:
    """What a callee is looked up in, where the name it is looked up under is not constant."""
    record = frame.term(frame.term(call).args[0])
    if record.op == "item":
        base, key = record.args
    elif record.op == "call" and len(record.args) > 1:
        inner = frame.term(record.args[0])
        if inner.op == "global" and inner.name == "builtins.getattr" and len(record.args) > 2:
            base, key = record.args[1:3]
        elif inner.op == "global" and inner.name == _CALLER and len(frame.term(call).args) > 1:
            base, key = frame.term(call).args[1], record.args[1]
        elif inner.op == "attr" and inner.name in _LOOKS_UP:
            base, key = inner.args[0], record.args[1]
        elif inner.op == "call" and len(inner.args) > 1 and frame.term(inner.args[0]).name in _GETTERS:
            base, key = record.args[1], inner.args[1]
        else:
            return None
    else:
        return None
    return base if evaluator.value(frame, key).kind != "const" else None
