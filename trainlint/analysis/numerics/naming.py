"""What a name alone tells of a value: eps, labels, masks, activations. Weak evidence.

Used where nothing better is known.
"""

from __future__ import annotations

import functools

from trainlint.analysis.numerics import origins
from trainlint.analysis.numerics.lattice import INFINITY, NUMBER, UNKNOWN, Gradient, Kind, Value
from trainlint.knowledge.roles import RoleWords, load_roles, words_of

POSITIVE_NUMBER = Value(Kind.NUMBER, 0.0, INFINITY, False, Gradient.NO)

_NUMBER_TYPES = frozenset({"float", "int", "bool", "complex"})
_OTHER_TYPES = frozenset({"str", "dict", "Dict", "Callable", "Path", "Namespace"})


@functools.lru_cache(maxsize=8192)
def named(name: str) -> Value:
    """The value a variable, key or attribute of this name customarily has, without roots.

    UNKNOWN for most names.
    """
    roles = load_roles()
    words = words_of(name)
    found = frozenset(words)
    if found & roles.eps and not found & roles.not_eps:
        return POSITIVE_NUMBER
    if found & roles.masks and not found & roles.predictions:
        return Value(Kind.UNKNOWN, 0.0, 1.0, True, Gradient.NO, _mask_origin(found, roles))
    if found & roles.adjacency:
        return Value(Kind.UNKNOWN, 0.0, INFINITY, True, Gradient.UNKNOWN, origins.ADJACENCY)
    if found & roles.disparity:
        return Value(Kind.UNKNOWN, 0.0, INFINITY, True, Gradient.UNKNOWN, origins.DISPARITY)
    if found & roles.numbers:
        return NUMBER
    if found & roles.labels and not found & roles.predictions:
        return Value(Kind.UNKNOWN, grad=Gradient.NO, origin=origins.LABELS)
    if found & roles.constants:
        return Value(Kind.UNKNOWN, grad=Gradient.NO)
    if name in roles.data_inputs:
        # What a data loader gives: no weight stands before it.
        return UNKNOWN
    if name in roles.activations or any(len(word) > 2 and word in roles.activations for word in words):
        return Value(Kind.UNKNOWN, grad=Gradient.YES)
    return UNKNOWN


def _mask_origin(words: frozenset[str], roles: RoleWords) -> str:
    if words & roles.length_masks:
        return origins.LENGTH_MASK
    return origins.LABEL_MASK if words & roles.label_masks else origins.PLAIN_MASK


def annotated(annotation: str) -> Kind:
    """The kind an annotation's text declares."""
    last = annotation.rpartition(".")[2].rstrip("\"' ")
    if last in _NUMBER_TYPES:
        return Kind.NUMBER
    if "Tensor" in last or last in ("Variable", "Array"):
        return Kind.TENSOR
    if last == "ndarray" or last in ("DataFrame", "Series"):
        return Kind.ARRAY
    return Kind.OTHER if last in _OTHER_TYPES else Kind.UNKNOWN
