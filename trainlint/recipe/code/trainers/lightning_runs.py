"""Modules that a trainer of the Lightning kind trains: what their `configure_optimizers` gives."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from trainlint.analysis.evaluation.values import Frame, Resolved, Site
from trainlint.analysis.facts import Parameter
from trainlint.findings import Span
from trainlint.knowledge.base import Entry
from trainlint.recipe.code.observe import Call, Observations
from trainlint.recipe.code.training import Training

_CONFIGURES = "configure_optimizers"
_TRAINER = "lightning.pytorch.Trainer"
_PAIR = 2
_OPTIMIZERS = frozenset({"optimizer", "optimizer-wrapper", "optimizer-factory"})


@dataclasses.dataclass(frozen=True, slots=True)
class Configured:
    """One optimizer of a module, and the schedule that the trainer steps for it once per interval.

    `interval` is epoch, step, or "" where it is not known; it steps every `frequency`-th time.
    """

    optimizer: Resolved
    scheduler: Resolved | None = None
    interval: str = "epoch"
    frequency: int | None = 1


@dataclasses.dataclass(frozen=True, slots=True)
class LightningRun:
    """A call that trains a module. `configured` are its optimizers, None where `reason` says why they are not
    known. `defaults` are the trainer's arguments where a command line may give others."""

    call: Call
    trainer: Resolved
    entry: Entry
    configured: tuple[Configured, ...] | None
    reason: str
    defaults: Resolved | None = None

    @property
    def span(self) -> Span | None:
        """Where the trainer is made, else where it is run."""
        made = self.trainer.frame.span(self.trainer.term) if self.trainer.frame is not None else None
        return made or self.call.span

    @property
    def sites(self) -> frozenset[Site]:
        """The optimizers' calls."""
        return frozenset(
            each.optimizer.site for each in self.configured or () if each.optimizer.site is not None
        )


def lightning_runs(seen: Observations, training: Training) -> list[LightningRun]:
    """The calls of `fit` of a default run, each with what its module configures."""
    found: list[LightningRun] = []
    for call in training.fits:
        if seen.happens(call.frame, call.event.conditions) is False:
            continue
        if not call.method:
            found += _command_lines(seen, call)
            continue
        for trainer in seen.evaluator.receiver(call.frame.facts, call.event).alternatives():
            name = trainer.name.removesuffix(".from_argparse_args")
            entry = seen.evaluator.entry(name) if trainer.kind == "object" else None
            if entry is not None and entry.name == _TRAINER:
                configured, reason = _fitted(seen, call)
                found.append(LightningRun(call, trainer, entry, configured, reason))
    return found


def _command_lines(seen: Observations, call: Call) -> Iterator[LightningRun]:
    """The run of a `LightningCLI`, which makes a trainer and a module of the classes it is given."""
    made = seen.object(call)
    path, _, qualname = made.name.partition("::")
    entry = call.entry or seen.program.running_base(path, qualname)
    trainer = seen.evaluator.knowledge.lookup(_TRAINER)
    if entry is None or trainer is None:
        return
    params = [Parameter(each.name, each.kind, each.has_default) for each in entry.params]
    bound = seen.evaluator.binder.bind(call.frame, call.term, params)
    given = bound.get(entry.fields["run"])
    if given is not None and given.default().value is False:
        return
    model = bound.get(entry.fields["model"])
    module = None if model is None or model.kind != "class" else Resolved("instance", name=model.name)
    shown = f"the module class that {entry.name.rpartition('.')[2]} runs"
    configured, reason = _configured(seen, module, shown)
    defaults = bound.get(entry.fields["trainer_defaults"])
    yield LightningRun(call, made, trainer, configured, reason, defaults or Resolved("mapping"))


def handed_loaders(seen: Observations, run: LightningRun) -> Iterator[tuple[Resolved, bool]]:
    """The loaders that `fit` is given, and whether it trains on them."""
    method = seen.evaluator.knowledge.method(run.call.name, "trainer", run.entry.framework)
    if run.defaults is not None:
        return
    for field, trains in (("train_loader", True), ("eval_loader", False)):
        given = None if method is None else seen.passed(run.call, method, field)
        for item in _flat(given) if given is not None else ():
            yield item, trains


def _flat(value: Resolved) -> Iterator[Resolved]:
    for leaf in value.alternatives():
        if leaf.kind == "sequence":
            for item in leaf.items:
                yield from _flat(item)
        elif leaf.kind == "mapping":
            for item in leaf.entries.values():
                yield from _flat(item)
        else:
            yield leaf


