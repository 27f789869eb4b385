"""Weights that an optimizer holds and cannot move, or ought to hold and does not: freezing and wrapping by
order."""

from __future__ import annotations

from collections.abc import Iterator

from trainlint.analysis.evaluation.values import Frame, Resolved
from trainlint.analysis.facts import Event
from trainlint.recipe.code.loop.faults import Element, fault, written
from trainlint.recipe.code.loop.objects import Objects
from trainlint.recipe.code.observe import Call, Observations

_SWITCH = "requires_grad"
_GROUPS = frozenset({"add_param_group"})
_DISTRIBUTED = "DistributedDataParallel"
_PLACES = frozenset({"to", "cuda"})
_MOVES = _PLACES | {"half", "double", "bfloat16"}
_DEPTH = 6


class Parameters:
    """What is wrong with what the optimizers of a program hold, as elements of its recipe."""

    def __init__(self, seen: Observations, objects: Objects) -> None:
        self.seen = seen
        self.objects = objects

    def faults(self) -> Iterator[Element]:
        """Each optimizer once; each wrapped model that is moved afterwards once."""
        for optimizer in self.objects.optimizers:
            if self.seen.runs(optimizer) is False:
                continue
            model = self.objects.trains_only(optimizer)
            if model is None:
                continue
            element = self._all_frozen(optimizer, model) or self._replaced_after(optimizer, model)
            if element is not None:
                yield element
        yield from self._moved()

    def _all_frozen(self, optimizer: Call, model: Resolved) -> Element | None:
        """The freezing of every weight of a model that an optimizer is then given whole."""
        if self._switched_on() or self._gets_new_parts(model) or self.seen.program.closure.broken:
            return None
        for frame, event in self._freezings():
            if (
                event.conditions
                or frame is not optimizer.frame
                or self._index(frame, event) > self._index(frame, optimizer.event)
            ):
                continue
            frozen = self._frozen(frame, event)
            if frozen is not None and set(self.objects.keys(frozen)) == set(self.objects.keys(model)):
                span = frame.span(event.value) if event.kind == "store-attr" else frame.span(event.term)
                links = [(span, "all its weights are frozen here")]
                return fault("all-frozen", self._name(optimizer), optimizer.span, *links)
        return None

    def _freezings(self) -> Iterator[tuple[Frame, Event]]:
        for frame in self.seen.frames:
            for event in self.seen.program.events(frame.facts):
                if event.kind == "store-attr" and event.name == _SWITCH:
                    if frame.term(event.value).value is False:
                        yield frame, event
                elif event.kind == "call":
                    term = frame.term(event.term)
                    callee = frame.term(term.args[0])
                    switch = callee.op == "attr" and callee.name == "requires_grad_" and len(term.args) == 2
                    if switch and frame.term(term.args[1]).value is False:
                        yield frame, event

    def _frozen(self, frame: Frame, event: Event) -> Resolved | None:
        """The model whose weights all are frozen by a store in a loop over them, or by `requires_grad_`."""
        if event.kind == "call":
            base = frame.term(frame.term(event.term).args[0]).args[0]
            if frame.term(base).op != "elem":
                return self.seen.evaluator.value(frame, base)
        else:
            base = event.term
        element = frame.term(base)
        if element.op == "unpack":
            element = frame.term(element.args[0])
        if element.op != "elem":
            return None
        source = frame.term(element.args[0])
        callee = frame.term(source.args[0]) if source.op == "call" and len(source.args) == 1 else None
        if callee is None or callee.op != "attr" or callee.name not in ("parameters", "named_parameters"):
            return None
        return self.seen.evaluator.value(frame, callee.args[0])

    def _switched_on(self) -> bool:
        """Whether any weight may be made trainable again: closed world over stores and calls."""
        for frame in self.seen.frames:
            for event in self.seen.program.events(frame.facts):
                if event.kind == "store-attr" and event.name == _SWITCH:
                    if frame.term(event.value).value is not False:
                        return True
                elif event.kind == "call":
                    term = frame.term(event.term)
                    callee = frame.term(term.args[0])
                    switch = callee.op == "attr" and callee.name == "requires_grad_"
                    if switch and (len(term.args) == 1 or frame.term(term.args[1]).value is not False):
                        return True
        return any("unfreeze" in call.name.lower() for call in self.seen.calls)

    def _gets_new_parts(self, model: Resolved) -> bool:
        """Whether anything is stored into a model: a new head has weights of its own, which are trainable."""
        for frame in self.seen.frames:
            for event in self.seen.program.events(frame.facts):
                if event.kind not in ("store-attr", "store-item") or event.name == _SWITCH:
                    continue
                if self._is_part(frame, event.term, model):
                    return True
        return any(
            call.name in ("add_module", "reset_classifier", "register_module") for call in self.seen.calls
        )

    def _is_part(self, frame: Frame, term: int, model: Resolved) -> bool:
        """Whether an expression is a model, or a part of it: `model`, `model.classifier`."""
        wanted = set(self.objects.keys(model))
        for _ in range(_DEPTH):
            if wanted & set(self.objects.keys(self.seen.evaluator.value(frame, term))):
                return True
            record = frame.term(term)
            if record.op not in ("attr", "item"):
                return False
            term = record.args[0]
        return False

    def _replaced_after(self, optimizer: Call, model: Resolved) -> Element | None:
        """A layer that is put into a model after its weights were handed to the optimizer."""
        frame = optimizer.frame
        if any(call.name in _GROUPS for call in self.seen.methods(*_GROUPS)) or optimizer.event.loop >= 0:
            return None
        for event in self.seen.program.events(frame.facts):
            if (
                event.kind != "store-attr"
                or event.loop >= 0
                or event.conditions != optimizer.event.conditions
            ):
                continue
            if self._index(frame, event) <= self._index(frame, optimizer.event):
                continue
            made = self.seen.evaluator.value(frame, event.value)
            layer = (
                made.kind == "object"
                and made.name.startswith(("torch.nn.", "paddle.nn."))
                and made.name.rpartition(".")[2][:1].isupper()
            )
            if layer and self._is_part(frame, event.term, model) and not self._made_again(optimizer, event):
                name = written(frame, event.term)
                part = f"{name}.{event.name}" if name else event.name
                links = [(optimizer.span, "the optimizer was given the weights here")]
                return fault("not-in-optimizer", part, frame.span(event.value), *links)
        return None

    def _made_again(self, optimizer: Call, event: Event) -> bool:
        """Whether another optimizer is made after an event."""
        return any(
            other.place != optimizer.place
            or self._index(other.frame, other.event) > self._index(optimizer.frame, event)
            for other in self.objects.optimizers
            if other is not optimizer
        )

    def _moved(self) -> Iterator[Element]:
        """Models that are moved or converted after they were wrapped for distributed training."""
        for call in self.seen.methods(*sorted(_MOVES)):
            base = _wrapper(call)
            if base is None or (call.name in _PLACES and self._is_placed(call.frame, base)):
                continue
            links = [(call.frame.span(base), "wrapped here")]
            name = written(call.frame, base) or "the model"
            yield fault("moved-after-wrap", name, call.span, *links, value=call.name)

    def _is_placed(self, frame: Frame, wrapper: int) -> bool:
        """Whether a model was moved before it was wrapped, too, as one for `device_ids` must be: to move it
        again does nothing."""
        record = frame.term(wrapper)
        given = dict(zip(record.keys, record.args[1:], strict=True))
        devices = frame.term(given["device_ids"]) if "device_ids" in given else None
        known = len(record.args) > 1 and record.keys[1:2] != ("",)
        if not known or (devices is not None and devices.op != "const"):
            return True
        model = set(self.objects.keys(self.seen.evaluator.value(frame, record.args[1])))
        for call in self.seen.methods(*sorted(_PLACES)):
            moved = self.seen.evaluator.receiver(call.frame.facts, call.event)
            if _wrapper(call) is None and model & set(self.objects.keys(moved)):
                return True
        return False

    @staticmethod
    def _index(frame: Frame, event: Event) -> int:
        return next(index for index, each in enumerate(frame.facts.events) if each is event)

    def _name(self, optimizer: Call) -> str:
        return next(iter(self.seen.names(self.seen.object(optimizer).identity)), "the optimizer")


def _wrapper(call: Call) -> int | None:
    """The call that wraps a model for distributed training, where a method is called on its result."""
    base = call.frame.term(call.frame.term(call.term).args[0]).args[0]
    record = call.frame.term(base)
    callee = call.frame.term(record.args[0]) if record.op == "call" else None
    wraps = callee is not None and callee.op == "global" and callee.name.endswith(_DISTRIBUTED)
    return base if wraps else None
