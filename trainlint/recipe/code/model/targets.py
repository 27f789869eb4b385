"""What Keras models are fitted to."""

from __future__ import annotations

from trainlint.analysis.evaluation.values import Frame, Resolved
from trainlint.knowledge.program_words import program_words
from trainlint.knowledge.roles import words_of
from trainlint.recipe.code.observe import Call, Observations

_FITS = ("fit", "train_on_batch")
_OTHER_FITS = ("fit_generator",)
_TARGET = 1
_SPLIT = "train_test_split"
_ONE_HOT = frozenset({"keras.utils.to_categorical", "tensorflow.one_hot", "keras.ops.one_hot"})
_KEEPS = frozenset({"astype", "reshape", "array", "asarray", "cast", "copy"})
_BINDING = ("bind", "store-attr")
_DEPTH = 12


class Targets:
    """The second argument of `fit`, followed to where it is encoded."""

    def __init__(self, seen: Observations) -> None:
        self.seen = seen
        self.evaluator = seen.evaluator

    def are_one_hot(self, model: Resolved) -> bool:
        """Whether a model is fitted, each time, to numbers of classes in one-hot form."""
        given = [(call, self._given(call)) for call in self._fits(model)]
        return bool(given) and all(
            term is not None and self._is_one_hot(call.frame, term, 0) for call, term in given
        )

    def are_of_others(self, model: Resolved) -> bool:
        """Whether the program fits other models, all known, and never this one, which it compiles only."""
        receivers = [
            leaf
            for call in self.seen.methods(*_FITS, *_OTHER_FITS)
            for leaf in self.evaluator.receiver(call.frame.facts, call.event).alternatives()
        ]
        sites = {leaf.site for leaf in receivers}
        return bool(sites) and None not in sites and model.site not in sites

    def judges_another(self, model: Resolved) -> bool:
        """Whether a model is the half of an adversarial pair that judges the other, by its name: there, a
        squared error is a method of its own."""
        words = program_words("discriminators")
        if model.frame is None:
            return False
        facts = model.frame.facts
        bound = [
            each.name
            for each in facts.events
            if each.kind in _BINDING and model.term in (each.term, each.value)
        ]
        names = [*bound, *(name for name, term in facts.bindings.items() if term == model.term)]
        return any(words & {*words_of(name), name.lower()} for name in (*names, facts.qualname))

    def _fits(self, model: Resolved) -> list[Call]:
        found = []
        for call in self.seen.methods(*_FITS):
            receiver = self.evaluator.receiver(call.frame.facts, call.event)
            if any(leaf.site is not None and leaf.site == model.site for leaf in receiver.alternatives()):
                found.append(call)
        return found

    @staticmethod
    def _given(call: Call) -> int | None:
        term = call.frame.term(call.term)
        positional = [each for key, each in zip(term.keys, term.args[1:], strict=True) if not key]
        named = dict(zip(term.keys, term.args[1:], strict=True))
        return named.get("y", positional[_TARGET] if len(positional) > _TARGET else None)

    def _is_one_hot(self, frame: Frame, index: int, depth: int) -> bool:
        """Whether an expression gives what an encoder of classes gave, or a part of that."""
        term = frame.term(index)
        if depth > _DEPTH:
            return False
        if term.op == "item":
            return self._is_one_hot(frame, term.args[0], depth + 1)
        if term.op == "unpack" and isinstance(term.value, int):
            return self._is_part(frame, term.args[0], term.value, depth)
        if term.op in ("param", "global"):
            value = self.evaluator.value(frame, index)
            if value.kind != "object" or value.frame is None or (value.frame, value.term) == (frame, index):
                return False
            return self._is_one_hot(value.frame, value.term, depth + 1)
        if term.op != "call":
            return False
        callee = frame.term(term.args[0])
        if callee.op == "attr" and callee.name in _KEEPS:
            return self._is_one_hot(frame, callee.args[0], depth + 1)
        name = self.evaluator.value(frame, term.args[0]).name
        if name.rpartition(".")[2] in _KEEPS and len(term.args) > 1:
            return self._is_one_hot(frame, term.args[1], depth + 1)
        return self.evaluator.knowledge.canonical(name) in _ONE_HOT

    def _is_part(self, frame: Frame, whole: int, position: int, depth: int) -> bool:
        """Whether one part of what a split gives is one-hot: it gives two of each array, in their order."""
        record = frame.term(whole)
        if record.op != "call" or not self.evaluator.value(frame, record.args[0]).name.endswith(_SPLIT):
            return False
        arrays = [each for key, each in zip(record.keys, record.args[1:], strict=True) if not key]
        return position // 2 < len(arrays) and self._is_one_hot(frame, arrays[position // 2], depth + 1)
