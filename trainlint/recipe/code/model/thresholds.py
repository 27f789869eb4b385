"""Logits that are compared with one half, as if they were probabilities."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from trainlint.analysis.evaluation.values import Frame, Resolved, Site
from trainlint.analysis.facts import Term
from trainlint.findings import Span
from trainlint.knowledge.activations import activation
from trainlint.recipe.code.ancestry import Ancestry
from trainlint.recipe.code.leaves import derived
from trainlint.recipe.code.model.endings import Endings
from trainlint.recipe.code.model.loss_uses import LossUse
from trainlint.recipe.code.observe import Observations
from trainlint.recipe.model import Link, Value

HALF = 0.5
_ORDERS = frozenset({"<", "<=", ">", ">="})
_ORDER_METHODS = frozenset({"gt", "ge", "lt", "le", "greater", "greater_equal", "less", "less_equal"})
_ROUNDING = frozenset({"torch.round", "paddle.round", "numpy.round", "numpy.rint", "tensorflow.round"})
_ROUND = "round"
_KEEPS = frozenset({"detach", "numpy", "clone", "item", "tolist", "asarray", "array", "abs_"})
_IN_PLACE = "sigmoid_"
_LOGITS = frozenset({"affine", "relu", "tanh"})
_DEPTH = 16
_MAX_SOURCES = 8
_MAX_UNITS = 400
_Source = tuple[str, str, int]
"""Path, unit and term of what a value is, as it is computed."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Cut:
    """A comparison with one half, or a rounding: of what, and the constant where it is written there."""

    frame: Frame
    at: int
    operand: int
    constant: int | None


