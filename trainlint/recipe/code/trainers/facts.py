"""What a trainer with a settings object trains with: optimizer, rate, schedule, batch, length, seed."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from trainlint.analysis.evaluation.values import Resolved
from trainlint.knowledge.base import Entry
from trainlint.knowledge.roles import words_of
from trainlint.recipe.code.data.dataset_style import DatasetStyles
from trainlint.recipe.code.leaves import absent, derived, unknown_value
from trainlint.recipe.code.observe import Observations
from trainlint.recipe.code.trainers.runs import Run, RunSettings, is_none, trainer_runs
from trainlint.recipe.code.trainers.schedule import scheduled
from trainlint.recipe.code.training import Training
from trainlint.recipe.derived import number
from trainlint.recipe.model import State, Value

_ADAPTIVE = frozenset({"adam", "adaptive", "parameter-free"})
_ORDERS: dict[object, str] = {"random": "random", True: "random", "sequential": "file"}
"""What the setting that orders the training samples says, and the order it means."""

_RATE_WORDS = frozenset("batch batchsize bs world gpus ngpu ngpus devices replicas nprocs".split())
_SHARED = (
    "optimizer.name",
    "optimizer.lr",
    "schedule.name",
    "warmup.length",
    "batch.per_device",
    "train.epochs",
)


@dataclasses.dataclass(slots=True)
class Trained:
    """What a trainer says of a program: facts, its training loader, and the optimizer it makes, if any."""

    facts: dict[str, Value]
    loaders: list[dict[str, Value]] = dataclasses.field(default_factory=list)
    optimizers: list[dict[str, Value]] = dataclasses.field(default_factory=list)
    curve: tuple[float, ...] = ()


def put(facts: dict[str, Value], found: Mapping[str, Value]) -> None:
    """Put what a trainer says in the place of what was found without it: its length is the only one."""
    if "train.steps" in found or "train.epochs" in found:
        facts.pop("train.epochs", None)
        facts.pop("train.steps", None)
    facts.update(found)


def trained_by(seen: Observations, training: Training, primary: Mapping[str, Value]) -> Trained | None:
    """What the trainer that a program runs says; None where it runs none with settings of its own.

    `primary` are the facts of the one optimizer that the program makes itself, empty for none or several.
    """
    runs = trainer_runs(seen, training)
    if not runs:
        return None
    if len(runs) > 1:
        names = list(dict.fromkeys(f"{run.name}(…)" for run in runs))
        reason = f"{' and '.join(names)} both train" if len(names) > 1 else f"several {names[0]} train"
        return Trained({path: unknown_value(reason, runs[1].span) for path in _SHARED})
    return _TrainerFacts(seen, runs[0], primary).trained()


class _TrainerFacts:
    def __init__(self, seen: Observations, run: Run, primary: Mapping[str, Value]) -> None:
        self.seen = seen
        self.run = run
        self.settings = RunSettings(seen, run)
        self.primary = primary
        self.own = self._overridden()

    def _overridden(self) -> dict[str, str]:
        """What a subclass decides itself → why."""
        overrides = self.run.entry.extra.get("overrides")
        if self.run.made.kind != "instance" or not isinstance(overrides, dict):
            return {}
        path, _, qualname = self.run.made.name.partition("::")
        return {
            str(what): f"{self.run.name}.{method} decides it"
            for method, what in overrides.items()
            if self.seen.program.resolve(path, qualname, method)[0] == "function"
        }

    def trained(self) -> Trained:
        found = Trained({**self._length(), **self._batch(), **self._seed()})
        purpose = self.run.entry.extra.get("purpose")
        if isinstance(purpose, str):
            found.facts["meta.purpose"] = derived(purpose, self.run.span)
        maker = self._maker()
        if maker:
            given = self.settings.value("lr")
            named = {path: unknown_value(maker, self.run.span) for path in ("optimizer.name", "optimizer.lr")}
            named["optimizer.lr"] = named["optimizer.lr"] if given.known else given
            rate = self.primary.get("optimizer.lr") or named["optimizer.lr"]
            found.facts.update({} if self.primary else named)
        else:
            made = self._optimizer()
            rate = made["optimizer.lr"]
            found.facts.update(made)
            found.optimizers = [made]
            found.facts["batch.lr_from_batch"] = self._rate_from_batch()
        schedule, found.curve = scheduled(self.seen, self.settings, self._scheduler(), rate, found.facts)
        found.facts.update(schedule)
        for made in found.optimizers:
            made.update({path: value for path, value in schedule.items() if path.startswith("optimizer.")})
        found.loaders = [self._loader(found.facts["batch.per_device"])]
        return found

    def _maker(self) -> str:
        """Why the settings do not say which optimizer there is; "" where they do."""
        if "optimizer" in self.own:
            return self.own["optimizer"]
        if not self.run.complete:
            return f"what {self.run.name}(…) is given was not resolved"
        if self.run.argument("factory") is not None:
            return f"{self.run.name}(…) is told how to make the optimizer"
        if self._given(0) is not None:
            return f"{self.run.name}(…) is given an optimizer"
        return self._deepspeed("the optimizer")

    def _given(self, position: int) -> Resolved | None:
        """The optimizer (0) or schedule (1) that the trainer is given; None where it makes its own."""
        pair = self.run.argument("pair")
        if pair is None:
            return None
        if pair.kind != "sequence" or len(pair.items) <= position:
            return pair
        return None if is_none(pair.items[position]) else pair.items[position]

    def _scheduler(self) -> str:
        """Why the settings do not say which schedule there is; "" where they do."""
        if "schedule" in self.own:
            return self.own["schedule"]
        overridden = self.own.get("optimizer", "")
        if "create_optimizer_and_scheduler" in overridden or not self.run.complete:
            return overridden or f"what {self.run.name}(…) is given was not resolved"
        if self._given(1) is not None:
            return f"{self.run.name}(…) is given a schedule"
        return self._deepspeed("the schedule")

    def _deepspeed(self, what: str) -> str:
        """Why DeepSpeed may decide something; "" where it has no part."""
        given = self.settings.given("deepspeed")
        if given is None or is_none(given):
            return ""
        return given.name if given.kind == "unknown" else f"DeepSpeed's configuration may name {what}"

    def _optimizer(self) -> dict[str, Value]:
        named = self._optimizer_name()
        entry = self._described(named)
        span = named.span
        found = {
            "optimizer.name": named,
            "optimizer.lr": self.settings.value("lr", "rate"),
            "optimizer.weight_decay": self.settings.value("weight_decay"),
        }
        if entry is not None:
            found["optimizer.name"] = _renamed(named, str(entry.extra.get("name", named.value)))
            found["optimizer.family"] = derived(entry.family, span)
            found["optimizer.adaptive"] = derived(entry.family in _ADAPTIVE, span)
            found["optimizer.coupled"] = derived(entry.extra.get("decoupled") is not True, span)
            found["optimizer.schedule_free"] = derived(bool(entry.extra.get("schedule_free")), span)
        elif named.known:
            found["optimizer.name"] = unknown_value(f"optim={named.value!r} is not described", span)
        return found

    def _optimizer_name(self) -> Value:
        options = self.settings.given("optimizer_options")
        if options is not None and not is_none(options):
            return unknown_value("optim_args change the optimizer", self.settings.span)
        named = self.settings.named("optimizer")
        entry = self.settings.entry
        if named.known or entry is None or self.settings.given("optimizer") is not None:
            return named
        return Value(str(entry.extra.get("optimizer_default", "")), State.DEFAULT, span=self.settings.span)

    def _described(self, named: Value) -> Entry | None:
        table = self.settings.entry.extra.get("optimizers") if self.settings.entry is not None else None
        if not named.known or not isinstance(table, dict):
            return None
        return self.seen.evaluator.entry(str(table.get(str(named.value), "")))

    def _rate_from_batch(self) -> Value:
        given = self.settings.given("lr")
        if self.settings.reason:
            return unknown_value(self.settings.reason, self.settings.span)
        if given is None:
            return derived(False, self.settings.span)
        words = {word for text in given.words for word in words_of(text)}
        if words & _RATE_WORDS:
            return derived(True, self.settings.span)
        if given.default().kind != "const":
            return unknown_value("the rate is not known", self.settings.span)
        return derived(False, self.settings.span)

    def _length(self) -> dict[str, Value]:
        steps, epochs = self.settings.value("steps", "steps"), self.settings.value("epochs", "epochs")
        most = number(steps)
        if most is None:
            return {"train.epochs": unknown_value(steps.reason, steps.span)}
        return {"train.steps": steps} if most > 0 else {"train.epochs": _whole(epochs)}

    def _batch(self) -> dict[str, Value]:
        size = self.settings.value("batch_per_device", "samples")
        finds = self.settings.value("finds_batch")
        if finds.value is not False and size.known and self.settings.parameter("finds_batch"):
            size = unknown_value("auto_find_batch_size looks for a batch that fits", finds.span)
        return {"batch.per_device": size, "batch.grad_accum": self.settings.value("grad_accum")}

    def _seed(self) -> dict[str, Value]:
        """The seed that the trainer sets, unless the program sets one before."""
        if self.seen.made("seed"):
            return {}
        span = self.run.span
        return {
            "repro.seeded": derived(True, span),
            "repro.seed": self.settings.value("seed"),
            "repro.partial": absent(span),
        }

    def _loader(self, batch: Value) -> dict[str, Value]:
        span = self.run.span
        data = self.run.argument("train_data")
        style = DatasetStyles(self.seen).of(data) if data is not None else ""
        return {
            "loader.role": derived("train", span),
            "loader.order": self._order(style),
            "loader.style": derived(style, span)
            if style
            else unknown_value("what kind of data set this is", span),
            "loader.batch_size": batch,
        }

    def _order(self, style: str) -> Value:
        span = self.run.span
        if "order" in self.own:
            return unknown_value(self.own["order"], span)
        data = self.run.argument("train_data")
        if data is None:
            return unknown_value(f"{self.run.name}(…) is given no training data that was resolved", span)
        sampling = self.settings.value("sampling")
        grouped = self.settings.given("grouped")
        if grouped is not None and grouped.value is not False:
            return unknown_value("group_by_length draws samples of like length together", self.settings.span)
        if not sampling.known:
            return unknown_value(sampling.reason, sampling.span)
        order = _ORDERS.get(sampling.value)
        if order is None:
            return unknown_value(f"{self.settings.parameter('sampling')}={sampling.value!r}", sampling.span)
        if style != "map":
            reason = (
                "an iterable data set has its own order"
                if style
                else f"what kind of data set {_shown(data)} is"
            )
            return unknown_value(reason, span)
        if order == "file" and sampling.state is State.DEFAULT:
            return unknown_value("this trainer keeps the order of the data on purpose", span)
        return derived(order, span)


def _renamed(value: Value, text: str) -> Value:
    """The same leaf with another text."""
    return Value(text, value.state, value.unit, value.span, value.chain)


def _whole(value: Value) -> Value:
    if isinstance(value.value, float) and value.value == int(value.value):
        return Value(int(value.value), value.state, value.unit, value.span, value.chain, value.reason)
    return value


def _shown(value: Resolved) -> str:
    return value.name.rpartition("::")[2] or f"a {value.kind}"
