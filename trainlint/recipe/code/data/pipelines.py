"""What happens to the samples of a data set on their way to a loader: its transforms, in order."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from trainlint.analysis.evaluation.values import Resolved
from trainlint.findings import Span
from trainlint.knowledge.base import Entry
from trainlint.recipe.code.observe import Observations

_MAX_STEPS = 12
_KEYWORDS = ("transform", "transforms")
_CHANGES = ("append", "insert", "extend", "pop", "remove")


@dataclasses.dataclass(frozen=True, slots=True)
class Pipeline:
    """The transforms of a data set. `complete`: all of them are known. `source` names what they act on."""

    steps: tuple[Resolved, ...]
    complete: bool
    source: str


class Pipelines:
    """The transforms of a program's data sets."""

    def __init__(self, seen: Observations) -> None:
        self.seen = seen
        self.settled = not self._changed_later()

    def _changed_later(self) -> bool:
        """Whether transforms are set on a data set, or put into a chain, after it was made."""
        for name in _KEYWORDS:
            for frame, base, _ in self.seen.program.attribute_stores(name):
                if frame.term(base).op != "param" or frame.term(base).name != "self":
                    return True
        for call in self.seen.methods(*_CHANGES):
            callee = call.frame.term(call.frame.term(call.term).args[0])
            owner = call.frame.term(callee.args[0])
            if owner.op == "attr" and owner.name == "transforms":
                return True
        return False

    def of(self, dataset: Resolved | None) -> Pipeline | None:
        """The pipeline of one data set, behind splits and subsets; None where it is not known which."""
        if dataset is None or not self.settled:
            return None
        made = self._made(dataset)
        if made is None:
            return None
        given = self._transform(made)
        source = made.name.rpartition("::")[2].rpartition(".")[2]
        if given is None or given.kind == "absent" or (given.kind == "const" and given.value is None):
            return None
        steps = list(self._steps(given))
        known = tuple(step for step in steps if step is not None)
        return Pipeline(known, len(known) == len(steps), source)

    def _made(self, dataset: Resolved) -> Resolved | None:
        value = dataset.default()
        for _ in range(_MAX_STEPS):
            entry = self.seen.evaluator.entry(value.name) if value.kind == "object" else None
            if value.kind == "part" and value.items:
                value = value.items[0].default()
            elif entry is not None and entry.kind in ("dataset-wrapper", "split"):
                inner = self.seen.evaluator.binder.arguments(value).get(entry.fields.get("dataset", ""))
                if inner is None:
                    return None
                value = inner.default()
            elif value.kind == "instance" or (entry is not None and entry.kind == "dataset"):
                return value
            else:
                return None
        return None

    def _transform(self, made: Resolved) -> Resolved | None:
        """What is passed as the data set's transform."""
        if made.frame is None:
            return None
        if made.kind == "object":
            entry = self.seen.evaluator.entry(made.name)
            name = entry.fields.get("transform", "transform") if entry is not None else ""
            return self.seen.evaluator.binder.arguments(made).get(name)
        call = made.frame.term(made.term)
        for key, argument in zip(call.keys, call.args[1:], strict=True):
            if key in _KEYWORDS:
                return self.seen.evaluator.value(made.frame, argument)
        return None

    def _steps(self, value: Resolved, depth: int = 0) -> Iterator[Resolved | None]:
        """The transforms a value stands for, chains opened; None for one that is not known."""
        if value.kind == "object" and depth < _MAX_STEPS:
            entry = self.seen.evaluator.entry(value.name)
            if entry is not None and entry.kind == "transform-chain":
                inner = self.seen.evaluator.binder.arguments(value).get(
                    entry.fields.get("transforms", "transforms")
                )
                yield from self._steps(inner, depth + 1) if inner is not None else (None,)
                return
            if entry is not None and entry.kind == "transform":
                yield value
                return
        if value.kind == "sequence" and depth < _MAX_STEPS:
            for item in value.items:
                yield from self._steps(item, depth + 1)
            return
        yield None

    def augmentation(self, pipeline: Pipeline) -> Resolved | None:
        """The first transform that draws at random."""
        return next((step for step in pipeline.steps if self._draws(step)), None)

    def _draws(self, step: Resolved) -> bool:
        entry = self.seen.evaluator.entry(step.name)
        if entry is None or not entry.random:
            return False
        arguments = self.seen.evaluator.binder.arguments(step)
        chance = arguments.get("p")
        if not arguments.complete:
            return False
        return chance is None or chance.kind != "const" or chance.value not in (0, 1)

    def normalization(self, pipeline: Pipeline) -> tuple[Resolved, str] | None:
        """The transform that normalises, and its constants as text, "" where they are not known."""
        for step in pipeline.steps:
            entry = self.seen.evaluator.entry(step.name)
            if entry is None or not entry.extra.get("normalizes"):
                continue
            arguments = self.seen.evaluator.binder.arguments(step)
            mean, std = (_numbers(arguments.get(entry.fields.get(field, ""))) for field in ("mean", "std"))
            text = f"mean {mean}, std {std}" if mean and std else ""
            return step, text
        return None

    def pixels(self, pipeline: Pipeline) -> tuple[str, Resolved] | None:
        """Whether pixels leave as `raw` 0 … 255 numbers or `scaled`, and the step that says so; None where
        unknown."""
        if not pipeline.complete:
            return None
        raw = None
        for step in pipeline.steps:
            entry = self.seen.evaluator.entry(step.name)
            facts = entry.extra if entry is not None else {}
            if facts.get("scales") or facts.get("normalizes"):
                return "scaled", step
            if facts.get("may_scale") and self._scales(step, entry):
                return "scaled", step
            if facts.get("keeps_pixels"):
                raw = step
        return None if raw is None else ("raw", raw)

    def _scales(self, step: Resolved, entry: Entry | None) -> bool:
        """Whether a transform may scale pixels: unless an argument says so and is known to be false."""
        parameter = entry.fields.get("scale") if entry is not None else None
        if entry is None or parameter is None:
            return True
        given = self.seen.evaluator.binder.arguments(step).get(parameter)
        if given is None:
            return entry.default("scale") is not False
        return given.kind != "const" or bool(given.value)


def place(value: Resolved) -> Span | None:
    """Where a transform is written."""
    return value.frame.span(value.term) if value.frame is not None else None


def _numbers(value: Resolved | None) -> str:
    """Constants as text: "0.5" or "(0.485, 0.456, 0.406)", rounded to three digits; "" for anything else."""
    if value is None:
        return ""
    items = value.items if value.kind == "sequence" else (value,)
    if not items or not all(item.is_number for item in items):
        return ""
    shown = [f"{float(item.value):.3g}" for item in items if isinstance(item.value, int | float)]
    if len(set(shown)) == 1:
        return shown[0]
    return f"({', '.join(shown)})"
