"""Facts that follow from written ones: effective batch, rate per 256 samples, shape of the schedule."""

from __future__ import annotations

from collections.abc import Sequence

from trainlint.knowledge.formats import load_formats
from trainlint.knowledge.layers import model_kind
from trainlint.recipe.model import Link, State, Value
from trainlint.recipe.reference import derive_reference
from trainlint.recipe.sizes import derive_size

_ADAPTIVE = ("adam", "adaptive", "parameter-free")
_COUPLED_NORM, _DECOUPLED_NORM = 5e-4, 0.1
_TOY_EPOCHS = 5
_REGULARISERS = ("reg.dropout", "reg.label_smoothing", "reg.mixup", "reg.drop_path")


def number(value: Value | None) -> float | None:
    """The finite number a known value holds, else None."""
    if (
        value is None
        or not value.known
        or isinstance(value.value, bool)
        or not isinstance(value.value, int | float)
    ):
        return None
    return float(value.value) if abs(value.value) < float("inf") else None


def derive(facts: dict[str, Value], batch_scope: str) -> None:
    """Add every derived fact whose operands are known and that is not there yet.

    `batch_scope`: whom batch.per_device is for: device, some-device where nothing says how many there are, or
    "" where the key does not tell.
    """
    _derive_optimizer(facts)
    assumed = _derive_batch(facts, batch_scope)
    _derive_lengths(facts)
    _derive_schedule(facts)
    _derive_shares(facts)
    _derive_rate(facts, batch_known=not assumed)
    derive_reference(facts, batch_known=not assumed)
    _derive_regularization(facts)
    derive_size(facts)
    _derive_order(facts)


def _from(source: Value, value: object, reason: str, unit: str = "") -> Value:
    assert value is None or isinstance(value, bool | int | float | str)
    return Value(value, State.DERIVED, unit, source.span, source.chain, reason)


def _derive_optimizer(facts: dict[str, Value]) -> None:
    name = facts.get("optimizer.name")
    known = load_formats().names.optimizers.get(str(name.value)) if name is not None and name.known else None
    if name is None or known is None:
        return
    reason = f"{name.value}"
    facts.setdefault("optimizer.family", _from(name, known.family, reason))
    facts.setdefault("optimizer.adaptive", _from(name, known.family in _ADAPTIVE, reason))
    facts.setdefault("optimizer.schedule_free", _from(name, known.schedule_free, reason))
    if known.coupled is not None:
        facts.setdefault("optimizer.coupled", _from(name, known.coupled, reason))
    if name.value == "sgd":
        facts.setdefault("optimizer.momentum_advice", _from(name, "momentum: 0.9", reason))
    model = facts.get("model.name")
    kind = model_kind(model.value) if model is not None and isinstance(model.value, str) else ""
    if model is not None and kind:
        facts.setdefault("optimizer.network", _from(model, kind, f"{model.value}"))


def _derive_batch(facts: dict[str, Value], scope: str) -> bool:
    """Add the whole batch; whether that of one device had to stand for it."""
    effective = facts.get("batch.effective")
    if effective is not None and number(effective) is not None:
        return False
    per_device, devices = facts.get("batch.per_device"), facts.get("batch.devices")
    size, world = number(per_device), number(devices)
    if per_device is None or size is None:
        return False
    accumulated = number(facts.get("batch.grad_accum")) if "batch.grad_accum" in facts else 1.0
    if accumulated is None or (devices is not None and world is None):
        why = (
            "gradient accumulation is not known"
            if accumulated is None
            else "the number of devices is not known"
        )
        facts.setdefault("batch.effective", Value(span=per_device.span, unit="samples", reason=why))
        return False
    if not scope and world is not None and world > 1:
        choices = (_whole(size * accumulated), _whole(size * world * accumulated))
        why = "the key does not tell whether the batch is one device's or all devices'"
        facts.setdefault(
            "batch.effective", Value(span=per_device.span, unit="samples", reason=why, choices=choices)
        )
        return False
    total = _whole(size * (world or 1.0) * accumulated)
    chain = tuple(
        link for value in (devices, facts.get("batch.grad_accum")) if value for link in _links(value)
    )
    assumed = scope == "some-device" and devices is None
    state = State.DEFAULT if assumed else State.DERIVED
    why = "on one device: nothing says how many there are" if assumed else ""
    facts.setdefault("batch.effective", Value(total, state, "samples", per_device.span, chain, why))
    factors = [f"{_whole(size):,}"]
    if world is not None and world > 1:
        factors.append(f"{_whole(world)} devices")
    if accumulated > 1:
        factors.append(f"{_whole(accumulated)} accumulated")
    if len(factors) > 1:
        facts.setdefault(
            "batch.composition", Value(" × ".join(factors), State.DERIVED, "", per_device.span, chain)
        )
    return assumed


