"""Loaders that one loop goes through side by side: each batch of one belongs to a batch of the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from trainlint.analysis.evaluation.values import Resolved
from trainlint.recipe.code.data.loaders import Loaders
from trainlint.recipe.code.leaves import unknown_value
from trainlint.recipe.code.observe import Identity, overlap
from trainlint.recipe.model import Value

_DEEPEST = 3


def keep_pairs_together(loaders: Loaders, elements: Sequence[dict[str, Value]]) -> None:
    """Leave open the order of loaders in file order that are zipped: shuffled, they would no longer match.

    Where one of them is shuffled nothing matches anyway, and the others are judged as if alone.
    """
    if sum(element["loader.order"].value == "file" for element in elements) < 2:
        return
    for group in _groups(loaders):
        pairs = list(_elements(loaders, elements, group))
        if len(pairs) > 1 and all(element["loader.order"].value == "file" for element in pairs):
            for element in pairs:
                reason = "it is read side by side with another loader, and their samples may belong together"
                element["loader.order"] = unknown_value(reason, element["loader.order"].span)


def _groups(loaders: Loaders) -> Iterator[list[Identity]]:
    seen = loaders.seen
    for frame in seen.frames:
        for loop in frame.facts.loops:
            if loop.kind != "for":
                continue
            for zipped in _zipped(loaders, seen.evaluator.value(frame, loop.source)):
                found = {item.identity: None for item in loaders.draws.of(zipped) if item.identity}
                if len(found) > 1:
                    yield list(found)


def _zipped(loaders: Loaders, value: Resolved, depth: int = 0) -> Iterator[Resolved]:
    """The `zip` calls in what a loop goes through, below enumerate and progress bars."""
    for item in value.alternatives():
        if item.kind != "object" or item.frame is None:
            continue
        if item.name.rpartition(".")[2] in ("zip", "zip_longest"):
            yield item
        elif depth < _DEEPEST:
            arguments = item.frame.term(item.term).args[1:]
            for argument in arguments:
                yield from _zipped(loaders, loaders.seen.evaluator.value(item.frame, argument), depth + 1)


def _elements(
    loaders: Loaders, elements: Sequence[dict[str, Value]], group: Sequence[Identity]
) -> Iterator[dict[str, Value]]:
    for use, element in zip(loaders.uses, elements, strict=True):
        if any(overlap(identity, use.made.identity) for identity in group):
            yield element
