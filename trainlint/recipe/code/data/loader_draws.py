"""Which loaders an expression draws its batches from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from trainlint.analysis.evaluation.values import Resolved, same
from trainlint.recipe.code.observe import Observations

_ITERATES = frozenset({"object", "instance", "part"})
_DEEPEST = 5


class LoaderDraws:
    """Follows what is iterated to the loaders behind it."""

    def __init__(self, seen: Observations) -> None:
        self.seen = seen

    def all(self) -> Iterator[Resolved]:
        """The loaders that `for` loops draw all batches from, whatever the loops do."""
        for frame in self.seen.frames:
            for loop in frame.facts.loops:
                if loop.kind == "for" and "next" not in self.seen.texts(frame, loop.source):
                    yield from self.of(self.seen.evaluator.value(frame, loop.source))

    def of(self, value: Resolved, depth: int = 0) -> Iterator[Resolved]:
        """The loaders an iterated value draws from: through enumerate, zip, progress bars and prefetchers."""
        if depth > _DEEPEST:
            return
        for item in value.alternatives():
            if item.kind not in _ITERATES:
                continue
            entry = self.seen.evaluator.entry(item.name) if item.kind == "object" else None
            if entry is not None and entry.kind == "loader":
                yield item
                continue
            for inner in self._inside(item):
                if not same(inner, item):
                    yield from self.of(inner, depth + 1)

    def _inside(self, item: Resolved) -> Iterable[Resolved]:
        yielded = self.seen.evaluator.calls.yielded(item)
        if yielded:
            return yielded
        if item.frame is None or item.kind == "part":
            return item.items[:1]
        # A reader is called to make a pass over it: `for batch in train_reader()`.
        called = item.frame.term(item.term).args if item.name.endswith("()") else ()
        arguments = called or item.frame.term(item.term).args[1:]
        return [self.seen.evaluator.value(item.frame, argument) for argument in arguments]
