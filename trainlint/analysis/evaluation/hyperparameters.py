"""`self.hparams` of modules: what their constructor was given, as `save_hyperparameters` keeps it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainlint.analysis.evaluation.values import Frame, Resolved
from trainlint.analysis.facts import Event

if TYPE_CHECKING:
    from trainlint.analysis.evaluation.evaluate import Evaluator

HPARAMS = frozenset({"hparams", "hparams_initial"})
_KEEPS = "save_hyperparameters"


def hyperparameters(evaluator: Evaluator, base: Resolved) -> Resolved | None:
    """The hyperparameters that an instance of a project class keeps; None where none were read."""
    path, _, qualname = base.name.partition("::")
    kind, where, member = evaluator.scope.resolve(path, qualname, "__init__")
    if kind != "function":
        return None
    frame = evaluator.calls.method_frame(base, where, member)
    if frame is None:
        return None
    keeps = next((event for event in frame.facts.events if _is_keeping(frame, event)), None)
    if keeps is None:
        return None
    record = frame.term(keeps.term)
    given = [argument for key, argument in zip(record.keys, record.args[1:], strict=True) if key == ""]
    if len(given) == 1 and frame.term(given[0]).op == "param":
        return evaluator.value(frame, given[0])
    names = [param.name for param in frame.facts.params[1:] if param.kind in ("normal", "keyword-only")]
    entries = {name: evaluator.parameter(frame, name) for name in names}
    return Resolved("mapping", entries=entries, complete=len(names) == len(frame.facts.params) - 1)


def _is_keeping(frame: Frame, event: Event) -> bool:
    if event.kind != "call" or event.nested >= 0:
        return False
    callee = frame.term(frame.term(event.term).args[0])
    return callee.op == "attr" and callee.name == _KEEPS
