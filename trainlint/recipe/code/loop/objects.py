"""Which optimizers and models the acts of a pass are about: what is certainly one, and what may be."""

from __future__ import annotations

from collections.abc import Iterator

from trainlint.analysis.evaluation.values import Resolved, Site
from trainlint.recipe.code.observe import Call, Observations
from trainlint.recipe.code.optimization.networks import PARAMETERS, Networks
from trainlint.recipe.code.optimization.optimizers import Optimizers

Key = tuple[str, str, Site | None]
"""What an object is: kind, name of what made it, and where."""

_OPEN = frozenset({"unknown", "part", "absent"})
_OPTIMIZERS = frozenset({"optimizer", "optimizer-factory", "optimizer-wrapper", "optimizer-base"})
_DEPTH = 6
_GATHERING = frozenset("bin list tuple update loop star dict call comp".split())
_WALKED = 60


class Objects:
    """The optimizers of a program, each with the models whose parameters it is given."""

    def __init__(self, seen: Observations, optimizers: Optimizers) -> None:
        self.seen = seen
        self._training = optimizers.training
        self._networks = Networks(seen)
        self.optimizers = [
            call
            for call in (*optimizers.calls, *optimizers.unread)
            if call.entry is not None and call.entry.kind in _OPTIMIZERS and self._steps_by_hand(call)
        ]
        self._models: dict[Site, tuple[Resolved, ...]] = {}

    def _steps_by_hand(self, call: Call) -> bool:
        """Whether the program must call backward and step itself, and gradients add up until they are
        zeroed."""
        assert call.entry is not None
        return self.seen.evaluator.knowledge.backend(call.entry.framework) in ("torch", "paddle")

    def optimizer(self, value: Resolved) -> Call | None:
        """The call that makes an optimizer, where the value is certainly one; of several that are made on
        branches, that of a default run stands for the one that is."""
        leaves = value.alternatives()
        if len(leaves) > 1 and value.condition is None:
            return None
        sites = [leaf.site for leaf in leaves if leaf.kind == "object"]
        known = next((call for call in self.optimizers if call.site in sites), None)
        return known if all(self._is_optimizer(leaf) for leaf in leaves) else None

    def _is_optimizer(self, leaf: Resolved) -> bool:
        entry = self.seen.evaluator.entry(leaf.name) if leaf.kind == "object" else None
        return entry is not None and entry.kind in _OPTIMIZERS

    def may_be_optimizer(self, value: Resolved, optimizer: Call) -> bool:
        """Whether a value may be an optimizer: that one, or what is not known."""
        return any(
            leaf.kind in _OPEN or leaf.kind == "instance" or leaf.site == optimizer.site
            for leaf in value.alternatives()
        )

    def models(self, optimizer: Call) -> tuple[Resolved, ...]:
        """The models whose parameters an optimizer is given; what could not be followed is among them."""
        if optimizer.site not in self._models:
            found = tuple(self._networks.trained(optimizer))
            if not found or not all(may_be_model(model) for model in found):
                found = tuple(self._written_out(optimizer)) or tuple(self._beside(optimizer)) or found
            self._models[optimizer.site] = found
        return self._models[optimizer.site]

    def _written_out(self, optimizer: Call) -> Iterator[Resolved]:
        """The models whose `parameters()` stand in what is passed, through lists that are filled."""
        parameter = optimizer.entry.fields.get("params", "") if optimizer.entry is not None else ""
        place = self.seen.evaluator.binder.arguments(self.seen.object(optimizer)).terms.get(parameter)
        waiting = [] if place is None else [place]
        for _ in range(_WALKED):
            if not waiting:
                return
            frame, index = waiting.pop(0)
            term = frame.term(index)
            callee = frame.term(term.args[0]) if term.op == "call" else None
            if callee is not None and callee.op == "attr" and callee.name in PARAMETERS:
                yield self.seen.evaluator.value(frame, callee.args[0])
            elif term.op in _GATHERING:
                waiting += [(frame, each) for each in term.args]

    def _beside(self, optimizer: Call) -> Iterator[Resolved]:
        """The models whose parameters are gone through in a function that only makes the optimizer, as one
        does that sorts them into groups."""
        calls = self.seen.methods(*sorted(PARAMETERS), "named_parameters")
        if optimizer.place[1] and optimizer.place not in self._training.units:
            for call in calls:
                if call.place == optimizer.place:
                    yield self.seen.evaluator.receiver(call.frame.facts, call.event)

    def is_trained(self, value: Resolved) -> Call | None:
        """The optimizer that trains a model, where the value certainly is that model; else None. A model that
        an option picks from several is the one that the optimizer is given where both may be the same."""
        keys = set(self.keys(value))
        if not may_be_model(value):
            return None
        for optimizer in self.optimizers:
            if any(set(self.keys(model)) == keys for model in self.models(optimizer)):
                return optimizer
        return None

    def trains_only(self, optimizer: Call) -> Resolved | None:
        """The one model an optimizer trains, whole; None where there are several or it is not known."""
        models = self.models(optimizer)
        if len(models) != 1 or len(set(self.keys(models[0]))) != 1 or not may_be_model(models[0]):
            return None
        return models[0]

    def keys(self, value: Resolved) -> Iterator[Key]:
        """What a value may be, wrappers of models taken off."""
        for leaf in value.alternatives():
            inner = self.unwrapped(leaf)
            for each in inner.alternatives():
                yield (each.kind, each.name, each.site)

    def unwrapped(self, value: Resolved, depth: int = 0) -> Resolved:
        """The model inside of `DataParallel(model)`, `DDP(model)`, `torch.compile(model)`."""
        entry = self.seen.evaluator.entry(value.name) if value.kind == "object" else None
        if entry is None or entry.kind != "model-wrapper" or depth > _DEPTH:
            return value
        inner = self.seen.evaluator.binder.arguments(value).get(entry.fields.get("model", ""))
        return value if inner is None else self.unwrapped(inner, depth + 1)

    def may_hold(self, value: Resolved, model: Resolved) -> bool:
        """Whether something done to a value may be done to a model: it may be it, or have it as a part."""
        wanted = set(self.keys(model))
        for key in self.keys(value):
            kind, name, site = key
            if kind in _OPEN or key in wanted:
                return True
            if any(kind == other[0] and name == other[1] and None in (site, other[2]) for other in wanted):
                return True
            if kind in ("instance", "object") and not self._is_another(key):
                return True
        return False

    def _is_another(self, key: Key) -> bool:
        """Whether an object is known to be the model of some optimizer: then it is no part of another one."""
        return any(key in set(self.keys(model)) for call in self.optimizers for model in self.models(call))


def may_be_model(value: Resolved) -> bool:
    """Whether every alternative of a value is an object that was followed, and no list of parameters."""
    return all(
        leaf.kind == "instance" or (leaf.kind == "object" and not leaf.name.startswith("builtins."))
        for leaf in value.alternatives()
    )