class Thresholds:
    """Compares what is cut at one half with what a loss on logits is given."""

    def __init__(self, seen: Observations, endings: Endings) -> None:
        self.seen = seen
        self.endings = endings
        self.evaluator = seen.evaluator
        self.ancestry = Ancestry(seen)

    def faults(self, uses: Sequence[LossUse]) -> Iterator[dict[str, Value]]:
        """One mapping of `output.*` values for each cut of logits, in order."""
        given: dict[_Source, LossUse] = {}
        models: dict[Site, LossUse] = {}
        for use in uses:
            if use.kind != "binary-logits":
                continue
            for frame, term in self._sources(use.frame, use.given):
                given.setdefault(_key(frame, term), use)
                model = self._model(frame, term)
                if model is not None:
                    models.setdefault(model, use)
        for cut in self._cuts() if given else ():
            found = self._judged(cut, given, models)
            if found is not None:
                yield _element(cut, found)

    def _judged(
        self, cut: _Cut, given: dict[_Source, LossUse], models: dict[Site, LossUse]
    ) -> LossUse | None:
        """The loss on logits that is given the same value, or what the same model gives; None where what is
        cut may be something else."""
        kinds = {ending.kind for ending in self.endings.of(cut.frame, cut.operand)}
        if not kinds <= {*_LOGITS, ""}:
            return None
        uses = []
        for frame, term in self._sources(cut.frame, cut.operand):
            use = given.get(_key(frame, term))
            if use is None and "" not in kinds:
                model = self._model(frame, term)
                use = models.get(model) if model is not None else None
            passed = frame.facts is not cut.frame.facts
            if use is None or self._is_squashed(frame, term) or (passed and _branches(cut.frame)):
                return None
            uses.append(use)
        return uses[0] if uses else None

    def _cuts(self) -> Iterator[_Cut]:
        for frame in self._frames():
            for index, term in enumerate(frame.facts.terms):
                cut = self._cut(frame, index, term)
                if cut is not None:
                    yield cut

    def _frames(self) -> list[Frame]:
        """The units that matter, and the project's functions that they call: metrics mention nothing that is
        known."""
        found = {(frame.facts.path, frame.facts.qualname): frame for frame in self.seen.frames}
        for call in self.seen.calls:
            path, separator, qualname = call.name.partition("::")
            place = (path, qualname)
            if separator and not call.method and place not in found and len(found) < _MAX_UNITS:
                frame = self.evaluator.root(path, qualname)
                if frame is not None:
                    found[place] = frame
        return list(found.values())

    def _cut(self, frame: Frame, index: int, term: Term) -> _Cut | None:
        if term.op == "cmp" and term.name in _ORDERS:
            return self._compared(frame, index, *term.args)
        if term.op != "call":
            return None
        callee = frame.term(term.args[0])
        if callee.op == "attr" and callee.name in _ORDER_METHODS and len(term.args) > 1:
            library = self.evaluator.value(frame, term.args[0]).kind == "external"
            compared = term.args[1:] if library else (callee.args[0], *term.args[1:])
            return self._compared(frame, index, *compared[:2]) if len(compared) > 1 else None
        if callee.op == "attr" and callee.name == _ROUND and len(term.args) == 1:
            return _Cut(frame, index, callee.args[0], None)
        name = self.evaluator.value(frame, term.args[0]).name if callee.op in ("attr", "global") else ""
        if name in _ROUNDING and len(term.args) == 2:
            return _Cut(frame, index, term.args[1], None)
        return None

    def _compared(self, frame: Frame, index: int, left: int, right: int) -> _Cut | None:
        for operand, other in ((left, right), (right, left)):
            if self.evaluator.value(frame, other).value == HALF:
                written = other if frame.term(other).op == "const" else None
                return _Cut(frame, index, operand, written)
        return None

    def _sources(self, frame: Frame, index: int, depth: int = 0) -> list[tuple[Frame, int]]:
        """Where a value is computed: what keeps its numbers is taken off. Itself where nothing is."""
        term = frame.term(index)
        if depth > _DEPTH:
            return [(frame, index)]
        if term.op in ("item", "elem"):
            return self._sources(frame, term.args[0], depth + 1)
        if term.op == "attr" and term.name == "data":
            return self._sources(frame, term.args[0], depth + 1)
        if term.op == "call":
            callee = frame.term(term.args[0])
            simple = callee.name.rpartition(".")[2]
            if callee.op == "attr" and (simple in _KEEPS or activation(simple) == "same"):
                library = self.evaluator.value(frame, term.args[0]).kind == "external"
                inner = term.args[1] if library and len(term.args) > 1 else callee.args[0]
                return self._sources(frame, inner, depth + 1)
        if term.op == "loop" and len(term.args) > 1:
            return self._sources(frame, term.args[1], depth + 1)
        if term.op in ("param", "global"):
            passed = self.ancestry.parents((frame, index))
            if 0 < len(passed) <= _MAX_SOURCES:
                return [source for node in passed for source in self._sources(*node, depth + 1)]
        return [(frame, index)]

    def _model(self, frame: Frame, index: int) -> Site | None:
        """The model whose call a value is; None for all else."""
        term = frame.term(index)
        if term.op != "call":
            return None
        leaves: Sequence[Resolved] = self.evaluator.value(frame, term.args[0]).alternatives()
        sites = {leaf.site for leaf in leaves if leaf.kind in ("instance", "object")}
        return sites.pop() if len(sites) == 1 and len(leaves) == 1 else None

    def _is_squashed(self, frame: Frame, index: int) -> bool:
        """Whether a value is made a probability where it stands."""
        for event in self.seen.program.events(frame.facts):
            if event.kind == "call":
                callee = frame.term(frame.term(event.term).args[0])
                if callee.op == "attr" and callee.name == _IN_PLACE:
                    keys = {_key(*source) for source in self._sources(frame, callee.args[0])}
                    if _key(frame, index) in keys:
                        return True
        return False


def _branches(frame: Frame) -> bool:
    """Whether what a function does hangs on a condition: it may know by it what it is given."""
    facts = frame.facts
    return any(each.conditions for each in facts.events) or any(each.conditions for each in facts.returns)


def _key(frame: Frame, index: int) -> _Source:
    return (frame.facts.path, frame.facts.qualname, index)


def _element(cut: _Cut, use: LossUse) -> dict[str, Value]:
    loss: Span | None = use.frame.span(use.call)
    at = cut.frame.span(cut.constant if cut.constant is not None else cut.at)
    links = () if loss is None else (Link(loss, f"{use.name} takes it for a logit here"),)
    found = {
        "output.fault": derived("compared-as-probability", at),
        "output.loss": derived(use.name, loss),
        "output.threshold": derived(HALF, at, links),
    }
    if cut.constant is not None:
        found["output.instead"] = derived("0", at)
    return found
