"""Chains of gradient transformations: what each part does to the update, in order."""

from __future__ import annotations

from collections.abc import Iterator

from trainlint.analysis.evaluation.values import Resolved
from trainlint.findings import Span
from trainlint.knowledge.base import Entry
from trainlint.recipe.code.leaves import absent, derived, leaf, unknown_value
from trainlint.recipe.code.observe import Call, Observations
from trainlint.recipe.model import Value

_DECAY, _SCALE, _RATE = "optax.add_decayed_weights", "optax.scale", "optax.scale_by_learning_rate"
_MAX_DEPTH = 4


class Chains:
    """The chains a program makes, as recipe values."""

    def __init__(self, seen: Observations) -> None:
        self.seen = seen

    def elements(self) -> list[dict[str, Value]]:
        """One mapping of `chain.*` values for each chain that stands in no other one, in order."""
        calls = [
            call
            for call in self.seen.made("optimizer-chain")
            if self.seen.happens(call.frame, call.event.conditions) is not False
        ]
        inner = {part.site for call in calls for part in self._given(self.seen.object(call))}
        return [self._element(call) for call in calls if call.site not in inner]

    def _element(self, call: Call) -> dict[str, Value]:
        parts = list(self._parts(self.seen.object(call)))
        turns = [index for index, part in enumerate(parts) if part is not None and self._turns(part)]
        found = {"chain.rate": absent(call.span), "chain.decay": absent(call.span)}
        for index, part in enumerate(parts):
            before = [turn for turn in turns if turn < index]
            if part is None or part.name != _DECAY or not before:
                continue
            rate = parts[before[-1]]
            assert rate is not None
            found["chain.rate"] = derived(_plain(rate.name), self._span(rate))
            if not all(self._keeps_sign(later) for later in parts[index + 1 :]):
                found["chain.decay"] = unknown_value("a later part may turn the sign again", self._span(part))
                continue
            found["chain.decay"] = derived(_plain(part.name), self._span(part))
            found["chain.weight_decay"] = self._amount(part)
            break
        return found

    def _amount(self, part: Resolved) -> Value:
        entry = self.seen.evaluator.entry(part.name)
        given = self.seen.evaluator.binder.arguments(part).get("weight_decay")
        assert entry is not None and part.site is not None and part.frame is not None
        made = next((call for call in self.seen.calls if call.site == part.site), None)
        if made is None:
            return unknown_value("where it is made is not known")
        return leaf(given, made, default=entry.default("weight_decay"))

    def _parts(self, chain: Resolved, depth: int = 0) -> Iterator[Resolved | None]:
        """The parts of a chain in order, inner chains opened and masks taken off; None for one not known."""
        for part in self._given(chain):
            entry = self._entry(part)
            if depth > _MAX_DEPTH or part.kind != "object":
                yield None
            elif entry is None:
                yield part if part.name.startswith("optax.") else None
            elif entry.kind == "optimizer-chain":
                yield from self._parts(part, depth + 1)
            elif "inner" in entry.fields:
                inner = self.seen.evaluator.binder.arguments(part).get(entry.fields["inner"])
                known = inner is not None and inner.kind == "object"
                yield inner if known else None
            else:
                yield part

    def _given(self, chain: Resolved) -> Iterator[Resolved]:
        """What is passed to a chain: of a named part, the part."""
        if chain.frame is None or chain.kind != "object":
            return
        call = chain.frame.term(chain.term)
        for key, argument in zip(call.keys, call.args[1:], strict=True):
            value = self.seen.evaluator.value(chain.frame, argument)
            if key == "*" and value.kind == "sequence":
                yield from value.items
            elif key == "" and value.kind == "sequence" and value.items:
                yield value.items[-1]
            else:
                yield value

    def _entry(self, value: Resolved) -> Entry | None:
        return self.seen.evaluator.entry(value.name) if value.kind == "object" else None

    def _turns(self, part: Resolved) -> bool:
        """Whether a part is known to multiply by the rate and turn the sign: an optimizer, `scale(-lr)`."""
        entry = self._entry(part)
        if entry is None:
            return False
        if entry.kind == "optimizer":
            return True
        arguments = self.seen.evaluator.binder.arguments(part)
        if part.name == _RATE:
            return arguments.get("flip_sign") is None and arguments.complete
        return part.name == _SCALE and self._is_negative(part)

    def _is_negative(self, part: Resolved) -> bool:
        arguments = self.seen.evaluator.binder.arguments(part)
        factor = arguments.get("step_size")
        if factor is not None and factor.is_number:
            return isinstance(factor.value, (int, float)) and factor.value < 0
        place = arguments.terms.get("step_size")
        if place is None:
            return False
        term = place[0].term(place[1])
        return term.op == "un" and term.name == "-"

    def _keeps_sign(self, part: Resolved | None) -> bool:
        if part is None or not part.name.startswith("optax.") or self._turns(part):
            return False
        return "scale" not in part.name and "schedule" not in part.name

    def _span(self, part: Resolved) -> Span | None:
        return part.frame.span(part.term) if part.frame is not None else None


def _plain(name: str) -> str:
    return name.rpartition(".")[2]
