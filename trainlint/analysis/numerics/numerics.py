"""The numeric analysis of one unit.

It listens to the interpreter and judges the sites it saw once the unit is read.

While the interpreter walks, nothing is evaluated: a site is kept with the path that led to it. `summarise`
never asks about other units and `candidates` only asks for their summaries, so no chain of readings can
arise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from trainlint.analysis.close.terms import NumericHooks
from trainlint.analysis.facts import NumericSummary, Precondition, Term
from trainlint.analysis.numerics import origins
from trainlint.analysis.numerics.abstract import AbstractValues
from trainlint.analysis.numerics.applications import APPLIES
from trainlint.analysis.numerics.handing import PreconditionsOf, handed_on
from trainlint.analysis.numerics.hazards.find import find, without_told
from trainlint.analysis.numerics.hazards.inputs import certain_roots
from trainlint.analysis.numerics.hazards.scene import Scene
from trainlint.analysis.numerics.lattice import Kind
from trainlint.analysis.numerics.leaves import Parameter
from trainlint.analysis.numerics.losses import only_shown
from trainlint.analysis.numerics.paths import START, Assumed, Inplace, Node, PathReader, Reduced, Stored
from trainlint.analysis.numerics.preconditions import Needed, needed_of_parameters
from trainlint.analysis.numerics.sites import RawCandidate, judge
from trainlint.analysis.numerics.summaries import to_summary
from trainlint.analysis.numerics.uses import settle, settle_handed
from trainlint.knowledge.base import Knowledge

_PASSING = frozenset({"sum", "squeeze", "unsqueeze", "view", "reshape", "flatten", "transpose"})
_NO_GRADIENT = frozenset({"no_grad", "inference_mode"})
_EXTREMES = frozenset({"min", "max", "amin", "amax", "argmin", "argmax"})


def _nothing(_: str) -> NumericSummary | None:
    return None


def _nothing_needed(_: str) -> list[Precondition]:
    return []


class Numerics(NumericHooks):
    """The sites of a unit, and after the walk: candidates, and summaries for other units.

    `summary_of` answers for a project function by its absolute name, and for a method of the same object by
    "self.name"; `self_attribute_of` answers what methods leave in `self.name`, `preconditions_of` what a
    function needs of its parameters; `is_script` tells a module's body.
    """

    def __init__(
        self,
        terms: list[Term],
        knowledge: Knowledge,
        summary_of: Callable[[str], NumericSummary | None] = _nothing,
        self_attribute_of: Callable[[str], NumericSummary | None] = _nothing,
        preconditions_of: PreconditionsOf = _nothing_needed,
        is_script: bool = False,
    ) -> None:
        self.terms = terms
        self._is_script = is_script
        self._preconditions_of = preconditions_of
        self.values = AbstractValues(terms, knowledge, self_attribute_of, summary_of)
        self._alone = AbstractValues(terms, knowledge, _nothing, _nothing)
        self._alone.parameters = self.values.parameters
        self._path: Node = START
        self._paths: list[Node] = []
        self._without_gradient = 0
        self._sites: dict[tuple[int, int], tuple[int, Node]] = {}
        self._handing: list[tuple[int, Node]] = []

    def release(self) -> None:
        """Take apart what hangs on itself; nothing can be asked afterwards."""
        for values in (self.values, self._alone):
            vars(values).clear()
        vars(self).clear()

    def parameter(self, index: int, name: str, annotation: str, default: int) -> None:
        """Describe a formal parameter's term; `default` is a term index or -1."""
        self.values.parameters[index] = Parameter(name, annotation, default)

    def region(self, name: str, entered: bool) -> None:
        """A `with` block begins or ends; nothing inside one without gradients is a candidate."""
        if name in _NO_GRADIENT:
            self._without_gradient += 1 if entered else -1

    def push(self) -> None:
        """Remember the path: a branch begins."""
        self._paths.append(self._path)

    def pop(self) -> None:
        """Forget what happened since the matching push."""
        self._path = self._paths.pop()

    def assume(self, condition: int, holds: bool) -> None:
        """The path continues with this outcome of a condition."""
        self._path = Assumed(self._path, condition, holds)

    def store_item(self, container: int, key: int, value: int) -> None:
        """`container[key] = value`: a masked write may remove the zeros."""
        self._path = Stored(self._path, container, key, value)

    def inplace(self, receiver: int, method: str, arguments: Sequence[int]) -> None:
        """`clamp_`, `add_` and the like: the receiver itself has the result's bounds from here on."""
        if arguments:
            self._path = Inplace(self._path, receiver, method.rstrip("_"), tuple(arguments))

    def site(self, index: int) -> None:
        """A quotient, root or power is evaluated on the current path."""
        if not self._without_gradient:
            self._sites.setdefault((index, id(self._path)), (index, self._path))
        operand = self._reduced(index)
        if operand >= 0:
            self._path = Reduced(self._path, operand)

    def handing(self, index: int) -> None:
        """A function that may be the project's is called with arguments on the current path."""
        if not self._without_gradient:
            self._handing.append((index, self._path))

    def _reduced(self, index: int) -> int:
        """What `x.min()` or `torch.max(x)` takes all elements of, -1 for anything else."""
        term = self.terms[index]
        callee = self.terms[term.args[0]] if term.op == "call" else None
        if callee is None or callee.name.rpartition(".")[2] not in _EXTREMES:
            return -1
        if callee.op == "attr":
            return callee.args[0] if len(term.args) == 1 else -1
        return term.args[1] if callee.op == "global" and len(term.args) == 2 else -1

    def candidates(self) -> list[RawCandidate]:
        """The sites that may go wrong, in source order; sites with the same operand are one.

        The others related.
        """
        reader = PathReader(self.values)
        found: dict[int, RawCandidate] = {}
        for index, node in self._sites.values():
            if index not in found:
                candidate = judge(self.values, reader, node, index)
                if candidate is not None:
                    found[index] = candidate
        if self._is_script:
            for index in only_shown(self.values, found):
                del found[index]
        hazards = find(self.values, reader, self._sites.values())
        if any(each.kind == "sqrt" for each in found.values()):
            certain_roots(Scene(self.values, reader, self._sites.values()), list(found.values()))
        handed = settle_handed(
            self.values, handed_on(self.values, reader, self._handing, self._preconditions_of)
        )
        return settle(self.values, without_told(found.values(), hazards)) + hazards + handed

    def preconditions(self) -> list[Needed]:
        """What the unit needs of its parameters and does not see to."""
        return list(needed_of_parameters(self._alone, PathReader(self._alone), self._sites.values()))

    def summarise(self, returned: Iterable[int]) -> NumericSummary | None:
        """What callers may know of a function that returns these terms; None where that is nothing."""
        terms = list(returned)
        if terms and all(self._is_dot_product(term) for term in terms):
            return NumericSummary(kind=Kind.TENSOR.value, origin=origins.DOT)
        applied = {name for term in terms if (name := self._applied_parameter(term))}
        if len(applied) == 1:
            return NumericSummary(kind=APPLIES, origin=applied.pop())
        return to_summary(self._alone.value(term) for term in terms)

    def summarise_attribute(self, stored: Iterable[int]) -> NumericSummary | None:
        """What readers of `self.x` may know where these terms are stored in it.

        A module is named by its class.
        """
        terms = list(stored)
        if len(terms) == 1 and self.terms[terms[0]].op in ("call", "global"):
            name = self._alone.calls.applications.name(terms[0])
            if name:
                return NumericSummary(kind="module", origin=name)
        return to_summary(self._alone.value(term) for term in terms)

    def _applied_parameter(self, index: int) -> str:
        """The parameter, with its place, whose call gives this term: "activation:2"; "" for none."""
        term = self.terms[index]
        if term.op == "if":
            names = {self._applied_parameter(branch) for branch in term.args[1:]} - {""}
            return names.pop() if len(names) == 1 else ""
        callee = self.terms[term.args[0]] if term.op == "call" else term
        if callee is term or callee.op != "param":
            return ""
        names_in_order = [each.name for each in self.values.parameters.values()]
        if names_in_order[:1] in (["self"], ["cls"]):
            del names_in_order[0]
        place = names_in_order.index(callee.name) if callee.name in names_in_order else -1
        return f"{callee.name}:{place}" if place >= 0 else ""

    def _is_dot_product(self, index: int) -> bool:
        """Whether a term is `(a * b).sum(...)` of two parameters, views aside."""
        product = self._below(index)
        term = self.terms[product]
        if term.op != "bin" or term.name != "*":
            return False
        factors = [self._below(argument) for argument in term.args]
        return all(self.terms[factor].op == "param" for factor in factors) and factors[0] != factors[1]

    def _below(self, index: int) -> int:
        """What a term is a view, a sum or a slice of."""
        for _ in range(6):
            term = self.terms[index]
            callee = self.terms[term.args[0]] if term.op == "call" else None
            if term.op == "item":
                index = term.args[0]
            elif callee is not None and callee.op == "attr" and self._passes(callee.name):
                index = callee.args[0]
            elif (
                callee is not None
                and callee.op == "global"
                and self._passes(callee.name)
                and len(term.args) > 1
            ):
                index = term.args[1]
            else:
                break
        return index

    def _passes(self, name: str) -> bool:
        return name.rpartition(".")[2] in (
            "sum",
            "squeeze",
            "unsqueeze",
            "view",
            "reshape",
            "flatten",
            "transpose",
        )
