"""Data pipelines of TensorFlow: the methods a data set went through, in order, and what it began as."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from trainlint.analysis.evaluation.values import Frame, Resolved, Site
from trainlint.recipe.code.observe import Call, Observations

_LIBRARIES = ("tensorflow.data.", "tensorflow_datasets.", "keras.utils.")
_KEEPS_ORDER = frozenset(
    "map batch padded_batch prefetch cache repeat take skip with_options enumerate filter unbatch shard "
    "apply_options ignore_errors rebatch".split()
)
_METHODS = _KEEPS_ORDER | frozenset(
    "shuffle interleave apply flat_map window concatenate zip ragged_batch rejection_resample "
    "group_by_window bucket_by_sequence_length snapshot scan take_while unique".split()
)
BATCHES = frozenset({"batch", "padded_batch", "ragged_batch"})
_MAX_STEPS = 40


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """One method of a pipeline: its name, and the call."""

    name: str
    frame: Frame
    term: int

    @property
    def site(self) -> Site:
        """The identity of the call."""
        return Site(self.frame.facts.path, self.frame.facts.qualname, self.term)


@dataclasses.dataclass(frozen=True, slots=True)
class TfPipeline:
    """A data set with what was done to it, the first step first. `base` is None where only its steps are
    known."""

    base: Resolved | None
    steps: tuple[Step, ...]

    def has(self, name: str) -> bool:
        """Whether a method is among the steps."""
        return any(step.name == name for step in self.steps)

    @property
    def keeps_order(self) -> bool:
        """Whether every step leaves the samples in their order."""
        return all(step.name in _KEEPS_ORDER for step in self.steps)

    def batched(self) -> Step | None:
        """The batching that still holds at the end."""
        found: Step | None = None
        for step in self.steps:
            if step.name in BATCHES:
                found = step
            elif step.name in ("unbatch", "window", "flat_map", "interleave"):
                found = None
        return found


def pipeline_of(value: Resolved) -> TfPipeline | None:
    """The pipeline a value is; None for what is no data set of TensorFlow."""
    steps: list[Step] = []
    for _ in range(_MAX_STEPS):
        method = value.name.rpartition(".")[2]
        if value.kind == "part" and value.items:
            value = value.items[0]
        elif value.kind == "object" and value.items and method in _METHODS and value.frame is not None:
            steps.append(Step(method, value.frame, value.term))
            value = value.items[0]
        else:
            break
    if value.kind != "object" or not value.name.startswith(_LIBRARIES):
        return None
    return TfPipeline(value, tuple(reversed(steps)))


def written_pipeline(frame: Frame, term: int) -> TfPipeline:
    """The methods of a pipeline as its unit writes them, whatever the data set began as."""
    steps: list[Step] = []
    for _ in range(_MAX_STEPS):
        record = frame.term(term)
        callee = frame.term(record.args[0]) if record.op == "call" else None
        if callee is None or callee.op != "attr" or callee.name not in _METHODS:
            break
        steps.append(Step(callee.name, frame, term))
        term = callee.args[0]
    return TfPipeline(None, tuple(reversed(steps)))


def receivers(seen: Observations, call: Call) -> Iterator[TfPipeline]:
    """The pipelines that a method is called on: followed where possible, else as the unit writes them."""
    callee = call.frame.term(call.frame.term(call.term).args[0])
    found = False
    for leaf in seen.evaluator.value(call.frame, callee.args[0]).alternatives():
        pipeline = pipeline_of(leaf)
        if pipeline is not None:
            found = True
            yield pipeline
    if not found and _uses_tensorflow(seen, call.frame.facts.path):
        yield written_pipeline(call.frame, callee.args[0])


def _uses_tensorflow(seen: Observations, path: str) -> bool:
    """Whether a file imports TensorFlow, and no other library whose data sets have the same methods."""
    outline = seen.program.index.outlines.get(path)
    packages = {entry.target.partition(".")[0] for entry in outline.imports} if outline is not None else set()
    return "tensorflow" in packages and not packages & {"torch", "datasets", "webdataset", "torchdata", "ray"}
