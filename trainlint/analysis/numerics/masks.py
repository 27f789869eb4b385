"""Masks, selections and the counts they give: each remembers the definitions that decide it."""

from __future__ import annotations

import msgspec

from trainlint.analysis.numerics import lattice, origins
from trainlint.analysis.numerics.lattice import INFINITY, Gradient, Kind, Value

replace = msgspec.structs.replace


def compared(index: int, operator: str, left: Value, right: Value) -> Value:
    """A comparison of tensors: a mask that is its own root."""
    origin = ""
    labels = [value.origin == origins.LABELS for value in (left, right)]
    if all(labels):
        origin = origins.PAIR_MASK if operator == "==" else origins.PLAIN_MASK
    elif any(labels):
        origin = origins.LABEL_MASK
    elif Kind.TENSOR in (left.kind, right.kind):
        origin = origins.PLAIN_MASK
    masks = {value.origin for value in (left, right)} & origins.MASKS
    if masks and not any(labels):
        origin = min(masks)
    return Value(Kind.MASK, 0.0, 1.0, True, Gradient.NO, origin, roots=frozenset({index}))


def intersected(left: Value, right: Value) -> Value:
    """Two masks combined by `&` or `|`."""
    roots = lattice.union_of_roots(left.roots, right.roots)
    return Value(Kind.MASK, 0.0, 1.0, True, Gradient.NO, mask_origin(left, right), roots=roots)


def mask_origin(left: Value, right: Value) -> str:
    """What a combination of two masks is: as uncertain as its most uncertain part."""
    for origin in (origins.LABEL_MASK, origins.PLAIN_MASK, origins.LENGTH_MASK, origins.PAIR_MASK):
        if origin in (left.origin, right.origin):
            return origin
    return ""


def complemented(index: int, value: Value) -> Value:
    """The complement of a mask: its own root, since a guard on the mask says nothing about it."""
    origin = value.origin if value.origin != origins.PAIR_MASK else origins.LABEL_MASK
    return Value(Kind.MASK, 0.0, 1.0, True, Gradient.NO, origin, roots=frozenset({index}))


def selected(value: Value, mask: Value) -> Value:
    """value[mask]: the same bounds, and a length that may be 0."""
    return replace(value, origin=origins.SELECTION, base=-1, roots=mask.roots, const=None)


def selection(mask: Value, *, elements: bool = False) -> Value:
    """The indices a mask selects: as many as are true in it. `elements`: one such tensor per dimension."""
    return Value(
        Kind.TENSOR, 0.0, INFINITY, True, Gradient.NO, origins.SELECTION, roots=mask.roots, elements=elements
    )


def length_of(value: Value) -> Value:
    """len(x), x.numel(), x.size(0), x.shape[0]: at least 1 unless x was selected by a mask."""
    if value.origin == origins.SELECTION:
        return Value(
            Kind.INTEGER, 0.0, INFINITY, True, Gradient.NO, origins.FILTERED_COUNT, roots=value.roots
        )
    return Value(Kind.INTEGER, 1.0, INFINITY, False, Gradient.NO)


def shape_of(value: Value) -> Value:
    """x.shape or x.size(): a sequence of lengths."""
    return replace(length_of(value), kind=Kind.SEQUENCE)
