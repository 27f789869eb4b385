"""Probabilities handed to functions that take their logarithm.

What a unit logs of its parameters, and what it hands to others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import msgspec

from trainlint.analysis.facts import Logged, Term
from trainlint.analysis.numerics import origins
from trainlint.analysis.numerics.abstract import AbstractValues
from trainlint.analysis.numerics.guards import receiver_of
from trainlint.analysis.numerics.logarithms import LOG_OF_SOFTMAX
from trainlint.analysis.numerics.paths import Node, PathReader
from trainlint.analysis.numerics.sites import RawCandidate, shape_of_site

LoggedOf = Callable[[str], tuple[str, list[Logged]]]
"""The file of a project function, by its name as a term has it, and what it logs of its parameters."""

_HANDED = frozenset({origins.SOFTMAX, origins.SIGMOID, origins.HAND_SOFTMAX})
_VIEWS = frozenset({"abs", "squeeze", "reshape", "view", "flatten", "float"})


class LoggedTerm(msgspec.Struct, frozen=True):
    """A logarithm of a parameter, in terms of its unit."""

    term: int
    parameter: str
    position: int
    complement: bool


def logged_parameters(
    values: AbstractValues, reader: PathReader, sites: Iterable[tuple[int, Node]]
) -> Iterator[LoggedTerm]:
    """The logarithms among the sites that are of a parameter, unguarded, or of one minus it."""
    names = [each.name for each in values.parameters.values()]
    if names[:1] in (["self"], ["cls"]):
        del names[0]
    for index, node in sites:
        shape = shape_of_site(values, index) if values.terms[index].op == "call" else None
        if shape is None or shape.kind != "logarithm":
            continue
        operand, complement = _subject(values, shape.operand)
        name = values.terms[operand].name
        if values.terms[operand].op != "param" or name not in names:
            continue
        if values.refined(shape.operand, reader.knowing(node).bounds).low <= 0.0:
            yield LoggedTerm(index, name, names.index(name), complement)


def _subject(values: AbstractValues, index: int) -> tuple[int, bool]:
    """What a logarithm is taken of, views and magnitudes aside, and whether it is one minus that."""
    complement = False
    for _ in range(4):
        term = values.terms[index]
        inner = receiver_of(values.terms, index, _VIEWS)
        if inner >= 0:
            index = inner
        elif term.op == "bin" and term.name == "-" and values.value(term.args[0]).const == 1.0:
            index, complement = term.args[1], True
        else:
            break
    return index, complement


def handed_on(values: AbstractValues, path: str, logged_of: LoggedOf) -> Iterator[RawCandidate]:
    """Calls of functions of the same file that hand a probability to where its logarithm is taken.

    They are told where the logarithm stands.
    """
    for index, term in enumerate(values.terms):
        name = _callee(values.terms, term)
        if not name or not any(_may_be_probability(values.terms, argument) for argument in term.args[1:]):
            continue
        where, logged = logged_of(name)
        for each in logged if where == path else ():
            argument = _argument(term, each)
            value = values.value(argument) if argument >= 0 else None
            if value is not None and value.origin in _HANDED and value.low <= 0.0:
                operand = origins.COMPLEMENT if each.complement else value.origin
                yield RawCandidate(
                    index, LOG_OF_SOFTMAX, operand, argument, "certain", value.grad.value, open=["role"],
                    trace=[(argument, "handed")], elsewhere=each,
                )  # fmt: skip


def _callee(terms: list[Term], term: Term) -> str:
    """The name of a project function or method of the same object that a term calls, "" for anything else."""
    callee = terms[term.args[0]] if term.op == "call" else term
    if callee is term:
        return ""
    if callee.op == "global":
        return callee.name if "::" in callee.name else ""
    own = callee.op == "attr" and terms[callee.args[0]].op == "param" and terms[callee.args[0]].name == "self"
    return f"self.{callee.name}" if own else ""


def _may_be_probability(terms: list[Term], index: int) -> bool:
    """Whether a term is a call of something that is named like a softmax or sigmoid."""
    term = terms[index]
    name = terms[term.args[0]].name.lower() if term.op == "call" else ""
    return "softmax" in name or "sigmoid" in name


def _argument(term: Term, logged: Logged) -> int:
    """The argument of a call that the logged parameter gets, -1 where that is not told."""
    given = list(zip(term.keys, term.args[1:], strict=True))
    for key, argument in given:
        if key == logged.parameter:
            return argument
    positional = [argument for key, argument in given if not key]
    starred = any(key in ("*", "**") for key, _ in given)
    return positional[logged.position] if logged.position < len(positional) and not starred else -1
