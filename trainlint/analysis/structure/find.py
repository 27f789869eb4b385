"""All structural faults of a unit, as far as its outline gives a reason to look for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from trainlint.analysis.outline import hints
from trainlint.analysis.structure import (
    chains,
    constants,
    constructors,
    dropouts,
    kept_layers,
    norms,
    softmaxes,
)
from trainlint.analysis.structure.scene import Found, Scene

_DETECTORS: dict[str, tuple[Callable[[Scene], Iterator[Found]], ...]] = {
    hints.COLLECTS: (kept_layers.detect,),
    hints.CONSTANT: (constants.weights,),
    hints.DROPOUT: (dropouts.detect,),
    hints.EARLY: (constructors.detect,),
    hints.MOMENTUM: (norms.momenta,),
    hints.NORMED: (norms.cancelled_biases,),
    hints.REPEATED: (chains.nested,),
    hints.SCALING: (constants.scaling,),
    hints.SEQUENCE: (chains.detect,),
    hints.SOFTMAX: (softmaxes.detect, chains.nested),
}


def find(scene: Scene) -> list[Found]:
    """The faults in the order of their terms, each place and kind once."""
    found: dict[tuple[int, int, str], Found] = {}
    for hint in scene.unit.structure:
        for detect in _DETECTORS.get(hint, ()):
            for fault in detect(scene):
                found.setdefault((fault.term, fault.event, fault.kind), fault)
    return [found[key] for key in sorted(found)]
