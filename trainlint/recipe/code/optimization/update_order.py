"""In which order a unit scales, clips and steps: what stands between a backward pass and the update."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from trainlint.analysis.evaluation.values import Resolved
from trainlint.analysis.facts import Event
from trainlint.recipe.code.leaves import derived
from trainlint.recipe.code.observe import Call, Observations
from trainlint.recipe.model import Link, State, Value

SCALE, UNSCALE, CLIP, SCALED_STEP, STEP, SCHEDULE, BACKWARD = (
    "scale unscale clip scaled-step step schedule backward".split()
)
_CLIPS = frozenset({"clip_grad_norm_", "clip_grad_value_", "clip_grad_norm"})
_METHODS = frozenset({"scale", "unscale_", "step", "backward"})


@dataclasses.dataclass(frozen=True, slots=True)
class Act:
    """One call that has a part in an update. `on` is what its method is called on."""

    kind: str
    call: Call
    on: Resolved | None = None

    @property
    def event(self) -> Event:
        """The call's event."""
        return self.call.event


class UpdateOrder:
    """The acts of each unit of a program, in the order of its statements."""

    def __init__(self, seen: Observations) -> None:
        self.seen = seen
        self.units: list[list[Act]] = []
        by_frame: dict[int, list[Call]] = {}
        for call in seen.calls:
            if self._may_act(call):
                by_frame.setdefault(id(call.frame), []).append(call)
        for calls in by_frame.values():
            acts = [act for call in calls if (act := self._act(call)) is not None]
            if any(act.kind in (STEP, SCALED_STEP) for act in acts):
                self.units.append(acts)

    @staticmethod
    def _may_act(call: Call) -> bool:
        return call.name in _METHODS if call.method else call.name.rpartition(".")[2] in _CLIPS

    def _act(self, call: Call) -> Act | None:
        if not call.method:
            return Act(CLIP, call) if call.entry is not None else None
        on = self.seen.evaluator.receiver(call.frame.facts, call.event)
        if call.name == "backward":
            return Act(BACKWARD, call, on)
        kinds = {kind for leaf in on.alternatives() for kind in self._kinds(leaf)}
        if kinds == {"scaler"}:
            return Act({"scale": SCALE, "unscale_": UNSCALE, "step": SCALED_STEP}[call.name], call, on)
        if call.name == "step" and kinds == {"optimizer"}:
            return Act(STEP, call, on)
        if call.name == "step" and kinds == {"scheduler"}:
            return Act(SCHEDULE, call, on)
        return None

    def _kinds(self, leaf: Resolved) -> Iterator[str]:
        """What an object is: by its callee, or by what its class is derived from."""
        names = [leaf.name] if leaf.kind == "object" else []
        if leaf.kind == "instance":
            names = list(self.seen.program.foreign_bases(*leaf.name.split("::", 1)))
        for name in names:
            entry = self.seen.evaluator.entry(name)
            yield entry.kind.removesuffix("-base") if entry is not None else ""

    def clips(self) -> list[dict[str, Value]]:
        """One mapping of `clip.*` values for each clipping of gradients next to an update, in order."""
        return [
            self._clip(acts, index)
            for acts in self.units
            for index, act in enumerate(acts)
            if act.kind == CLIP
        ]

    def _clip(self, acts: Sequence[Act], index: int) -> dict[str, Value]:
        clip = acts[index]
        near = [act for act in acts if together(clip, act)]
        place = near.index(clip)
        before, after = near[:place], near[place + 1 :]
        scaled = _last(before, SCALE)
        unscaled = _last(before, UNSCALE)
        still = scaled is not None and (unscaled is None or before.index(unscaled) < before.index(scaled))
        stepped = next((act for act in after if act.kind == SCALED_STEP), None)
        span = clip.call.span
        links = tuple(
            Link(act.call.span, label)
            for act, label in ((scaled, "the loss is scaled here"), (stepped, "unscaled only here"))
            if act is not None and act.call.span is not None
        )
        late = self._follows_step(before, after)
        return {
            "clip.name": Value(clip.call.name.rpartition(".")[2], State.EXPLICIT, span=span),
            "clip.of_scaled": derived(still and stepped is not None and self._enabled(stepped), span, links),
            "clip.after_step": derived(late is not None, span, () if late is None else (late,)),
        }

    @staticmethod
    def _follows_step(before: Sequence[Act], after: Sequence[Act]) -> Link | None:
        """The update that a clipping comes too late for: no backward pass and no other update around it."""
        step = next(
            (act for act in reversed(before) if act.kind in (STEP, SCALED_STEP, BACKWARD, SCALE)), None
        )
        if step is None or step.kind not in (STEP, SCALED_STEP) or step.call.span is None:
            return None
        if any(act.kind in (STEP, SCALED_STEP, BACKWARD, SCALE) for act in after):
            return None
        return Link(step.call.span, "the update is made here")

    def _enabled(self, step: Act) -> bool:
        """Whether the scaler scales at all, as far as is known."""
        for leaf in step.on.alternatives() if step.on is not None else ():
            enabled = self.seen.evaluator.binder.arguments(leaf).get("enabled")
            if enabled is not None and enabled.kind == "const" and not enabled.value:
                return False
        return True

    def schedule_steps(self) -> list[dict[str, Value]]:
        """One mapping of `step.*` values for each scheduler step next to an update, in order."""
        return [element for acts in self.units for element in self._schedule_steps(acts)]

    def _schedule_steps(self, acts: Sequence[Act]) -> Iterator[dict[str, Value]]:
        for act in acts:
            # A step that is told the epoch sets the rate of that epoch, wherever it stands.
            if act.kind != SCHEDULE or len(act.call.frame.term(act.call.term).args) > 1:
                continue
            updates = [
                other
                for other in acts
                if other.kind in (STEP, SCALED_STEP)
                and other.event.loop == act.event.loop
                and together(act, other)
            ]
            if not updates or act.event.loop < 0:
                continue
            first = updates[0]
            ahead = acts.index(act) < acts.index(first)
            span = first.call.span
            links = (Link(span, "the optimizer's step"),) if ahead and span is not None else ()
            yield {
                "step.of": Value("the scheduler", State.EXPLICIT, span=act.call.span),
                "step.before_update": derived(ahead, act.call.span, links),
            }


def together(first: Act, second: Act) -> bool:
    """Whether two acts of a unit may happen in one pass: no branch holds for one and not for the other."""
    holds = {condition.term: condition.holds for condition in first.event.conditions}
    return all(
        holds.get(condition.term, condition.holds) is condition.holds for condition in second.event.conditions
    )


def _last(acts: Sequence[Act], kind: str) -> Act | None:
    return next((act for act in reversed(acts) if act.kind == kind), None)
