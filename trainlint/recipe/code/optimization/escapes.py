"""Where an optimizer is handed to code that was not read, and that may do anything to its rate."""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property

from trainlint.analysis.evaluation.values import Resolved, Site
from trainlint.recipe.code.observe import Call, Observations


class OptimizerEscapes:
    """Finds the calls that an optimizer escapes to."""

    def __init__(self, seen: Observations) -> None:
        self.seen = seen

    def of(self, call: Call, besides: Collection[Site] = ()) -> str | None:
        """A callee outside the project that is handed the optimizer and is not known to leave its rate alone.

        `besides` are calls known for what they do to it.
        """
        made = self.seen.object(call)
        for label, other in self._not_read:
            if other.site == call.site or other.site in besides:
                continue
            if self._passes(other, made) and self.seen.runs(other) is not False:
                shown = self.seen.unread.shown(other.frame, other.term) or label
                return f"the optimizer is handed to {shown}, which was not read"
        return None

    @cached_property
    def _not_read(self) -> list[tuple[str, Call]]:
        """The calls that may do anything to what they are handed, each with what it is called."""
        taking = (call for call in self.seen.calls if _takes_objects(call))
        return [(label, call) for call in taking if (label := self._unread(call))]

    def _passes(self, other: Call, made: Resolved) -> bool:
        record = other.frame.facts.terms[other.term]
        for argument in record.args[1:]:
            value = self.seen.evaluator.value(other.frame, argument)
            leaves = [leaf for item in (value, *value.items) for leaf in item.alternatives()]
            if any(leaf.kind == "object" and leaf.site == made.site for leaf in leaves):
                return True
        return False

    def _unread(self, other: Call) -> str:
        if other.method:
            receiver = self.seen.evaluator.receiver(other.frame.facts, other.event)
            if any(
                item.kind in ("instance", "class", "const", "sequence", "mapping")
                for item in receiver.alternatives()
            ):
                return ""
            if other.name in (
                "append",
                "step",
                "unscale_",
                "prepare",
                "backward",
                "minimize",
                "add",
                "load_state_dict",
            ):
                return ""
            names = {item.name for item in receiver.alternatives() if item.kind == "object"}
            if names and all(self.seen.evaluator.knowledge.inert(name, "schedule") for name in names):
                return ""
            return f".{other.name}()"
        if other.entry is not None and other.entry.kind == "optimizer-chain":
            return self._unread_part(other)
        if "::" in other.name or self.seen.evaluator.knowledge.inert(other.name, "schedule"):
            return ""
        if other.entry is not None and other.entry.kind in ("builtin", "scaler", "model-wrapper"):
            return ""
        return other.name or self._unread_value(other)

    def _unread_value(self, other: Call) -> str:
        """A callee that is a value: nothing where it can only be project code, which is read."""
        callee = self.seen.evaluator.value(other.frame, other.frame.facts.terms[other.term].args[0])
        read = all(
            leaf.kind in ("instance", "function", "class")
            or (leaf.kind == "object" and self.seen.evaluator.knowledge.inert(leaf.name, "schedule"))
            for leaf in callee.alternatives()
        )
        return "" if read else callee.name or "a call"

    def _unread_part(self, chain: Call) -> str:
        """A part of a chain of transformations whose effect on the rate is not known."""
        for argument in chain.frame.term(chain.term).args[1:]:
            value = self.seen.evaluator.value(chain.frame, argument)
            for part in (*value.alternatives(), *value.items):
                if part.kind in ("object", "external"):
                    entry = self.seen.evaluator.entry(part.name)
                    known = entry is not None and entry.kind in ("optimizer", "optimizer-chain")
                    if known or self.seen.evaluator.knowledge.inert(part.name, "schedule"):
                        continue
                elif part.kind in ("choice", "sequence"):
                    continue
                return part.name or "a transformation"
        return ""


def _takes_objects(call: Call) -> bool:
    """Whether some argument of a call is more than a literal or a local function."""
    terms = call.frame.facts.terms
    return any(terms[argument].op not in ("const", "func") for argument in terms[call.term].args[1:])
