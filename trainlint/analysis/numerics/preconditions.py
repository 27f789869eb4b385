"""What a unit needs of its parameters: those whose logarithm or root it takes, or by which it divides,
unguarded. Its callers are judged by what they hand to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from trainlint.analysis.numerics.abstract import AbstractValues
from trainlint.analysis.numerics.guards import receiver_of
from trainlint.analysis.numerics.lattice import Gradient, Kind, Value
from trainlint.analysis.numerics.paths import Node, PathReader
from trainlint.analysis.numerics.sites import Shape, shape_of_site
from trainlint.analysis.numerics.uses import is_cleaned, users_of

_KINDS = frozenset({"logarithm", "division", "sqrt"})
_VIEWS = frozenset({"abs", "squeeze", "unsqueeze", "reshape", "view", "flatten", "float"})
_DEEPEST = 4


class Needed(msgspec.Struct, frozen=True):
    """A site whose operand is a parameter, in terms of its unit: see `facts.Precondition`."""

    term: int
    kind: str
    parameter: str
    position: int
    complement: bool
    gradient: Gradient


def needed_of_parameters(
    values: AbstractValues, reader: PathReader, sites: Iterable[tuple[int, Node]]
) -> Iterator[Needed]:
    """The sites whose operand is a parameter that no guard keeps from what it must not be."""
    names = [each.name for each in values.parameters.values()]
    if names[:1] in (["self"], ["cls"]):
        del names[0]
    users: dict[int, list[int]] = {}
    for index, node in sites if names else ():
        shape = shape_of_site(values, index)
        if shape is None or shape.kind not in _KINDS:
            continue
        operand, complement = _subject(values, shape)
        name = values.terms[operand].name
        if values.terms[operand].op != "param" or name not in names:
            continue
        if not _may_fail(shape, values.refined(shape.operand, reader.knowing(node).bounds)):
            continue
        users = users or users_of(values)
        if is_cleaned(values, users, index):
            continue
        above = values.value(shape.numerator).grad if shape.numerator >= 0 else Gradient.UNKNOWN
        yield Needed(index, shape.kind, name, names.index(name), complement, above)


def _subject(values: AbstractValues, shape: Shape) -> tuple[int, bool]:
    """What an operand is, views and magnitudes aside, and whether a logarithm is that of one minus it."""
    index, complement = shape.operand, False
    for _ in range(_DEEPEST):
        term = values.terms[index]
        inner = receiver_of(values.terms, index, _VIEWS)
        if inner >= 0:
            index = inner
        elif shape.kind == "logarithm" and (term.op, term.name) == ("bin", "-"):
            if values.value(term.args[0]).const != 1.0:
                break
            index, complement = term.args[1], True
        else:
            break
    return index, complement


def _may_fail(shape: Shape, operand: Value) -> bool:
    """Whether nothing in the unit keeps an operand from what it must not be."""
    if shape.kind == "logarithm":
        return operand.low <= 0.0
    return operand.can_be_zero and operand.kind not in (Kind.NUMBER, Kind.OTHER, Kind.SEQUENCE, Kind.ARRAY)
