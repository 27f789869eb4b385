"""What a trainer of the Lightning kind trains with: length, batch, devices, and the schedules it steps."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from trainlint.analysis.evaluation.values import Resolved, Site
from trainlint.findings import Span
from trainlint.recipe.code.leaves import derived, leaf, unknown_value
from trainlint.recipe.code.observe import Driven, Observations, Updates
from trainlint.recipe.code.trainers.lightning_runs import LightningRun, lightning_runs
from trainlint.recipe.code.training import Training
from trainlint.recipe.derived import number
from trainlint.recipe.model import Link, State, Value

_OF_OPTIMIZER = ("optimizer.name", "optimizer.lr")
_OF_SCHEDULE = (
    "schedule.name", "schedule.shape", "optimizer.schedule.name", "optimizer.schedule.decays",
    "warmup.length", "rate.peak", "rate.final_ratio",
)  # fmt: skip
_ACCUMULATES = "lightning.pytorch.callbacks.GradientAccumulationScheduler"
_UNSHARED = frozenset({"dp", "horovod"})
"""Strategies under which a device takes no batch of its own, or the launcher says how many there are."""


@dataclasses.dataclass(frozen=True, slots=True)
class LightningFacts:
    """What the Lightning trainer of a program says.

    `sites` are the optimizers that it steps, None where they are not known, and `reason` says why.
    """

    facts: dict[str, Value]
    sites: frozenset[Site] | None
    reason: str
    span: Span | None

    def without(self, primary: Mapping[str, Value], schedules: bool) -> dict[str, Value]:
        """What to say where it is not known what the module configures: of the optimizer, unless there is
        only the one, and of the schedule, if there is any."""
        if not self.reason:
            return {}
        paths = (*(() if primary else _OF_OPTIMIZER), *(_OF_SCHEDULE if schedules or not primary else ()))
        return {path: unknown_value(self.reason, self.span) for path in paths}


def lightning_facts(seen: Observations, training: Training) -> LightningFacts | None:
    """The facts of the Lightning trainer that a program runs; None where it runs none.

    Notes in `seen.driven` which schedules the trainer steps.
    """
    runs = lightning_runs(seen, training)
    if not runs:
        return None
    first = runs[0]
    if any(run.trainer.site != first.trainer.site or run.sites != first.sites for run in runs):
        reason = "several Lightning trainers train"
        shared = ("train.epochs", "batch.grad_accum", "optimizer.name", "optimizer.lr", "schedule.name")
        return LightningFacts(
            {path: unknown_value(reason, runs[1].span) for path in shared}, None, reason, first.span
        )
    reader = _Trainer(seen, first)
    facts = {**reader.length(), **reader.batch()}
    every, epochs = number(facts["batch.grad_accum"]), number(facts.get("train.epochs"))
    if every is not None and epochs is not None and "train.steps" not in facts:
        seen.updates = Updates(int(epochs), int(every))
    for each in first.configured or ():
        if each.scheduler is not None and each.scheduler.site is not None:
            known = each.frequency == 1 and every is not None
            seen.driven[each.scheduler.site] = Driven(
                each.interval if known else "", int(every) if each.interval == "step" and every else 1
            )
    return LightningFacts(
        facts, first.sites if first.configured is not None else None, first.reason, first.span
    )


class _Trainer:
    """Reads the arguments of one trainer."""

    def __init__(self, seen: Observations, run: LightningRun) -> None:
        self.seen = seen
        self.run = run
        self.reason = ""
        if run.defaults is not None:
            self.bound = dict(run.defaults.entries)
            own = any(run.entry.fields[field] in self.bound for field in ("epochs", "steps"))
            # Programs that set no length are run with a config file that does.
            self.reason = "" if own else "a config file or the command line gives it to LightningCLI"
            return
        arguments = seen.evaluator.binder.arguments(run.trainer)
        self.bound = arguments.bound
        if run.trainer.name.endswith(".from_argparse_args"):
            self.reason = "Trainer.from_argparse_args(…) takes it from the command line"
        elif not arguments.complete:
            self.reason = "a starred argument of Trainer(…) may set it"

    def argument(self, field: str) -> Value:
        """An argument of the trainer as a leaf: as given, else its default."""
        parameter = self.run.entry.fields[field]
        given = self.bound.get(parameter)
        if given is None and self.reason:
            return unknown_value(self.reason, self.run.span)
        found = leaf(given, self.run.call, default=self.run.entry.default(field))
        if found.known:
            return Value(found.value, found.state, found.unit, found.span or self.run.span, found.chain)
        if given is None:
            return Value(None, State.DEFAULT, span=self.run.span)
        return unknown_value(f"{parameter}={found.reason}", self.run.span)

    def length(self) -> dict[str, Value]:
        """`train.epochs` or `train.steps`: epochs are 1,000 where nothing is given."""
        epochs, steps = self.argument("epochs"), self.argument("steps")
        quick = self.argument("fast_dev_run")
        if not quick.known:
            return {"train.epochs": unknown_value(quick.reason, quick.span)}
        if quick.value not in (False, None, 0):
            return {"train.epochs": unknown_value("fast_dev_run cuts the run short", quick.span)}
        if not epochs.known or not steps.known:
            return {"train.epochs": epochs if not epochs.known else unknown_value(steps.reason, steps.span)}
        most = number(steps)
        limited = most is not None and most >= 0
        count = number(epochs)
        if self.bound.get("max_time") is not None:
            return {"train.epochs": unknown_value("max_time ends the run", self.run.span)}
        if count is not None and count < 0:
            count, epochs = None, Value(None, epochs.state, span=epochs.span)
            if not limited:
                return {"train.epochs": unknown_value("max_epochs=-1: the run has no end", epochs.span)}
        if limited and count is None:
            return {"train.steps": _in(steps, "steps")}
        if limited:
            return {"train.epochs": _in(epochs, "epochs"), "train.steps": _in(steps, "steps")}
        if count is None:
            default = self.run.entry.extra.get("epochs_default")
            return {"train.epochs": Value(default, State.DEFAULT, "epochs", self.run.span)}  # type: ignore[arg-type]
        return {"train.epochs": _in(epochs, "epochs")}

    def batch(self) -> dict[str, Value]:
        """`batch.grad_accum`, and `batch.devices` where a number of devices is given."""
        accumulated = self.argument("grad_accum")
        if self.seen.made("callback") and any(
            call.name == _ACCUMULATES for call in self.seen.made("callback")
        ):
            accumulated = unknown_value("GradientAccumulationScheduler changes it", self.run.span)
        elif accumulated.known and accumulated.value is None:
            accumulated = Value(1, State.DEFAULT, span=self.run.span)
        found = {"batch.grad_accum": accumulated}
        devices = self._devices()
        if devices is not None:
            found["batch.devices"] = devices
        return found

    def _devices(self) -> Value | None:
        """World size, where the trainer is given a number of devices of its own."""
        if any(self._text(name) in _UNSHARED for name in ("strategy", "accelerator", "distributed_backend")):
            return None
        given = next(
            (self.bound[name] for name in ("devices", "gpus", "num_processes") if name in self.bound), None
        )
        count = _count(given) if given is not None else None
        nodes = number(self.argument("nodes"))
        if given is None or count is None or nodes is None or not count:
            return None
        where = next(
            (origin.span for origin in given.default().origins if origin.span is not None), self.run.span
        )
        chain = (Link(where, f"{count} devices"),) if where is not None and nodes > 1 else ()
        return derived(int(count * nodes), where, chain)

    def _text(self, name: str) -> object:
        given = self.bound.get(name)
        return given.default().value if given is not None else None


def _count(devices: Resolved) -> int | None:
    """How many devices are meant; None for all there are, and for what is not known."""
    devices = devices.default()
    if devices.kind == "sequence":
        return len(devices.items)
    value = devices.value
    if devices.kind != "const" or isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if value > 0 else None


def _in(value: Value, unit: str) -> Value:
    """The same leaf with a unit."""
    return Value(value.value, value.state, unit, value.span, value.chain, value.reason)
