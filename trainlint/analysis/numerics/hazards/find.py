"""All hazards of a unit beyond its roots, quotients and logarithms."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from trainlint.analysis.numerics.abstract import AbstractValues
from trainlint.analysis.numerics.hazards import (
    branches,
    comparisons,
    deviations,
    entropies,
    frameworks,
    half,
    selections,
    softmaxes,
)
from trainlint.analysis.numerics.hazards.scene import Scene
from trainlint.analysis.numerics.paths import Node, PathReader
from trainlint.analysis.numerics.sites import RawCandidate

_DETECTORS: tuple[Callable[[Scene], Iterator[RawCandidate]], ...] = (
    half.detect,
    branches.detect,
    comparisons.detect,
    selections.detect,
    softmaxes.detect,
    deviations.detect,
    frameworks.detect,
    entropies.detect,
)


def find(values: AbstractValues, paths: PathReader, sites: Iterable[tuple[int, Node]]) -> list[RawCandidate]:
    """The hazards of one unit, in the order of its terms; `sites` are terms evaluated where gradients flow,
    each with its path."""
    scene = Scene(values, paths, sites)
    found = [candidate for detect in _DETECTORS for candidate in detect(scene)]
    return sorted(found, key=lambda candidate: (candidate.term, candidate.kind))


def without_told(found: Iterable[RawCandidate], hazards: Iterable[RawCandidate]) -> list[RawCandidate]:
    """The roots and quotients that no hazard tells already: what `where` hides, and quotients by a norm or
    deviation whose own gradient is the hazard, and is repaired together with them."""
    hidden = {each.term for each in hazards if each.kind == "where-keeps-nan"}
    sources = {each.term for each in hazards if each.kind.endswith("-gradient-at-zero")}
    return [
        each
        for each in found
        if each.term not in hidden and not (each.kind == "division" and each.operand_term in sources)
    ]
