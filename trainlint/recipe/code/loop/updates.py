"""Updates that take old gradients, no gradients, or never come: the order of backward, zero and step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from trainlint.analysis.evaluation.values import Frame
from trainlint.recipe.code.loop.acts import BACKWARD, OTHER, STEP, ZERO, Act, implied, together
from trainlint.recipe.code.loop.faults import Element, add, fault, receiver_name, written
from trainlint.recipe.code.loop.objects import Objects
from trainlint.recipe.code.loop.passes import Passes, is_inside
from trainlint.recipe.code.observe import Call, Observations

_MAY_ZERO = frozenset({"step", "zero", "grad", "optimize", "update", "reset", "backward", "train"})


class Updates:
    """What is wrong with the updates of a program, as elements of its recipe."""

    def __init__(self, seen: Observations, passes: Passes, objects: Objects) -> None:
        self.seen = seen
        self.passes = passes
        self.objects = objects

    def faults(self) -> Iterator[Element]:
        """Each fault once: where an optimizer steps, or where its gradients are zeroed. None where the
        program runs code that is text."""
        if any(call.name == "builtins.exec" for call in self.seen.calls):
            return
        steps = [call for call in self.seen.methods("step") if self.seen.runs(call) is not False]
        for call in steps:
            yield from self._of_step(call)
        yield from self._never_stepped()

    def _of_step(self, call: Call) -> Iterator[Element]:
        if self._has_closure(call):
            return
        for frame, loop in self.passes.around(call):
            acts = self.passes.of(frame, loop)
            steps = [act for act in acts if act.event is call.event and act.kind == STEP]
            if not any(act.kind == BACKWARD for act in acts) or not steps:
                continue
            step = steps[0]
            optimizer = self.objects.optimizer(step.on)
            if optimizer is not None and not self._is_made_inside(optimizer, frame, loop, acts):
                yield from self._judged(step, acts, optimizer, frame, loop)
            return

    def _judged(
        self, step: Act, acts: Sequence[Act], optimizer: Call, frame: Frame, loop: int
    ) -> Iterator[Element]:
        before = _backwards(step, acts)
        if not any(self._may_zero(act, optimizer) for act in acts):
            if before:
                yield self._missing_zero(step, before[0], optimizer, frame, loop)
            return
        zeroed = self._zeroed_before(step, acts, optimizer)
        if zeroed is not None:
            name = receiver_name(step.frame, step.call.term) or "the optimizer"
            links = [(zeroed.span, "the gradients are zeroed here")]
            links += [(act.span, "after they were computed here") for act in before[:1]]
            yield fault("zeroed-before-step", name, step.span, *links)

    def _missing_zero(self, step: Act, backward: Act, optimizer: Call, frame: Frame, loop: int) -> Element:
        name = self._name(step, optimizer)
        zeroes = self._zeroed_outside(optimizer)
        links = [
            (backward.span, "each pass adds to the gradients here"),
            (frame.loop_span(loop), "in this loop"),
            *((call.span, "zeroed only here, outside the loop") for call in zeroes[:1]),
        ]
        element = fault("never-zeroed", name, step.span, *links, elsewhere=bool(zeroes))
        beside = backward.frame is step.frame and backward.loops == step.loops
        return add(element, "backward", backward.call.name, backward.span if beside else None)

    def _name(self, step: Act, optimizer: Call) -> str:
        """The optimizer as the code around its step has it: what is stepped, or what a loss scaler is told to
        step."""
        frame, term = step.frame, step.frame.term(step.call.term)
        callee = frame.term(term.args[0])
        for place in (*callee.args[:1], *term.args[1:2]):
            if self.objects.optimizer(self.seen.evaluator.value(frame, place)) is not None:
                return written(frame, place) or "the optimizer"
        return next(iter(self.seen.names(self.seen.object(optimizer).identity)), "the optimizer")

    def _zeroed_outside(self, optimizer: Call) -> list[Call]:
        """Calls that zero the gradients of this optimizer, wherever they stand."""
        return [
            call
            for call in self.seen.methods("zero_grad", "clear_grad", "clear_gradients")
            if self.objects.optimizer(self.passes.reader.read(call)[1]) is optimizer
        ]

    def _has_closure(self, call: Call) -> bool:
        """Whether a step is given a function that computes the gradients anew."""
        terms = call.frame.term(call.term)
        return any(
            call.frame.term(each).op not in ("global", "attr", "loop", "param", "call", "if")
            or self.seen.evaluator.value(call.frame, each).kind == "function"
            for each in terms.args[1:]
        )

    def _is_made_inside(self, optimizer: Call, frame: Frame, loop: int, acts: Iterable[Act]) -> bool:
        """Whether each pass makes the optimizer anew, and so perhaps the weights."""
        if optimizer.place == (frame.facts.path, frame.facts.qualname):
            return is_inside(frame.facts, optimizer.event.loop, loop)
        return any(optimizer.place in act.places for act in acts)

    def _may_zero(self, act: Act, optimizer: Call) -> bool:
        """Whether an act may set the gradients of an optimizer to zero."""
        if act.kind == ZERO:
            return self._may_concern(act, optimizer)
        if act.kind == STEP:
            return not self._steps_only(act)
        return act.kind == OTHER and self._is_unread(act, optimizer)

    def _steps_only(self, act: Act) -> bool:
        """Whether what is stepped is an object of a library, which leaves the gradients as they are."""
        return all(
            leaf.kind == "object" and self.seen.evaluator.entry(leaf.name) is not None
            for leaf in act.on.alternatives()
        )

    def _may_concern(self, act: Act, optimizer: Call) -> bool:
        other = self.objects.optimizer(act.on)
        if other is optimizer:
            return True
        models = self.objects.models(optimizer)
        if other is not None:
            theirs = self.objects.models(other)
            return any(self.objects.may_hold(their, own) for their in theirs for own in models) or not models
        return not models or any(self.objects.may_hold(act.on, own) for own in models)

    def _is_unread(self, act: Act, optimizer: Call) -> bool:
        """Whether a call into code that was not read is handed the optimizer or its model, or is a method of
        something unknown whose name says that it may zero."""
        call = act.call
        evaluator = self.seen.evaluator
        if act.of_project:
            return False
        if call.method:
            on = evaluator.receiver(call.frame.facts, call.event)
            hidden = any(leaf.kind in ("unknown", "part") for leaf in on.alternatives())
            if hidden and any(word in call.name.lower() for word in _MAY_ZERO):
                return True
        elif call.entry is not None or evaluator.knowledge.inert(call.name, "schedule"):
            return False
        own = self.objects.models(optimizer)
        for argument in call.frame.term(call.term).args[1:]:
            value = evaluator.value(call.frame, argument)
            for leaf in value.alternatives():
                if leaf.site is not None and leaf.site == optimizer.site:
                    return True
                keys = set(self.objects.keys(leaf))
                if leaf.site is not None and any(keys & set(self.objects.keys(model)) for model in own):
                    return True
        return False

    def _zeroed_before(self, step: Act, acts: Sequence[Act], optimizer: Call) -> Act | None:
        """The act that zeroes an optimizer's gradients on every way to its step, with no backward pass
        between; None where a way brings gradients."""
        index = next(place for place, act in enumerate(acts) if act is step)
        for act in (*reversed(acts[:index]), *reversed(acts[index:])):
            if act is step or not together(act, step):
                if act is step:
                    return None
                continue
            if act.kind == BACKWARD:
                return None
            if act.kind == ZERO:
                certain = self.objects.optimizer(act.on) is optimizer
                if certain and implied(act, step) and act.loops == step.loops:
                    return act
                if self._may_concern(act, optimizer):
                    return None
            if act.kind == STEP and act.event is not step.event and not self._steps_only(act):
                return None
            if act.kind == OTHER and self._is_unread(act, optimizer):
                return None
        return None

    def _never_stepped(self) -> Iterator[Element]:
        """Optimizers whose gradients are zeroed in a loop with a backward pass, and that nothing steps."""
        for optimizer in self.objects.optimizers:
            if self.seen.runs(optimizer) is False or self._may_be_stepped(optimizer):
                continue
            for call in self._zeroed_outside(optimizer):
                for frame, loop in self.passes.around(call):
                    acts = self.passes.of(frame, loop)
                    backward = next((act for act in acts if act.kind == BACKWARD), None)
                    if backward is not None and any(act.event is call.event for act in acts):
                        name = receiver_name(call.frame, call.term) or "the optimizer"
                        links = [(backward.span, "the gradients are computed here")]
                        yield fault("never-stepped", name, call.span, *links)
                        break
                else:
                    continue
                break

    def _may_be_stepped(self, optimizer: Call) -> bool:
        """Whether anything in reach may step an optimizer: closed world over calls and what is handed on."""
        program = self.seen.program
        if program.closure.broken:
            return True
        for call in self.seen.methods("step", "minimize", "optimizer_step"):
            kind, on = self.passes.reader.read(call)
            if kind == STEP and self.objects.may_be_optimizer(on, optimizer):
                return True
        if any("step" in program.reach.unit(place).handed for place in program.reach.places):
            return True
        made = self.seen.object(optimizer)
        for call in self.seen.calls:
            if call.site == optimizer.site or call.name in ("zero_grad", "append", "load_state_dict"):
                continue
            for argument in call.frame.term(call.term).args[1:]:
                value = self.seen.evaluator.value(call.frame, argument)
                leaves = [leaf for item in (value, *value.items) for leaf in item.alternatives()]
                passed = any(leaf.kind == "object" and leaf.site == made.site for leaf in leaves)
                if passed and not self._is_harmless(call):
                    return True
        return False

    def _is_harmless(self, call: Call) -> bool:
        """Whether a call that is handed an optimizer does not step it: a schedule, or project code."""
        if call.entry is not None and call.entry.kind in (
            "scheduler",
            "scheduler-factory",
            "builtin",
            "save",
        ):
            return True
        return next(self.passes.training.targets(call), None) is not None


def _backwards(step: Act, acts: Sequence[Act]) -> list[Act]:
    """The backward passes of a pass that may come together with a step."""
    return [act for act in acts if act.kind == BACKWARD and together(act, step)]
