"""How often a scheduler is stepped, what its lengths are, and which of them a run reaches."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence

from trainlint.analysis.evaluation.values import Resolved
from trainlint.findings import Span
from trainlint.knowledge.base import Entry
from trainlint.recipe.code.leaves import derived
from trainlint.recipe.code.observe import Call, Observations
from trainlint.recipe.code.placement import BATCH, EPOCH, ONCE, Placement, Placements
from trainlint.recipe.code.training import Training
from trainlint.recipe.derived import number
from trainlint.recipe.model import Value
from trainlint.recipe.rate.actions import RateActions
from trainlint.recipe.rate.formula_parts import BATCHES, UnresolvedError
from trainlint.recipe.rate.formulas import Formulas
from trainlint.recipe.rate.schedulers import Schedulers
from trainlint.recipe.rate.shapes import CurveError
from trainlint.recipe.rate.simulation import run_rounds

SIZES = (16, 32)
"""Batches of two stand-in epochs: a length that differs between them is computed from the batches."""

_LENGTHS: Mapping[str, tuple[str, ...]] = {
    "step": ("every",), "multistep": ("milestones",), "cosine": ("length",), "cosine-restarts": ("length",),
    "polynomial": ("length",), "linear": ("length",), "constant": ("length",), "cyclic": ("up",),
    "onecycle": ("length",), "linear-decay": ("length",),
}  # fmt: skip
"""The quantities of a shape that count its steps."""

_PRODUCT = ("epochs", "steps_per_epoch")
"""Quantities whose product is the length where that is not given."""

_SHORT_AT_WILL = frozenset({"linear", "constant"})
"""Shapes that hold a warmup, which may well take a few steps only."""

_DROPS = frozenset({"step", "multistep"})


@dataclasses.dataclass(frozen=True, slots=True)
class Lengths:
    """The lengths a scheduler is given, in its own steps; `others` are those with larger epochs."""

    values: tuple[float, ...]
    others: tuple[float, ...]
    name: str
    span: Span | None

    @property
    def counts_batches(self) -> bool:
        """Whether they are computed from the number of batches."""
        return self.values != self.others

    @property
    def text(self) -> str:
        """The argument and its values: `milestones 30, 60`."""
        shown = (f"{int(value):,}" if value == int(value) else f"{value:g}" for value in self.values)
        return f"{self.name} {', '.join(shown)}"


@dataclasses.dataclass(frozen=True, slots=True)
class Cadence:
    """How often a scheduler is stepped: once per epoch, per update, or per round of a loop that may be
    either.

    `reached` is the last of its steps that matters.
    """

    often: str
    span: Span | None
    reached: int | None = None


class Cadences:
    """The cadence of a program's schedulers. `facts` gives the run's length."""

    def __init__(self, seen: Observations, training: Training, facts: Mapping[str, Value]) -> None:
        self.seen = seen
        self.run = facts
        self.formulas = Formulas(seen, training)
        self.placements = Placements(seen, training)
        self.schedulers = Schedulers(seen, self.formulas, None, seen.schedulers())
        self.actions = RateActions(seen, self.placements, self.formulas)

    def of(self, call: Call) -> dict[str, Value]:
        """`scheduler.*` values of how a scheduler is stepped; none where that is not certain."""
        cadence = self._driven(call) or self._in_loops(call)
        if cadence is None:
            return {}
        found = {"scheduler.stepped": derived(cadence.often, cadence.span)}
        factor = self._number(call, "factor")
        if factor is not None:
            found["scheduler.factor"] = derived(factor, call.span, unit="ratio")
        lengths = self._lengths(call)
        if lengths is not None and factor != 1:
            found["scheduler.lengths"] = derived(lengths.text, lengths.span)
            found["scheduler.counts_batches"] = derived(lengths.counts_batches, lengths.span)
            found.update(self._against_epochs(call, lengths))
            if cadence.reached is not None:
                found.update(self._drops(call, lengths, cadence.reached))
        return found

    def _driven(self, call: Call) -> Cadence | None:
        """How a trainer steps a scheduler that a module hands it."""
        driven, run = self.seen.driven.get(call.site), run_rounds(self.run)
        if driven is None or not driven.level:
            return None
        if driven.level == "step":
            return Cadence("update", call.span)
        return Cadence("epoch", call.span, run.rounds - 1 if run is not None and driven.every == 1 else None)

    def _in_loops(self, call: Call) -> Cadence | None:
        """How the program's own loops step a scheduler; None where that is not certain."""
        steps = [] if call.site in self.seen.driven else self._steps(call)
        if not steps:
            return None
        stepped, placement = steps[0]
        always = all(self._always(each) for _, each in steps)
        if placement.level == EPOCH:
            # What is stepped after the last round has nobody to act on.
            run = run_rounds(self.run) if always else None
            reached = None if run is None else run.rounds - (0 if placement.ahead else 1)
            return Cadence("epoch" if placement.around else "round", stepped.span, reached)
        return Cadence("update", stepped.span) if always else None

    def _steps(self, call: Call) -> list[tuple[Call, Placement]]:
        """The steps of a scheduler made before the training, where all come at one level."""
        made = self.placements.of(call.frame, call.event)
        if isinstance(made, str) or made.level != ONCE:
            return []
        try:
            steps = self.actions.steps(call)
        except CurveError:
            return []
        levels = {(placement.level, placement.around) for _, placement in steps}
        told = any(len(step.frame.term(step.term).args) > 1 for step, _ in steps)
        if len(levels) != 1 or told:
            return []
        return steps if levels <= {(EPOCH, True), (EPOCH, False), (BATCH, False)} else []

    def _always(self, placement: Placement) -> bool:
        taken = self.actions.when(placement)
        try:
            return taken.fixed and bool(taken.run({}))
        except UnresolvedError:
            return False

    def _lengths(self, call: Call) -> Lengths | None:
        """The lengths of a scheduler, None where one is not known or where several calls disagree."""
        fields = _LENGTHS.get(_shape(call), ())
        found = [self._lengths_of(made, call, fields) for made in self.seen.instances(call)]
        return found[0] if all(other == found[0] for other in found) else None

    def _lengths_of(self, made: Resolved, call: Call, fields: tuple[str, ...]) -> Lengths | None:
        arguments = self.seen.evaluator.binder.arguments(made)
        if call.entry is None or not arguments.complete:
            return None
        given = _given(call.entry, fields, arguments.bound) or _given(call.entry, _PRODUCT, arguments.bound)
        if not given:
            return None
        try:
            first, second = (tuple(self._values(made, given, batches)) for batches in SIZES)
        except UnresolvedError:
            return None
        name = given[-1]
        frame, term = arguments.terms.get(name, (None, 0))
        span = frame.span(term) if frame is not None else None
        return Lengths(first, second, name, span or call.span) if first else None

    def _values(self, made: Resolved, parameters: list[str], batches: int) -> Iterator[float]:
        """The numbers of a parameter, or the product of several. Raises UnresolvedError."""
        values = [self.schedulers.argument(made, name).run({BATCHES: batches}) for name in parameters]
        if len(values) > 1:
            values = [math.prod(_numbers(values))]
        yield from _numbers(values[0] if isinstance(values[0], (tuple, list)) else values)

    def _number(self, call: Call, field: str) -> float | None:
        """A quantity of a scheduler that is a number, written or by default."""
        if call.entry is None or field not in call.entry.fields:
            return None
        given = self.seen.argument(call, field)
        value = call.entry.default(field) if given is None else given.default().value
        return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None

    def _against_epochs(self, call: Call, lengths: Lengths) -> dict[str, Value]:
        """The shortest and the longest length against the number of epochs."""
        epochs = number(self.run.get("train.epochs"))
        values = [value for value in lengths.values if value > 0]
        if lengths.counts_batches or not epochs or epochs <= 0 or not values:
            return {}
        found = {
            "scheduler.shortest": derived(min(values), lengths.span),
            "scheduler.shortest_share": derived(min(values) / epochs, lengths.span, unit="ratio"),
        }
        if _shape(call) not in _SHORT_AT_WILL:
            found["scheduler.longest"] = derived(max(values), lengths.span)
            found["scheduler.longest_share"] = derived(max(values) / epochs, lengths.span, unit="ratio")
        return found

    def _drops(self, call: Call, lengths: Lengths, reached: int) -> dict[str, Value]:
        """How many of the steps at which the rate drops a run reaches."""
        run = run_rounds(self.run)
        if _shape(call) not in _DROPS or run is None or lengths.counts_batches:
            return {}
        inside = [value for value in lengths.values if value <= reached]
        beyond = [value for value in lengths.values if value > run.rounds]
        found = {
            "scheduler.drops": derived(len(inside), lengths.span),
            "scheduler.missed": derived(len(beyond), lengths.span),
        }
        if beyond:
            found["scheduler.first_missed"] = derived(min(beyond), lengths.span, unit=run.unit)
        return found


def _given(entry: Entry, fields: tuple[str, ...], bound: Mapping[str, Resolved]) -> list[str]:
    """The parameters behind all of these fields; none where one of them is not passed."""
    names = [entry.fields.get(field, "") for field in fields]
    return names if names and all(name in bound and not _is_none(bound[name]) for name in names) else []


def _is_none(value: Resolved) -> bool:
    value = value.default()
    return value.kind == "absent" or (value.kind == "const" and value.value is None)


def _numbers(values: Sequence[object]) -> list[float]:
    """The values, all of them numbers. Raises UnresolvedError."""
    found = [value for value in values if isinstance(value, (int, float)) and not isinstance(value, bool)]
    if len(found) < len(values):
        raise UnresolvedError("a length is no number")
    return found


def _shape(call: Call) -> str:
    return call.entry.shape if call.entry is not None else ""
