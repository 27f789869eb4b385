"""MMEngine's list of schedulers as one schedule and a warmup.

https://mmengine.readthedocs.io/en/latest/tutorials/param_scheduler.html, read in mmengine 0.10
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from trainlint.knowledge.formats import load_formats
from trainlint.recipe.config.adapters.adapted import Adapted
from trainlint.recipe.config.adapters.milestones import milestone_facts
from trainlint.recipe.config.adapters.mmengine_batch import batch_facts
from trainlint.recipe.config.adapters.parts import is_unread, made, number_of, unread, value_of
from trainlint.recipe.config.fields import Reading
from trainlint.recipe.config.tree import value_node
from trainlint.recipe.model import State, Value
from trainlint.text.document import Node

_RISING = {
    "LinearLR": "start_factor",
    "ConstantLR": "factor",
    "QuadraticWarmupLR": "",
    "LinearParamScheduler": "start_factor",
}
_FIRST_FACTOR = {"LinearLR": 1 / 3, "LinearParamScheduler": 1 / 3, "ConstantLR": 1 / 3}
_OTHER_PARAMETERS = ("Momentum", "WeightDecay", "EMA")


class _Phase(msgspec.Struct):
    """One scheduler of the list. `end` is None where it runs to the end of the training."""

    node: Node
    kind: str
    begin: float
    end: float | None
    unit: str


def mmengine_facts(reading: Reading, facts: Mapping[str, Value]) -> Adapted:
    """The schedule, the warmup, the batch and the number of devices of an MMEngine recipe."""
    found = Adapted({**_schedule(reading, facts), **batch_facts(reading, facts)})
    for node in _scheduler_nodes(reading):
        phase = _phase(reading, node)
        run = facts.get("train.epochs" if phase is not None and phase.unit == "epochs" else "train.steps")
        if phase is not None and phase.kind.startswith("MultiStep"):
            milestones = milestone_facts(reading, phase.kind, node.get("milestones"), run, phase.unit)
            found.schedulers += [milestones] if milestones else []
    return found


def _scheduler_nodes(reading: Reading) -> Sequence[Node]:
    held = value_node(reading.document.root, ["param_scheduler"])
    if held is None:
        return []
    nodes = held.value.children if held.value.kind == "sequence" else [held.value]
    return [node for node in nodes if node.kind == "mapping"]


def _schedule(reading: Reading, facts: Mapping[str, Value]) -> dict[str, Value]:
    root = reading.document.root
    held = value_node(root, ["param_scheduler"])
    if held is None or (held.value.kind == "scalar" and value_of(reading, held.value) is None):
        if held is not None and is_unread(held.value):
            return {"schedule.name": unread(reading, held.value, "param_scheduler is computed")}
        reason = "without param_scheduler the rate stays constant"
        at = held.value if held is not None else root
        return {
            "schedule.name": made(reading, "constant", at, state=State.DEFAULT, reason=reason),
            "warmup.length": made(reading, None, at, state=State.OFF, reason=reason),
        }
    nodes = held.value.children if held.value.kind == "sequence" else [held.value]
    if any(node.kind != "mapping" for node in nodes):
        return {"schedule.name": unread(reading, held.value, "param_scheduler is computed")}
    phases = [phase for node in nodes if (phase := _phase(reading, node)) is not None]
    warmups = [phase for phase in phases if _is_warmup(reading, phase, phases)]
    rest = [phase for phase in phases if phase not in warmups]
    found = _warmup(reading, warmups, held.value)
    rate = facts.get("optimizer.lr")
    if warmups and rate is not None and rate.known and isinstance(rate.value, int | float):
        factor = _factor(reading, warmups[0])
        if factor is not None:
            found["warmup.start"] = made(
                reading,
                rate.value * factor,
                warmups[0].node,
                state=State.DERIVED,
                reason="start factor × rate",
            )
    return {**found, **_main(reading, rest, held.value)}


def _phase(reading: Reading, node: Node) -> _Phase | None:
    # Names of another package's registry are `mmdet.QuadraticWarmupLR`, imported classes carry their module.
    kind = str(value_of(reading, node.get("type")) or "").rpartition(".")[2]
    if any(kind.startswith(other) or other in kind for other in _OTHER_PARAMETERS):
        return None
    by_epoch = value_of(reading, node.get("by_epoch")) is not False
    begin = number_of(reading, node.get("begin")) or 0
    end = number_of(reading, node.get("end"))
    return _Phase(node, kind, begin, end, "epochs" if by_epoch else "steps")


def _is_warmup(reading: Reading, phase: _Phase, phases: Sequence[_Phase]) -> bool:
    """Whether a phase raises the rate from the start, with something else or the plain rate after it."""
    if phase.begin != 0 or phase.kind not in _RISING:
        return False
    if phase.kind == "QuadraticWarmupLR":
        return True
    start = _factor(reading, phase)
    last = number_of(reading, phase.node.get("end_factor"))
    rises = start is not None and start < (1.0 if last is None else last)
    return rises and (phase.kind != "ConstantLR" or len(phases) > 1)


def _factor(reading: Reading, phase: _Phase) -> float | None:
    key = _RISING.get(phase.kind, "")
    node = phase.node.get(key) if key else None
    if node is None:
        return _FIRST_FACTOR.get(phase.kind)
    return number_of(reading, node)


def _warmup(reading: Reading, warmups: Sequence[_Phase], at: Node) -> dict[str, Value]:
    if not warmups:
        return {
            "warmup.length": made(reading, None, at, state=State.OFF, reason="no scheduler raises the rate")
        }
    phase = warmups[0]
    written = phase.node.get("end")
    if phase.end is None or written is None:
        return {"warmup.length": unread(reading, phase.node, "the warmup has no end of its own")}
    return {"warmup.length": made(reading, _whole(phase.end - phase.begin), written, phase.unit)}


def _main(reading: Reading, phases: Sequence[_Phase], at: Node) -> dict[str, Value]:
    """The name of the schedule after warmup, and where its last phase ends."""
    if not phases:
        return {"schedule.name": made(reading, "constant", at, state=State.DERIVED, reason="only a warmup")}
    names = [load_formats().names.find("schedules", phase.kind) for phase in phases]
    if any(name is None for name in names):
        return {"schedule.name": unread(reading, phases[0].node, f"{phases[0].kind} is not known")}
    kinds = [name[0] for name in names if name is not None]
    moving = [kind for kind in dict.fromkeys(kinds) if kind != "constant"]
    where = phases[kinds.index(moving[0])].node if moving else phases[0].node
    name = moving[0] if len(moving) == 1 else "constant" if not moving else "custom"
    found = {"schedule.name": made(reading, name, where.get("type") or where)}
    if len({phase.unit for phase in phases}) == 1:
        ends = [_end(reading, phase) for phase in phases]
        last = max((end for end in ends if end is not None), key=lambda end: end[0], default=None)
        if last is not None and None not in ends:
            found["schedule.length"] = made(reading, _whole(last[0]), last[1], phases[0].unit)
    return found


def _end(reading: Reading, phase: _Phase) -> tuple[float, Node] | None:
    written = phase.node.get("end")
    if phase.end is not None and written is not None:
        return phase.end, written
    period = phase.node.get("T_max")
    length = number_of(reading, period)
    return (phase.begin + length, period) if length is not None and period is not None else None


def _whole(number: float) -> int | float:
    return int(number) if number == int(number) else number