def _links(value: Value) -> Sequence[Link]:
    if value.chain or value.span is None or value.state is State.DEFAULT:
        return value.chain
    return (Link(value.span, f"{value.value} {value.unit}".strip()),)


def _whole(value: float) -> int | float:
    return int(value) if value == int(value) else value


def _derive_lengths(facts: dict[str, Value]) -> None:
    steps, epochs = facts.get("train.steps"), facts.get("train.epochs")
    count = number(steps)
    if steps is not None and count is not None and count <= 0:
        del facts["train.steps"]
        steps = None
    if epochs is not None and number(epochs) is not None:
        toy = (number(epochs) or 0.0) <= _TOY_EPOCHS
        facts.setdefault("meta.toy", _from(epochs, toy, f"{epochs.value} epochs"))
    if steps is None and epochs is not None:
        facts.setdefault("train.length", epochs)
    elif epochs is None and steps is not None:
        facts.setdefault("train.length", steps)
    elif steps is not None:
        facts.setdefault("train.length", Value(span=steps.span, reason="both epochs and steps are given"))


def _derive_schedule(facts: dict[str, Value]) -> None:
    name = facts.get("schedule.name")
    if name is None or not name.known:
        return
    facts.setdefault("optimizer.schedule.name", name)
    facts.setdefault(
        "optimizer.schedule.steps_rate", _from(name, name.value != "constant", f"schedule {name.value}")
    )
    known = load_formats().names.schedules.get(str(name.value))
    shape = known.shape if known is not None else ""
    if shape:
        facts.setdefault("schedule.shape", _from(name, shape, f"schedule {name.value}"))
        facts.setdefault("optimizer.schedule.decays", _from(name, shape != "flat", f"schedule {name.value}"))


def _derive_shares(facts: dict[str, Value]) -> None:
    """The ends of warmup and schedule against the run's, where both are in one unit."""
    run = facts.get("train.length")
    whole = number(run)
    for part, path in (("warmup.length", "warmup.share"), ("schedule.length", "schedule.share")):
        length = facts.get(part)
        size = number(length)
        if length is None or size is None:
            continue
        if length.unit == "fraction":
            facts.setdefault(path, _from(length, size, "a fraction of the run", "ratio"))
        elif run is not None and whole and length.unit and length.unit == run.unit:
            facts.setdefault(path, _from(length, size / whole, f"of {_whole(whole):,} {run.unit}", "ratio"))


def _derive_rate(facts: dict[str, Value], *, batch_known: bool) -> None:
    rate, batch = facts.get("optimizer.lr"), facts.get("batch.effective")
    role = facts.get("optimizer.lr_role")
    value = number(rate)
    if rate is None or value is None or (role is not None and role.value != "peak"):
        return
    shape = facts.get("schedule.shape")
    if shape is None or shape.value != "rising":
        facts.setdefault("rate.peak", _from(rate, value, "", "rate"))
    value, total = number(facts.get("rate.peak")), number(batch)
    if total and value is not None and batch_known:
        chain = (*_links(rate), *(_links(batch) if batch is not None else ()))
        facts.setdefault("rate.per_256", Value(value * 256 / total, State.DERIVED, "rate", rate.span, chain))


def _derive_regularization(facts: dict[str, Value]) -> None:
    decay, coupled = facts.get("optimizer.weight_decay"), facts.get("optimizer.coupled")
    if decay is not None:
        facts.setdefault("reg.weight_decay", decay)
    usual = _COUPLED_NORM if coupled is None or coupled.value else _DECOUPLED_NORM
    heavy = number(decay)
    # What the trainer does to every run is its norm: only what goes beyond it counts.
    written = [path for path in _REGULARISERS if path in facts and facts[path].state is not State.DEFAULT]
    active = [facts[path] for path in written if (number(facts[path]) or 0.0) > 0]
    if decay is not None and decay.state is not State.DEFAULT and heavy is not None and heavy > usual:
        active.append(decay)
    if active:
        facts.setdefault("reg.any", _from(active[0], True, "a regulariser is on"))


def _derive_order(facts: dict[str, Value]) -> None:
    shuffle = facts.get("loader.shuffle")
    if shuffle is None or not shuffle.known:
        return
    facts.setdefault("loader.role", _from(shuffle, "train", "the training loader"))
    facts.setdefault("loader.order", _from(shuffle, "random" if shuffle.value else "file", ""))
