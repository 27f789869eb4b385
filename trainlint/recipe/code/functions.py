"""Functions as values: of the project, local, lambdas, callable objects."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from trainlint.analysis.evaluation.values import Frame, Resolved
from trainlint.analysis.facts import Parameter
from trainlint.recipe.code.ancestry import Node
from trainlint.recipe.code.observe import Observations


@dataclasses.dataclass(frozen=True, slots=True)
class Function:
    """A function as a value. `nested` is its number among the local functions of a unit, -1 for a unit of its
    own; `prefix` begins the names of its parameters' terms."""

    frame: Frame
    params: Sequence[Parameter]
    nested: int = -1
    prefix: str = ""

    @property
    def returns(self) -> list[Node]:
        """What it gives back."""
        result = self.frame.facts.nested[self.nested].result if self.nested >= 0 else -1
        if result >= 0:
            return [(self.frame, result)]
        found = (back for back in self.frame.facts.returns if back.nested == self.nested and not back.yields)
        return [(self.frame, back.term) for back in found]


def function_of(seen: Observations, value: Resolved) -> Function | None:
    """The function that a value is: of the project, local, a lambda, a callable object; None for others."""
    if value.kind == "instance":
        path, _, qualname = value.name.partition("::")
        kind, where, member = seen.program.resolve(path, qualname, "__call__")
        frame = seen.evaluator.root(where, member) if kind == "function" else None
        return Function(frame, frame.facts.params[1:]) if frame is not None else None
    if value.kind != "function":
        return None
    if value.frame is None:
        path, _, qualname = value.name.partition("::")
        frame = seen.evaluator.root(path, qualname)
        if frame is None:
            return None
        bound = bool(frame.facts.params) and frame.facts.params[0].name in ("self", "cls")
        return Function(frame, frame.facts.params[1:] if bound else frame.facts.params)
    if not isinstance(value.value, int):
        return None
    record = value.frame.facts.nested[value.value]
    prefix = "lambda " if record.result >= 0 else f"{record.name} "
    return Function(value.frame, record.params, value.value, prefix)
