"""What a unit minimises: the terms that reach `loss.backward()`, `minimize(loss)` or `gradients(loss, …)`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from trainlint.analysis.facts import Term
from trainlint.analysis.numerics.abstract import AbstractValues

_OF_RECEIVER = frozenset({"backward"})
_OF_ARGUMENT = frozenset({"minimize", "compute_gradients", "gradients", "gradient", "backward"})
_GRAPH_CALLS = frozenset({"minimize", "compute_gradients"})
_CONE = 5000


def minimised(values: AbstractValues) -> frozenset[int]:
    """The terms that a loss which the unit itself differentiates is computed from."""
    terms = values.terms
    seen: set[int] = set()
    stack = [root for term in terms if term.op == "call" for root in _losses(terms, term)]
    while stack and len(seen) < _CONE:
        index = stack.pop()
        if index not in seen:
            seen.add(index)
            stack += terms[index].args
    return frozenset(seen)


def only_shown(values: AbstractValues, sites: Iterable[int]) -> frozenset[int]:
    """The sites of a script that are made after its train op and that no loss of it is made from: what they
    give is looked at, and no gradient flows through them."""
    terms = values.terms
    made = [index for index, term in enumerate(terms) if term.op == "call" and _makes_train_op(terms, term)]
    if not made:
        return frozenset()
    trained = minimised(values)
    return frozenset(site for site in sites if site > made[-1] and site not in trained)


def _makes_train_op(terms: list[Term], call: Term) -> bool:
    """Whether a call makes the op that trains, out of a loss whose graph is complete by then."""
    callee = terms[call.args[0]]
    return callee.op == "attr" and callee.name in _GRAPH_CALLS and len(call.args) > 1


def _losses(terms: list[Term], call: Term) -> Iterator[int]:
    """The terms that a call differentiates: none for most calls."""
    callee = terms[call.args[0]]
    if callee.op not in ("attr", "global"):
        return
    name = callee.name.rpartition(".")[2]
    if name in _OF_ARGUMENT and len(call.args) > 1:
        yield call.args[1]
    if name in _OF_RECEIVER and callee.op == "attr":
        yield callee.args[0]
