"""Training data that stands in the program itself: a list of sentences, a few points of a line."""

from __future__ import annotations

from collections.abc import Sequence

from trainlint.analysis.evaluation.values import Frame
from trainlint.recipe.code.observe import Observations
from trainlint.recipe.code.training import Training

_DEEPEST = 40
_PARTS = frozenset(
    "tuple list set dict comp bin un cmp if item slice elem unpack update setitem loop star".split()
)
_MAKERS = frozenset(
    "numpy.array numpy.asarray torch.tensor torch.Tensor torch.FloatTensor torch.LongTensor torch.from_numpy"
    " tensorflow.constant jax.numpy.array paddle.to_tensor".split()
)
"""Functions that only give another form to what they are handed."""


def trains_on_spelled_out_data(
    seen: Observations, training: Training, fitted: Sequence[tuple[Frame, int]]
) -> bool:
    """Whether all that a program trains on is spelled out in its text: what its innermost training loops go
    through, or, where it fits Keras models, what they are fitted on, `fitted`."""
    if seen.made("loader"):
        return False
    if training.fits:
        known = len(fitted) == len(training.fits)
        return known and all(_Text(seen).is_spelled_out(frame, term) for frame, term in fitted)
    inner = [
        (frame, loop) for frame, index, loop in training.loops() if not training.depth(frame.facts, index)
    ]
    return bool(inner) and all(
        loop.kind == "for"
        and not _counts(frame, loop.source)
        and _Text(seen).is_spelled_out(frame, loop.source)
        for frame, loop in inner
    )


def _counts(frame: Frame, source: int) -> bool:
    """Whether a loop counts: what it trains on, then, comes from elsewhere."""
    term = frame.term(source)
    return term.op == "call" and frame.term(term.args[0]).name == "builtins.range"


class _Text:
    """Follows terms down to constants; each once."""

    def __init__(self, seen: Observations) -> None:
        self.seen = seen
        self._open: set[tuple[int, int]] = set()

    def is_spelled_out(self, frame: Frame, index: int, depth: int = 0) -> bool:
        """Whether a term is made of constants of the program's text alone."""
        key = (id(frame), index)
        if key in self._open:
            # What a loop adds to is asked for on the way to what it adds.
            return True
        if depth > _DEEPEST:
            return False
        self._open.add(key)
        term = frame.term(index)
        if term.op == "const":
            return True
        if term.op in _PARTS:
            return all(self.is_spelled_out(frame, part, depth + 1) for part in term.args)
        if term.op == "call":
            return self._made(frame, index, depth)
        path, separator, name = term.name.partition("::") if term.op == "global" else ("", "", "")
        root = self.seen.evaluator.root(path, "") if separator else None
        bound = root.facts.bindings.get(name) if root is not None else None
        return root is not None and bound is not None and self.is_spelled_out(root, bound, depth + 1)

    def _made(self, frame: Frame, index: int, depth: int) -> bool:
        callee, *arguments = frame.term(index).args
        record = frame.term(callee)
        if record.op == "attr":
            known = self.is_spelled_out(frame, record.args[0], depth + 1)
        else:
            known = record.op == "global" and _only_reshapes(record.name)
            if record.name in _MAKERS:
                # What follows says of which type and where.
                del arguments[1:]
        return known and all(self.is_spelled_out(frame, argument, depth + 1) for argument in arguments)


def _only_reshapes(name: str) -> bool:
    return name in _MAKERS or (name.startswith("builtins.") and name != "builtins.open")