def _fitted(seen: Observations, call: Call) -> tuple[tuple[Configured, ...] | None, str]:
    method = seen.evaluator.knowledge.method(call.name, "trainer", "lightning")
    module = None if method is None else seen.passed(call, method, "model")
    return _configured(seen, module, f"the module that .{call.name}(…) is given")


def _configured(
    seen: Observations, module: Resolved | None, shown: str
) -> tuple[tuple[Configured, ...] | None, str]:
    if module is None:
        return None, shown
    if module.kind != "instance":
        return None, f"{shown}: {_shown(module)}"
    path, _, qualname = module.name.partition("::")
    kind, where, member = seen.program.resolve(path, qualname, _CONFIGURES)
    if kind != "function":
        return None, f"{qualname} has no {_CONFIGURES} that was read"
    frame = seen.evaluator.calls.method_frame(module, where, member)
    if frame is None:
        return None, f"{member} could not be read"
    returned, reason = _returned(seen, frame, member)
    if returned is None:
        return None, reason
    found = list(_shapes(seen, returned))
    if any(each is None for each in found):
        return None, f"what {member} returns: {_shown(returned)}"
    return tuple(each for each in found if each is not None), ""


def _returned(seen: Observations, frame: Frame, member: str) -> tuple[Resolved | None, str]:
    """What a default run of a method returns."""
    backs = [
        back
        for back in frame.facts.returns
        if back.nested < 0 and seen.happens(frame, back.conditions) is not False
    ]
    certain = next(
        (i for i, back in enumerate(backs) if seen.happens(frame, back.conditions)), len(backs) - 1
    )
    backs = backs[: certain + 1]
    if len(backs) != 1 or backs[0].yields:
        return None, f"which of its returns {member} takes hangs on a condition that is not known"
    return seen.evaluator.value(frame, backs[0].term).default(), ""


def _shapes(seen: Observations, value: Resolved) -> Iterator[Configured | None]:
    """The optimizers in what `configure_optimizers` returns; None for one that is not understood."""
    value = value.default()
    if value.kind == "const" and value.value is None:
        return
    if value.kind == "mapping":
        yield _from_mapping(seen, value)
    elif value.kind == "sequence" and _is_pair(value):
        yield from _paired(seen, value.items[0], value.items[1])
    elif value.kind == "sequence":
        for item in value.items:
            yield from _shapes(seen, item)
    else:
        yield Configured(value) if _is_optimizer(seen, value) else None


def _is_pair(value: Resolved) -> bool:
    """Whether a sequence is the optimizers and their schedules, each in a list of their own."""
    return len(value.items) == _PAIR and all(item.default().kind == "sequence" for item in value.items)


def _paired(seen: Observations, optimizers: Resolved, schedules: Resolved) -> Iterator[Configured | None]:
    made, stepped = optimizers.default().items, schedules.default().items
    for position, optimizer in enumerate(made):
        optimizer = optimizer.default()
        if not _is_optimizer(seen, optimizer) or len(stepped) > len(made):
            yield None
        elif position < len(stepped):
            yield _with_schedule(optimizer, stepped[position])
        else:
            yield Configured(optimizer)


def _from_mapping(seen: Observations, value: Resolved) -> Configured | None:
    optimizer = value.entries.get("optimizer")
    if optimizer is None or not value.complete or not _is_optimizer(seen, optimizer.default()):
        return None
    schedule = value.entries.get("lr_scheduler")
    if schedule is None or (schedule.default().kind == "const" and schedule.default().value is None):
        return Configured(optimizer.default())
    return _with_schedule(optimizer.default(), schedule)


def _with_schedule(optimizer: Resolved, schedule: Resolved) -> Configured:
    schedule = schedule.default()
    if schedule.kind != "mapping":
        return Configured(optimizer, schedule)
    made = schedule.entries.get("scheduler")
    interval, frequency = schedule.entries.get("interval"), schedule.entries.get("frequency")
    every = 1 if frequency is None else frequency.default().value
    often = "epoch" if interval is None else interval.default().value
    return Configured(
        optimizer,
        made.default() if made is not None else Resolved("unknown", name="a schedule without a scheduler"),
        str(often) if often in ("epoch", "step") and schedule.complete else "",
        every if isinstance(every, int) and schedule.complete else None,
    )


def _is_optimizer(seen: Observations, value: Resolved) -> bool:
    entry = seen.evaluator.entry(value.name) if value.kind == "object" else None
    return entry is not None and entry.kind in _OPTIMIZERS


def _shown(value: Resolved) -> str:
    return value.name.rpartition("::")[2] or f"a {value.kind}"
