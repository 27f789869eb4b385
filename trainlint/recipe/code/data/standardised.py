"""Standardising by hand: whether the mean and the deviation come from the same data."""

from __future__ import annotations

from trainlint.analysis.evaluation.values import Frame
from trainlint.recipe.code.ancestry import alike
from trainlint.recipe.code.leaves import derived
from trainlint.recipe.code.observe import Observations
from trainlint.recipe.model import Value

_MEANS = frozenset({"mean", "nanmean"})
_DEVIATIONS = frozenset({"std", "nanstd"})


def two_sources(seen: Observations) -> list[dict[str, Value]]:
    """One mapping of `preparation.*` values for each `(x - a.mean()) / b.std()` over two parts of data."""
    found = []
    for frame in seen.frames:
        for index, term in enumerate(frame.facts.terms):
            if term.op != "bin" or term.name != "/" or frame.term(term.args[0]).op != "bin":
                continue
            mean = _source(frame, frame.term(term.args[0]).args[1], _MEANS)
            deviation = _source(frame, term.args[1], _DEVIATIONS)
            if frame.term(term.args[0]).name != "-" or mean is None or deviation is None:
                continue
            if _other_part(frame, mean, deviation):
                found.append(
                    {
                        "preparation.difference": derived("two-sources", frame.span(index)),
                        "preparation.train": derived("a mean", frame.span(mean)),
                        "preparation.test": derived("a deviation", frame.span(deviation)),
                    }
                )
    return found


def _source(frame: Frame, term: int, names: frozenset[str]) -> int | None:
    """What a mean or deviation is taken of; None where a term is neither. A small constant may be added."""
    record = frame.term(term)
    if record.op == "bin" and record.name == "+":
        return _source(frame, record.args[0], names)
    if record.op != "call":
        return None
    callee = frame.term(record.args[0])
    if callee.name.rpartition(".")[2] not in names:
        return None
    if callee.op == "attr":
        return callee.args[0]
    return record.args[1] if callee.op == "global" and len(record.args) > 1 else None


def _other_part(frame: Frame, first: int, second: int) -> bool:
    """Whether two expressions are different slices of one array, or different parts of one split."""
    one, other = frame.term(first), frame.term(second)
    if one.op == "item" and other.op == "item":
        same_array = alike(frame, one.args[0], other.args[0])
        return (
            same_array
            and _is_slice(frame, one.args[1])
            and _is_slice(frame, other.args[1])
            and not alike(frame, one.args[1], other.args[1])
        )
    if one.op == "unpack" and other.op == "unpack":
        return one.args == other.args and one.value != other.value
    return False


def _is_slice(frame: Frame, key: int) -> bool:
    record = frame.term(key)
    if record.op == "tuple":
        return any(frame.term(each).op == "slice" for each in record.args)
    return record.op == "slice"
