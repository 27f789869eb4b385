"""The values of calls: framework functions and methods, builtins, modules held by the object.

Project functions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from trainlint.analysis.facts import NumericSummary, Term
from trainlint.analysis.numerics import lattice, origins
from trainlint.analysis.numerics.applications import APPLIES, Applications
from trainlint.analysis.numerics.arithmetic import powered, shifted, total
from trainlint.analysis.numerics.lattice import INFINITY, OTHER, UNKNOWN, Gradient, Kind, Value
from trainlint.analysis.numerics.masks import length_of, selection
from trainlint.analysis.numerics.naming import POSITIVE_NUMBER, named
from trainlint.analysis.numerics.plain_numbers import of_numbers
from trainlint.analysis.numerics.summaries import from_summary
from trainlint.analysis.numerics.transfer import TRANSFERS, Operation
from trainlint.knowledge.base import Entry
from trainlint.knowledge.roles import load_roles

if TYPE_CHECKING:
    from trainlint.analysis.numerics.abstract import AbstractValues

replace = msgspec.structs.replace

_TENSOR_KEYWORDS = frozenset({"dim", "keepdim"})


class Calls:
    """Evaluates the call terms of one unit."""

    def __init__(self, values: AbstractValues) -> None:
        self._values = values
        self._roles = load_roles()
        self.applications = Applications(values.terms, values.knowledge, self._held)

    def value(self, index: int, term: Term) -> Value:
        """What a call gives."""
        callee = self._values.terms[term.args[0]]
        if callee.op == "global":
            return self._function(index, term, callee.name)
        if callee.op == "attr":
            return self._method(index, term, callee)
        if callee.op in ("call", "if"):
            return self._applied(index, term, self.applications.name(term.args[0]))
        return self._project(index, term)

    def _function(self, index: int, term: Term, name: str) -> Value:
        entry = self._values.knowledge.lookup(name)
        if entry is not None and entry.transfer in TRANSFERS:
            if self.applications.name(index):
                return replace(UNKNOWN, roots=frozenset({index}))
            kind = Kind.ARRAY if entry.framework == "numpy" else Kind.TENSOR
            result = self._transfer(index, term, entry, -1, kind)
            activation = self.applications.activation(term, entry) if entry.transfer == "network" else ""
            return (self.applications.applied(activation, result, index) if activation else None) or result
        if name.startswith("builtins."):
            return self._builtin(index, term, name[9:])
        number = of_numbers(name, [self._values.of(argument) for argument in term.args[1:]])
        if number is not None:
            return number
        framework = self._values.knowledge.framework(name)
        if name.startswith("math.") or framework in ("math", "python"):
            return lattice.NUMBER
        if framework == "numpy" or name.startswith(("numpy.", "scipy.", "pandas.")):
            return replace(UNKNOWN, kind=Kind.ARRAY, grad=Gradient.NO)
        if entry is not None and entry.random:
            return Value(Kind.TENSOR, grad=Gradient.NO)
        return self._project(index, term)

    def _builtin(self, index: int, term: Term, name: str) -> Value:
        values = [self._values.of(argument) for argument in term.args[1:]]
        if name == "len" and values:
            return length_of(values[0])
        if name in ("max", "min") and len(values) > 1:
            of_two = lattice.greatest if name == "max" else lattice.least
            result = values[0]
            for value in values[1:]:
                result = of_two(result, value)
            return replace(result, origin=values[0].origin if result.can_be_zero else "")
        if name == "abs" and values:
            result = lattice.absolute(values[0])
            return replace(result, origin=origins.MAGNITUDE) if result.can_be_zero else result
        if name in ("float", "int") and values:
            return replace(values[0], kind=Kind.NUMBER, grad=Gradient.NO)
        if name == "sum" and values:
            return total(replace(values[0], kind=Kind.UNKNOWN, elements=False))
        if name == "pow" and len(values) > 1:
            return powered(values[0], values[1], term.args[1])
        if name in ("range", "enumerate", "zip", "round", "str", "isinstance", "int", "bool"):
            return OTHER if name in ("str", "isinstance", "bool") else lattice.NUMBER
        return replace(UNKNOWN, roots=frozenset({index}))

    def _method(self, index: int, term: Term, callee: Term) -> Value:
        receiver = callee.args[0]
        base = self._values.terms[receiver]
        if base.op == "param" and base.name in ("self", "cls"):
            return self._own(index, term, callee.name)
        entry = self.tensor_method(callee.name)
        value = self._values.of(receiver)
        if entry is None or value.kind is Kind.OTHER:
            if named(callee.name) is POSITIVE_NUMBER:
                return POSITIVE_NUMBER
            return self._project(index, term)
        return self._transfer(index, term, entry, receiver, self._result_kind(callee.name, term, value))

    def tensor_method(self, name: str) -> Entry | None:
        """The numeric entry of a tensor's method, None for other methods."""
        for entry in self._values.knowledge.methods(name):
            if entry.receiver == "tensor" and entry.transfer in TRANSFERS:
                return entry
        return None

    def _result_kind(self, method: str, term: Term, receiver: Value) -> Kind:
        if receiver.kind in (Kind.ARRAY, Kind.NUMBER, Kind.INTEGER, Kind.TENSOR):
            return receiver.kind
        if receiver.kind is Kind.MASK or method not in self._roles.array_methods:
            return Kind.TENSOR
        return Kind.TENSOR if _TENSOR_KEYWORDS & set(term.keys) else Kind.UNKNOWN

    def _transfer(self, index: int, term: Term, entry: Entry, receiver: int, kind: Kind) -> Value:
        bound = self.bind(term, entry, receiver)
        if entry.transfer in ("where", "masked_fill", "where_method"):
            return self._chosen(entry.transfer, bound, kind) or UNKNOWN
        same = "other" in bound and self._values.canonical(bound["other"]) == self._values.canonical(
            bound.get("input", -1)
        )
        operation = Operation(index, entry, bound, self._values.of, kind, same)
        result = shifted(*pair) if (pair := self._shift(operation)) else TRANSFERS[entry.transfer](operation)
        return _trainable(result) if self._requires_gradient(bound) else result

    def _shift(self, operation: Operation) -> tuple[Value, Value] | None:
        """The sides of `x.sub(x.max())`, None for any other call."""
        minuend, subtrahend = operation.term("input"), operation.term("other")
        if operation.entry.transfer != "subtract" or min(minuend, subtrahend) < 0:
            return None
        sides = operation.value(), operation.value("other")
        return sides if self._values.shifts.is_shift(minuend, subtrahend, sides[1]) else None

    def _requires_gradient(self, bound: dict[str, int]) -> bool:
        """Whether a call makes a tensor that is trained: `torch.zeros(4, 3, requires_grad=True)`."""
        given = bound.get("requires_grad", -1)
        return given >= 0 and self._values.terms[given].value is True

    def _are_same(self, left: int, right: int) -> bool:
        return right >= 0 and self._values.canonical(left) == self._values.canonical(right)

    def _chosen(self, transfer: str, bound: dict[str, int], kind: Kind) -> Value | None:
        first, second = bound.get("input", -1), bound.get("other", -1)
        condition = bound.get("condition", bound.get("mask", -1))
        if transfer == "masked_fill":
            second = bound.get("value", -1)
        if condition < 0 or first < 0 or second < 0:
            if condition >= 0 and transfer == "where":
                return selection(self._values.of(condition), elements=True)
            return None
        holds = transfer != "masked_fill"
        kept = self._values.under(condition, holds, first)
        other = self._values.under(condition, not holds, second)
        result = lattice.join(kept, other)
        return replace(result, kind=Kind.TENSOR if kind is Kind.UNKNOWN else kind, const=None)

    def bind(self, term: Term, entry: Entry, receiver: int) -> dict[str, int]:
        """Parameter name → argument's term; "input" is a method's receiver."""
        arguments = list(term.args[1:])
        keys = list(term.keys)
        positional = 0
        while positional < len(keys) and keys[positional] == "":
            positional += 1
        named_keys = [
            (key, argument)
            for key, argument in zip(keys, arguments, strict=True)
            if key not in ("", "*", "**")
        ]
        order = arguments[:positional] + [argument for _, argument in named_keys]
        found = self._values.knowledge.bind(entry, positional, [key for key, _ in named_keys])
        bound = {name: order[place] for name, place in found.items()}
        if receiver >= 0:
            bound["input"] = receiver
        return bound

    def _own(self, index: int, term: Term, name: str) -> Value:
        """A call of `self.name(...)`: a module held by the object, or a method."""
        held = self._held(name)
        return self._applied(index, term, held) if held else self._project(index, term)

    def _held(self, name: str) -> str:
        """What calling `self.name` does where it holds a module; "" for anything else."""
        summary = self._values.attribute(name)
        return summary.origin if summary is not None and summary.kind == "module" else ""

    def _applied(self, index: int, term: Term, name: str) -> Value:
        """What an object or function of this name makes of a call's first argument."""
        argument = self._values.of(term.args[1]) if len(term.args) > 1 else UNKNOWN
        if "::" in name:
            return self._result(index, term, self._values.summary_of(f"{name}()"))
        # What a module applies at its end is applied to something it made, not to its argument.
        grad = Gradient.UNKNOWN if argument.grad is Gradient.NO else argument.grad
        inner = Value(Kind.ARRAY if argument.kind is Kind.ARRAY else Kind.TENSOR, grad=grad)
        found = self.applications.applied(name, inner, index) if name else None
        if found is not None:
            return found
        if not name:
            return self._project(index, term)
        return Value(Kind.TENSOR, grad=Gradient.YES, roots=frozenset({index}))

    def _project(self, index: int, term: Term) -> Value:
        """A call of a function whose source may be read: what its summary says, else unknown."""
        callee = self._values.terms[term.args[0]]
        return self._result(index, term, self._values.summary_of(_callee_name(self._values.terms, callee)))

    def _result(self, index: int, term: Term, summary: NumericSummary | None) -> Value:
        values = [self._values.of(argument) for argument in term.args[1:]]
        grad = lattice.gradient_of(*values)
        if summary is None:
            grad = Gradient.UNKNOWN if grad is Gradient.NO else grad
            return replace(UNKNOWN, grad=grad, roots=frozenset({index}))
        if summary.kind == APPLIES:
            return self._handed_on(index, term, summary.origin, values)
        if summary.origin == origins.DOT:
            if len(term.args) >= 3 and self._values.canonical(term.args[1]) == self._values.canonical(
                term.args[2]
            ):
                return Value(
                    Kind.TENSOR, 0.0, INFINITY, True, grad, origins.SQUARES, roots=frozenset({index})
                )
            return Value(Kind.TENSOR, grad=grad, roots=frozenset({index}))
        if summary.origin in origins.COUNTS:
            grad = Gradient.NO
        elif grad is Gradient.NO and summary.kind == Kind.TENSOR.value:
            # What the function adds may be learned: weights made inside it, a layer.
            grad = Gradient.UNKNOWN
        return replace(from_summary(summary, index), grad=grad)

    def _handed_on(self, index: int, term: Term, parameter: str, values: list[Value]) -> Value:
        """What a function gives that applies one of its parameters: `dense(x, 10, tf.nn.softmax)`."""
        name, _, place = parameter.partition(":")
        positional = [argument for key, argument in zip(term.keys, term.args[1:], strict=True) if not key]
        handed = [argument for key, argument in zip(term.keys, term.args[1:], strict=True) if key == name]
        if not handed and place and int(place) < len(positional):
            handed = [positional[int(place)]]
        unknown = replace(UNKNOWN, grad=lattice.gradient_of(*values), roots=frozenset({index}))
        applied = self.applications.name(handed[0]) if handed else ""
        return (self.applications.applied(applied, unknown, index) if applied else None) or unknown


def _trainable(value: Value) -> Value:
    """A tensor of which only the start is known: training may take it anywhere."""
    return Value(value.kind, grad=Gradient.YES, roots=value.roots)


def _callee_name(terms: list[Term], callee: Term) -> str:
    if callee.op == "global":
        return callee.name
    if callee.op == "attr" and terms[callee.args[0]].name in ("self", "cls"):
        return f"self.{callee.name}"
    return ""
