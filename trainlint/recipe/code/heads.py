"""Classifier heads of pretrained models that tell apart another number of classes than they are used for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from trainlint.analysis.evaluation.values import Frame, Resolved, Site
from trainlint.recipe.code.data.loaders import Loaders
from trainlint.recipe.code.fine_tuning import asks_for_weights, given_whole
from trainlint.recipe.code.leaves import derived
from trainlint.recipe.code.observe import Call, Observations
from trainlint.recipe.code.optimization.optimizers import Optimizers
from trainlint.recipe.code.subject import made_data_sets
from trainlint.recipe.model import Link, State, Value

_SETTERS = frozenset({"builtins.setattr", "builtins.delattr"})
_REACHING = frozenset({"attr", "item"})


class Heads:
    """The published classifiers that a program makes with trained weights."""

    def __init__(self, seen: Observations, optimizers: Optimizers, loaders: Loaders) -> None:
        self.seen = seen
        self.optimizers = optimizers
        self.loaders = loaders

    def elements(self, loader_elements: list[dict[str, Value]]) -> list[dict[str, Value]]:
        """One mapping of `head.*` values for each head that does not fit, in order.

        `loader_elements` go in step with the loaders' uses.
        """
        found = []
        for call in self.seen.made("model-factory"):
            classes = call.entry.extra.get("head") if call.entry is not None else None
            if not isinstance(classes, int) or not asks_for_weights(self.seen, call):
                continue
            element = self._element(call, classes, loader_elements)
            if element:
                found.append(element)
        return found

    def _element(self, call: Call, classes: int, loader_elements: list[dict[str, Value]]) -> dict[str, Value]:
        entry = call.entry
        assert entry is not None and call.site is not None
        arguments = self.seen.arguments(call)
        if not self.seen.complete(call) or _is_off(arguments, entry.extra.get("head_switch")):
            return {}
        name = Value(call.name.rpartition(".")[2], State.EXPLICIT, span=call.span)
        head = {"head.model": name, "head.classes": derived(classes, call.span)}
        parameter = entry.extra.get("head_parameter")
        given = arguments.get(parameter) if isinstance(parameter, str) else None
        if given is not None:
            wanted = given.default()
            if not wanted.is_number or wanted.value == classes:
                return {}
            return {**head, "head.wanted": derived(wanted.value, call.span), "head.fault": derived("refused")}
        data = self._classes_of_data(loader_elements)
        if data is None or data.value == classes or not self._is_trained(call.site):
            return {}
        if self._is_changed(call):
            return {}
        return {**head, "head.wanted": data, "head.fault": derived("kept", call.span)}

    def _classes_of_data(self, loader_elements: list[dict[str, Value]]) -> Value | None:
        """How many classes the training data has, where all of its data sets say the same."""
        counts: dict[object, Value] = {}
        for use, element in zip(self.loaders.uses, loader_elements, strict=True):
            data = use.argument("dataset")
            if element["loader.role"].value != "train" or data is None:
                continue
            for made in made_data_sets(self.seen, data):
                entry = self.seen.evaluator.entry(made.name) if made.kind == "object" else None
                count = entry.extra.get("classes") if entry is not None else None
                span = made.frame.span(made.term) if made.frame is not None else None
                links = () if span is None else (Link(span, f"{made.name.rpartition('.')[2]} is read here"),)
                counts[count] = derived(count if isinstance(count, int) else None, span, links)
        known = list(counts.values())
        return known[0] if len(known) == 1 and known[0].value is not None else None

    def _is_trained(self, site: Site) -> bool:
        """Whether an optimizer is given all parameters of the model, as it is."""
        models = (given_whole(self.seen, call) for call in self.optimizers.calls)
        return any(leaf.site == site for model in models if model is not None for leaf in self._bare(model))

    def _bare(self, model: Resolved) -> Iterator[Resolved]:
        """The models behind wrappers for several devices."""
        for leaf in model.alternatives():
            entry = self.seen.evaluator.entry(leaf.name) if leaf.kind == "object" else None
            inner = None
            if entry is not None and entry.kind == "model-wrapper":
                inner = self.seen.evaluator.binder.arguments(leaf).get(entry.fields.get("model", ""))
            yield from (leaf,) if inner is None else inner.alternatives()

    def _is_changed(self, model: Call) -> bool:
        """Whether anything in reach may replace a part of the model: a store into it, or an unread call."""
        assert model.site is not None
        if any(self._stores(frame, model.site) for frame in self.seen.frames):
            return True
        return any(self._may_change(call, model.site) for call in self.seen.calls)

    def _stores(self, frame: Frame, site: Site) -> bool:
        return any(
            event.kind in ("store-attr", "store-item") and self._reaches(frame, event.term, site)
            for event in self.seen.program.events(frame.facts)
        )

    def _may_change(self, call: Call, site: Site) -> bool:
        if call.method:
            return call.name in ("add_module", "register_module") and self._is_of(call, site)
        path, separator, qualname = call.name.partition("::")
        if separator:
            # What a class keeps of the model, or does to it, is not followed.
            frame = self.seen.evaluator.root(path, qualname)
            known = frame is not None and self.seen.program.kind(path, qualname) == "function"
            harmless = known and frame is not None and not self._stores(frame, site)
            return not harmless and self._takes(call, call.frame.term(call.term).args[1:], site)
        knowledge = self.seen.evaluator.knowledge
        harmless = call.entry is not None or knowledge.inert(call.name, "optimizer")
        if harmless and call.name not in _SETTERS:
            return False
        return self._takes(call, call.frame.term(call.term).args[1:], site)

    def _is_of(self, call: Call, site: Site) -> bool:
        callee = call.frame.term(call.frame.term(call.term).args[0])
        return self._reaches(call.frame, callee.args[0], site)

    def _takes(self, call: Call, terms: Iterable[int], site: Site) -> bool:
        return any(self._reaches(call.frame, term, site) for term in terms)

    def _reaches(self, frame: Frame, term: int, site: Site) -> bool:
        """Whether a term is the model, or a part of it: `model.classifier[6]`."""
        record = frame.term(term)
        while record.op in _REACHING:
            if any(leaf.site == site for leaf in self.seen.evaluator.value(frame, term).alternatives()):
                return True
            term = record.args[0]
            record = frame.term(term)
        return any(leaf.site == site for leaf in self._bare(self.seen.evaluator.value(frame, term)))


def _is_off(arguments: Mapping[str, Resolved], switch: object) -> bool:
    """Whether the head is left away, or may be."""
    given = arguments.get(switch) if isinstance(switch, str) else None
    return given is not None and not (given.kind == "const" and given.value is True)
