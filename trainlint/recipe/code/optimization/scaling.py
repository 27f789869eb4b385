"""What goes wrong around an update: a second step without a backward pass, and loss scalers used in the wrong
order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from trainlint.analysis.evaluation.values import Resolved, same
from trainlint.recipe.code.leaves import derived
from trainlint.recipe.code.observe import Call, Observations
from trainlint.recipe.code.optimization.update_order import (
    BACKWARD,
    SCALE,
    SCALED_STEP,
    STEP,
    UNSCALE,
    Act,
    UpdateOrder,
    together,
)
from trainlint.recipe.code.training import Training
from trainlint.recipe.model import Link, State, Value

_RENEWING = (BACKWARD, SCALE)
_MAY_RENEW = ("backward", "grad", "train", "step", "closure")
_KEEPING = frozenset({"clip", "context"})
"""Kinds of functions that compute no gradients, whatever their names say."""


class Scaling:
    """The updates and loss scalers of a program, as recipe values."""

    def __init__(self, seen: Observations, order: UpdateOrder, training: Training) -> None:
        self.seen = seen
        self.order = order
        self.training = training

    def updates(self) -> list[dict[str, Value]]:
        """One mapping of `update.*` values for each update that repeats the one before, in order."""
        return [
            element
            for acts in self.order.units
            for first, second in self._pairs(acts, (STEP, SCALED_STEP), (STEP, SCALED_STEP))
            if (element := self._repeated(acts, first, second)) is not None
        ]

    def _repeated(self, acts: Sequence[Act], first: Act, second: Act) -> dict[str, Value] | None:
        between = acts[acts.index(first) + 1 : acts.index(second)]
        if first.kind == SCALED_STEP and second.kind == SCALED_STEP:
            return None
        renewing = (act for act in between if act.kind in _RENEWING)
        if any(together(first, act) for act in renewing) or self._renewed(first, second):
            return None
        if len(second.call.frame.term(second.call.term).args) > 1 and second.kind == STEP:
            return None
        target = self._target(first)
        if target is None or not _one(target, self._target(second)):
            return None
        span = second.call.span
        where = first.call.span
        links = (Link(where, "the update is made here"),) if where is not None else ()
        return {
            "update.call": Value(self._written(second), State.EXPLICIT, span=span),
            "update.after": derived(self._written(first), where),
            "update.repeated": derived(True, span, links),
        }

    def _pairs(
        self,
        acts: Sequence[Act],
        firsts: Sequence[str],
        seconds: Sequence[str],
        belong: Callable[[Act, Act], bool] | None = None,
    ) -> Iterator[tuple[Act, Act]]:
        """Two acts that follow each other in one pass: wherever the first happens, so does the second.

        With `belong` the second is the next one that belongs to the first.
        """
        for index, first in enumerate(acts):
            if first.kind not in firsts:
                continue
            later = (act for act in acts[index + 1 :] if act.kind in seconds)
            near = (act for act in later if belong is None or belong(first, act))
            second = next((act for act in near if self._follows(first, act)), None)
            if second is not None:
                yield first, second

    def _follows(self, first: Act, second: Act) -> bool:
        if first.event.loop != second.event.loop or first.event.nested != second.event.nested:
            return False
        held = {(condition.term, condition.holds) for condition in first.event.conditions}
        needed = {(condition.term, condition.holds) for condition in second.event.conditions}
        return needed <= held and (needed == held or not self._leaves(first))

    def _leaves(self, act: Act) -> bool:
        """Whether the branch of an act may end the pass: by `continue`, `break` or `return`."""
        facts = act.call.frame.facts
        if act.event.loop >= 0 and facts.loops[act.event.loop].jumps:
            return True
        own = {condition.term for condition in act.event.conditions}
        return any(own & {condition.term for condition in back.conditions} for back in facts.returns)

    def _renewed(self, first: Act, second: Act) -> bool:
        """Whether a call between two updates may compute new gradients, or sets them to zero."""
        events = self.seen.program.events(first.call.frame.facts)
        start, end = events.index(first.event), events.index(second.event)
        for event in events[start + 1 : end]:
            if event.kind != "call":
                continue
            call = self.seen.call_of(first.call.frame, event)
            if not together(first, Act("", call)):
                continue
            trains = any(place in self.training.units for place in self.training.targets(call))
            if trains or self._may_renew(call):
                return True
        return False

    def _may_renew(self, call: Call) -> bool:
        """Whether the name of a call says that it computes gradients, steps, or zeroes them."""
        name = call.name.rpartition(".")[2].rpartition("::")[2]
        if call.entry is not None and call.entry.kind in _KEEPING:
            return False
        if call.method and any(
            entry.effect == "train-mode" for entry in self.seen.evaluator.knowledge.methods(name)
        ):
            return False
        return any(word in name.lower() for word in _MAY_RENEW) and not self._steps(call)

    def _steps(self, call: Call) -> bool:
        """Whether a call is the step of a scheduler, a scaler or an optimizer that was followed."""
        return any(
            act.event is call.event for acts in self.order.units for act in acts if act.kind != BACKWARD
        )

    def _target(self, act: Act) -> Resolved | None:
        """The optimizer that an act updates or unscales."""
        if act.kind == STEP:
            return act.on
        arguments = act.call.frame.term(act.call.term).args[1:]
        return self.seen.evaluator.value(act.call.frame, arguments[0]) if arguments else None

    def _written(self, act: Act) -> str:
        callee = act.call.frame.term(act.call.frame.term(act.call.term).args[0])
        base = act.call.frame.term(callee.args[0])
        name = base.name.rpartition("::")[2].rpartition(".")[2]
        return f"{name}.{act.call.name}" if name.isidentifier() else act.call.name

    def scalers(self) -> list[dict[str, Value]]:
        """One mapping of `scaler.*` values for each misuse of a loss scaler, in order."""
        return [*self._orders(), *self._omissions()]

    def _orders(self) -> Iterator[dict[str, Value]]:
        for acts in self.order.units:
            for first, second in self._pairs(acts, (UNSCALE, SCALED_STEP), (UNSCALE,), self._same_target):
                if not self._enabled(second):
                    continue
                if self._updated_between(first, second) or self._renewed_scale(acts, first, second):
                    continue
                fault = "unscaled-twice" if first.kind == UNSCALE else "unscaled-after-step"
                yield self._misuse(second, fault, first)

    def _same_target(self, first: Act, second: Act) -> bool:
        one, other = self._target(first), self._target(second)
        scaled = first.on is not None and second.on is not None and _one(first.on, second.on)
        return scaled and one is not None and _one(one, other)

    @staticmethod
    def _renewed_scale(acts: Sequence[Act], first: Act, second: Act) -> bool:
        between = acts[acts.index(first) + 1 : acts.index(second)]
        return any(act.kind == SCALED_STEP for act in between) and first.kind == UNSCALE

    def _updated_between(self, first: Act, second: Act) -> bool:
        events = self.seen.program.events(first.call.frame.facts)
        start, end = events.index(first.event), events.index(second.event)
        return any(
            call.event in events[start + 1 : end]
            for call in self.seen.methods("update")
            if call.frame is first.call.frame
        )

    def _omissions(self) -> Iterator[dict[str, Value]]:
        """Scalers that nothing in reach updates, and steps of scalers that scale nothing."""
        steps = [act for acts in self.order.units for act in acts if act.kind == SCALED_STEP]
        if not steps or self.seen.program.closure.broken:
            return
        step = steps[0]
        if not self._enabled(step) or self._handed_on(step):
            return
        own = self._written(step).rpartition(".")[0]
        if not self._is_called(own, "update", "minimize"):
            if self._repeats(step) and self._is_dynamic(step):
                yield self._misuse(step, "never-updated")
        elif not self._is_called(own, "scale", "minimize"):
            yield self._misuse(step, "never-scaled")

    def _is_called(self, own: str, *methods: str) -> bool:
        """Whether any unit in reach calls one of these methods on what may be the scaler, named `own` at its
        step."""
        reach = self.seen.program.reach
        for place in reach.places:
            for called in reach.unit(place).calls:
                base, _, name = called.rpartition(".")
                if name in methods and (base.rpartition(".")[2] == own or _may_be_scaler(base)):
                    return True
        return any(self._on_unknown(call) for call in self.seen.methods(*methods))

    def _is_dynamic(self, step: Act) -> bool:
        """Whether the scale can change, so that it must be updated."""
        leaves = step.on.alternatives() if step.on is not None else ()
        return all(
            self.seen.evaluator.binder.arguments(leaf).get("use_dynamic_loss_scaling") is None
            for leaf in leaves
        )

    def _on_unknown(self, call: Call) -> bool:
        """Whether a method is called on a scaler, or on something that was not found."""
        receiver = self.seen.evaluator.receiver(call.frame.facts, call.event)
        for leaf in receiver.alternatives():
            entry = self.seen.evaluator.entry(leaf.name) if leaf.kind == "object" else None
            if leaf.kind in ("unknown", "part", "absent") or (entry is not None and entry.kind == "scaler"):
                return True
        return False

    def _repeats(self, step: Act) -> bool:
        """Whether a step is made more than once, in a loop of its unit or around a call of it."""
        return step.event.loop >= 0 or step.call.frame.facts.qualname != ""

    def _enabled(self, act: Act) -> bool:
        """Whether the scaler can scale: one that is turned off, and by no option, does nothing."""
        for leaf in act.on.alternatives() if act.on is not None else ():
            arguments = self.seen.evaluator.binder.arguments(leaf)
            for name in ("enabled", "enable"):
                given = arguments.get(name)
                if given is not None and given.kind == "const" and not given.value and not given.option:
                    return False
        return True

    def _handed_on(self, step: Act) -> bool:
        """Whether the scaler is passed to a callee that was not read, which may use it."""
        sites = {leaf.site for leaf in step.on.alternatives() if leaf.site} if step.on is not None else set()
        for call in self.seen.calls:
            if "::" in call.name or (call.entry is not None and not call.method):
                continue
            for term in call.frame.term(call.term).args[1:]:
                value = self.seen.evaluator.value(call.frame, term)
                passed = any(leaf.site in sites for leaf in value.alternatives() if leaf.site)
                if passed and next(self.training.targets(call), None) is None:
                    return True
        return False

    def _misuse(self, act: Act, fault: str, first: Act | None = None) -> dict[str, Value]:
        links: tuple[Link, ...] = ()
        if first is not None and first.call.span is not None:
            label = "unscaled here" if first.kind == UNSCALE else "stepped here"
            links = (Link(first.call.span, label),)
        return {
            "scaler.call": Value(self._written(act), State.EXPLICIT, span=act.call.span),
            "scaler.fault": derived(fault, act.call.span, links),
        }


def _may_be_scaler(written: str) -> bool:
    return any(word in written.lower() for word in ("scal", "amp", "()", "[]"))


def _one(first: Resolved, second: Resolved | None) -> bool:
    """Whether two values are known to be one object: not two elements whose places are not known."""
    if second is None or "unknown" in (first.kind, second.kind):
        return False
    return same(first, second) and not (first.kind == "part" and first.value is None)
