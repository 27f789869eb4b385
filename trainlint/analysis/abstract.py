"""From terms to abstract values: lazily, without recursion, once per term and once more where a path knows better."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from trainlint.analysis import lattice, origins
from trainlint.analysis.facts import NumericSummary, Term
from trainlint.analysis.guards import Bound, Knowing, conclude
from trainlint.analysis.lattice import INFINITY, OTHER, UNKNOWN, Gradient, Kind, Value
from trainlint.analysis.naming import POSITIVE_NUMBER, annotated, named
from trainlint.analysis.transfer import (
    TRANSFERS,
    Operation,
    added,
    compared,
    complemented,
    divided,
    intersected,
    length_of,
    matrix_product,
    multiplied,
    powered,
    selected,
    shape_of,
    squared,
    subtracted,
    total,
)
from trainlint.knowledge.base import Entry, Knowledge
from trainlint.knowledge.roles import load_roles

replace = msgspec.structs.replace

_CONE_LIMIT = 400
_REFINEMENT_DEPTH = 3
_VIEWS = frozenset({"T", "mT", "H", "mH", "real", "values", "data", "grad_fn"})
_NOT_VALUES = frozenset({"device", "dtype", "requires_grad", "is_cuda", "ndim", "layout", "names", "__class__"})
_ARITHMETIC: dict[str, Callable[[Value, Value], Value]] = {"+": added, "-": subtracted, "*": multiplied, "/": divided}
_TENSOR_KEYWORDS = frozenset({"dim", "keepdim"})


class Parameter(msgspec.Struct, frozen=True):
    """A formal parameter as the interpreter described it."""

    name: str
    annotation: str = ""
    default: int = -1


class AbstractValues:
    """The abstract values of one unit's terms.

    `attribute` answers what `self.name` holds, `summary_of` what calling a project function gives: it is asked by the
    function's absolute name, or by "self.name" for a method of the same object.
    """

    def __init__(
        self,
        terms: list[Term],
        knowledge: Knowledge,
        attribute: Callable[[str], NumericSummary | None],
        summary_of: Callable[[str], NumericSummary | None],
    ) -> None:
        self.terms = terms
        self.knowledge = knowledge
        self.attribute = attribute
        self.summary_of = summary_of
        self.parameters: dict[int, Parameter] = {}
        self._facts: dict[int, Value] = {}
        self._overlay: dict[int, Value] = {}
        self._depth = 0
        self._canonical: list[int] = []
        self._shapes: dict[tuple[object, ...], int] = {}
        self._roles = load_roles()
        self._operations: dict[str, Callable[[int, Term], Value]] = {
            "const": self._const, "param": self._param, "global": self._global, "attr": self._attr,
            "item": self._item, "call": self._call, "bin": self._bin, "un": self._un, "cmp": self._cmp,
            "bool": self._bool, "if": self._if, "tuple": self._sequence, "list": self._sequence,
            "set": self._sequence, "setitem": self._setitem, "elem": self._elem, "unpack": self._unpack,
            "loop": self._loop, "comp": self._comp, "star": self._elem,
        }  # fmt: skip

    def value(self, index: int) -> Value:
        """The value of a term on any path."""
        known = self._facts.get(index)
        if known is not None:
            return known
        overlay, self._overlay = self._overlay, {}
        for step in self._cone(index, self._facts, 0):
            self._facts[step] = self._compute(step)
        self._overlay = overlay
        return self._facts[index]

    def refined(self, index: int, bounds: dict[int, Bound]) -> Value:
        """The value of a term on a path where these bounds hold."""
        base = self.value(index)
        lowest = min(bounds, default=index + 1)
        if index < lowest:
            return base
        cone = self._cone(index, {}, lowest)
        if len(cone) > _CONE_LIMIT:
            cone = [index]
        outer, self._overlay = self._overlay, {}
        methods: set[int] = set()
        for step in cone:
            value = self._facts[step]
            if any(argument in self._overlay or argument in methods for argument in self.terms[step].args):
                value = self._compute(step)
                if self.terms[step].op == "attr":
                    methods.add(step)
            bound = bounds.get(self.canonical(step))
            if bound is not None:
                value = lattice.meet(value, bound.low, bound.high, zero=bound.zero)
            if value != self._facts[step]:
                self._overlay[step] = value
        result = self._overlay.get(index, base)
        self._overlay = outer
        return result

    def under(self, condition: int, holds: bool, index: int) -> Value:
        """The value of a term where a condition has an outcome."""
        if self._depth >= _REFINEMENT_DEPTH:
            return self.of(index)
        self._depth += 1
        knowing = self.conclude(condition, holds)
        result = self.refined(index, knowing.bounds) if knowing.bounds else self.of(index)
        self._depth -= 1
        return result

    def conclude(self, condition: int, holds: bool) -> Knowing:
        """What a condition's outcome says, by canonical terms."""
        found = conclude(self.terms, self.value, condition, holds)
        if not found.bounds:
            return found
        same = Knowing(nonempty=found.nonempty)
        for term, bound in found.bounds.items():
            same.bound(self.canonical(term), bound)
        return same

    def of(self, index: int) -> Value:
        """The value of a term as the current evaluation sees it."""
        found = self._overlay.get(index)
        if found is None:
            found = self._facts.get(index)
        return self.value(index) if found is None else found

    def canonical(self, index: int) -> int:
        """The first term that is written the same and must have the same value."""
        while len(self._canonical) <= index:
            place = len(self._canonical)
            term = self.terms[place]
            if not self._is_repeatable(term):
                self._canonical.append(place)
                continue
            arguments = tuple(self._canonical[argument] for argument in term.args)
            shape = (term.op, arguments, term.name, term.value.__class__, term.value, term.keys)
            self._canonical.append(self._shapes.setdefault(shape, place))
        return self._canonical[index]

    def _is_repeatable(self, term: Term) -> bool:
        if term.op in ("const", "param", "global", "attr", "item", "bin", "un", "cmp", "bool", "tuple", "slice", "unpack"):
            return True
        if term.op != "call":
            return False
        callee = self.terms[term.args[0]]
        if callee.op == "attr":
            return self.tensor_method(callee.name) is not None
        entry = self.knowledge.lookup(callee.name) if callee.op == "global" else None
        return entry is not None and entry.transfer in TRANSFERS

    def _cone(self, index: int, done: dict[int, Value], lowest: int) -> list[int]:
        """The terms below `index` that are not done, arguments first."""
        seen = {index}
        stack = [index]
        while stack:
            for argument in self.terms[stack.pop()].args:
                if argument >= lowest and argument not in done and argument not in seen:
                    seen.add(argument)
                    stack.append(argument)
        return sorted(seen)

    def _compute(self, index: int) -> Value:
        term = self.terms[index]
        operation = self._operations.get(term.op)
        return operation(index, term) if operation is not None else UNKNOWN

    def _const(self, index: int, term: Term) -> Value:  # noqa: ARG002
        value = term.value
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return OTHER
        return lattice.constant(value)

    def _param(self, index: int, term: Term) -> Value:
        described = self.parameters.get(index)
        name = term.name.rpartition(" ")[2]
        if name in ("self", "cls"):
            return OTHER
        value = named(name)
        if described is not None:
            kind = annotated(described.annotation)
            if kind is Kind.NUMBER or kind is Kind.OTHER:
                return POSITIVE_NUMBER if value is POSITIVE_NUMBER else replace(UNKNOWN, kind=kind, grad=Gradient.NO)
            if described.default >= 0 and kind is not Kind.TENSOR:
                default = self.terms[described.default].value
                if isinstance(default, (bool, int, float, str)):
                    return POSITIVE_NUMBER if value is POSITIVE_NUMBER else lattice.NUMBER
            if kind is Kind.TENSOR and value.kind is Kind.NUMBER:
                value = UNKNOWN
            if kind is not Kind.UNKNOWN:
                value = replace(value, kind=kind)
        return value if value.kind is Kind.NUMBER else replace(value, roots=frozenset({index}))

    def _global(self, index: int, term: Term) -> Value:  # noqa: ARG002
        last = term.name.rpartition(".")[2]
        if last in ("pi", "e", "inf") and term.name.startswith(("math.", "numpy.", "torch.")):
            return POSITIVE_NUMBER
        if self.knowledge.lookup(term.name) is not None:
            return UNKNOWN
        value = named(last)
        return value if value is POSITIVE_NUMBER else UNKNOWN

    def _attr(self, index: int, term: Term) -> Value:
        base = self.terms[term.args[0]]
        if base.op == "param" and base.name in ("self", "cls"):
            return self._self_attribute(index, term.name)
        value = self.of(term.args[0])
        if term.name == "shape":
            return shape_of(value)
        if term.name in _NOT_VALUES:
            return OTHER
        if term.name == "data":
            return replace(value, grad=Gradient.NO)
        if term.name == "values" and value.elements:
            return replace(value, elements=False)
        if term.name in _VIEWS:
            return value
        if term.name == "grad":
            return Value(Kind.TENSOR, grad=Gradient.NO)
        guessed = named(term.name)
        if guessed is POSITIVE_NUMBER or guessed is UNKNOWN:
            return guessed if guessed is POSITIVE_NUMBER else replace(UNKNOWN, roots=frozenset({index}))
        return replace(guessed, roots=frozenset({index}))

    def _self_attribute(self, index: int, name: str) -> Value:
        summary = self.attribute(name)
        if summary is not None:
            return from_summary(summary, index)
        guessed = named(name)
        return guessed if guessed is POSITIVE_NUMBER else replace(UNKNOWN, roots=frozenset({index}))

    def _item(self, index: int, term: Term) -> Value:
        base, key = self.of(term.args[0]), self.of(term.args[1])
        key_term = self.terms[term.args[1]]
        if isinstance(key_term.value, str) and key_term.op == "const":
            return self._entry(index, key_term.value)
        if base.kind is Kind.SEQUENCE:
            return self._part(base, key_term.value)
        if base.elements:
            return replace(base, elements=False)
        if key.kind is Kind.MASK or key.origin in origins.MASKS:
            return selected(base, key)
        if base.kind is Kind.OTHER:
            return UNKNOWN
        if key.origin == origins.SELECTION:
            return selected(base, key)
        return base if base.const is None else replace(base, const=None)

    def _entry(self, index: int, key: str) -> Value:
        guessed = named(key)
        return guessed if guessed is POSITIVE_NUMBER else replace(guessed, roots=frozenset({index}))

    @staticmethod
    def _part(base: Value, position: object) -> Value:
        kind = Kind.INTEGER if base.low >= 1.0 or base.origin == origins.FILTERED_COUNT else Kind.UNKNOWN
        if base.origin == origins.FILTERED_COUNT and position != 0:
            return Value(Kind.INTEGER, 1.0, INFINITY, False, Gradient.NO)
        if base.origin in (origins.VARIANCE_AND_MEAN, origins.DEVIATION_AND_MEAN):
            if position != 0:
                return Value(Kind.TENSOR, grad=base.grad, roots=base.roots)
            origin = origins.VARIANCE if base.origin == origins.VARIANCE_AND_MEAN else origins.STD
            return Value(Kind.TENSOR, 0.0, INFINITY, True, base.grad, origin, base.base, base.roots)
        return replace(base, kind=kind, elements=False, const=None)

    def _bin(self, index: int, term: Term) -> Value:
        left, right = (self.of(argument) for argument in term.args)
        operator = term.name
        if operator == "*" and self.canonical(term.args[0]) == self.canonical(term.args[1]):
            return squared(left, term.args[0])
        if operator == "+" and self._complementary(left, right):
            return replace(lattice.add(left, right), low=0.0, zero=False)
        arithmetic = _ARITHMETIC.get(operator)
        if arithmetic is not None:
            if Kind.SEQUENCE in (left.kind, right.kind) or (Kind.OTHER in (left.kind, right.kind) and operator != "*"):
                return UNKNOWN if Kind.SEQUENCE in (left.kind, right.kind) else OTHER
            return arithmetic(left, right)
        if operator == "**":
            return powered(left, right, term.args[0])
        if operator == "@":
            return matrix_product(left, right)
        if operator in ("&", "|"):
            return intersected(left, right) if _is_mask(left) or _is_mask(right) else UNKNOWN
        if operator in ("//", "%"):
            return lattice.combine(left, right, -INFINITY, INFINITY, zero=True)
        return replace(UNKNOWN, roots=frozenset({index}))

    def _complementary(self, left: Value, right: Value) -> bool:
        """Whether these are the squares of t and of c - t, which are never both zero."""
        if left.origin != origins.SQUARE or right.origin != origins.SQUARE:
            return False
        for one, other in ((left.base, right.base), (right.base, left.base)):
            if other >= 0 and self.terms[other].op == "bin" and self.terms[other].name == "-":
                minuend, subtrahend = self.terms[other].args
                constant = self.of(minuend).const
                if self.canonical(subtrahend) == self.canonical(one) and constant is not None and constant != 0.0:
                    return True
        return False

    def _un(self, index: int, term: Term) -> Value:
        value = self.of(term.args[0])
        if term.name == "-":
            result = lattice.negate(value)
            return replace(result, origin=value.origin, base=value.base) if value.origin in origins.SCALES else result
        if term.name == "~":
            return complemented(index, value) if _is_mask(value) else UNKNOWN
        return value if term.name == "+" else OTHER

    def _cmp(self, index: int, term: Term) -> Value:
        if term.name in ("in", "not-in", "is", "is-not"):
            return OTHER
        left, right = (self.of(argument) for argument in term.args)
        plain = (Kind.NUMBER, Kind.INTEGER, Kind.OTHER)
        if (left.kind in plain and right.kind in plain) or Kind.OTHER in (left.kind, right.kind):
            return OTHER
        return compared(index, term.name, left, right)

    def _bool(self, index: int, term: Term) -> Value:  # noqa: ARG002
        left, right = term.args
        if term.name == "or":
            return lattice.join(self.under(left, True, left), self.of(right))
        return lattice.join(self.of(left), self.of(right))

    def _if(self, index: int, term: Term) -> Value:  # noqa: ARG002
        condition, then, otherwise = term.args
        taken = self.under(condition, True, then)
        other = self.under(condition, False, otherwise)
        if self.terms[then].op == "const" and self.terms[then].value is None:
            return other
        if self.terms[otherwise].op == "const" and self.terms[otherwise].value is None:
            return taken
        return lattice.join(taken, other)

    def _loop(self, index: int, term: Term) -> Value:  # noqa: ARG002
        values = [self.of(argument) for argument in term.args]
        result = values[0]
        for value in values[1:]:
            result = lattice.join(result, value)
        kind = result.kind if result.kind is Kind.TENSOR else Kind.UNKNOWN
        grad = Gradient.UNKNOWN if result.grad is Gradient.NO else result.grad
        return Value(kind, grad=grad, roots=result.roots)

    def _sequence(self, index: int, term: Term) -> Value:  # noqa: ARG002
        if not term.args:
            return replace(UNKNOWN, kind=Kind.SEQUENCE)
        result = self.of(term.args[0])
        for argument in term.args[1:8]:
            result = lattice.join(result, self.of(argument))
        return replace(result, kind=Kind.SEQUENCE, const=None, low=min(result.low, 0.0))

    def _setitem(self, index: int, term: Term) -> Value:  # noqa: ARG002
        container, key, stored = term.args
        if self.of(key).kind is Kind.MASK:
            return self._filled(container, key, self.of(stored))
        before, written = self.of(container), self.of(stored)
        if written.const == 0.0:
            return before
        return Value(before.kind, grad=lattice.gradient_of(before, written), roots=before.roots)

    def _filled(self, term: int, mask: int, fill: Value) -> Value:
        """A tensor whose elements under a mask were replaced."""
        kept = self.under(mask, False, term)
        result = lattice.join(kept, replace(fill, roots=frozenset()))
        return replace(result, kind=kept.kind, grad=kept.grad, roots=kept.roots)

    def _elem(self, index: int, term: Term) -> Value:
        base = self.of(term.args[0])
        if base.kind is Kind.SEQUENCE or base.elements:
            return self._part(base, None) if base.kind is Kind.SEQUENCE else replace(base, elements=False)
        return replace(base, const=None) if base.kind is Kind.TENSOR else replace(UNKNOWN, roots=frozenset({index}))

    def _unpack(self, index: int, term: Term) -> Value:
        base = self.of(term.args[0])
        source = self.terms[term.args[0]]
        if base.elements and base.origin in (origins.MAXIMUM, origins.MINIMUM) and term.value != 0:
            return Value(Kind.TENSOR, 0.0, INFINITY, True, Gradient.NO)
        if base.kind is Kind.SEQUENCE:
            return self._part(base, term.value)
        if base.elements:
            return replace(base, elements=False)
        if source.op == "elem" or base.kind is not Kind.TENSOR:
            return replace(UNKNOWN, roots=frozenset({index}))
        return replace(base, const=None)

    def _comp(self, index: int, term: Term) -> Value:  # noqa: ARG002
        if term.name == "dict":
            return UNKNOWN
        return replace(self.of(term.args[0]), kind=Kind.SEQUENCE, const=None)

    def _call(self, index: int, term: Term) -> Value:
        callee = self.terms[term.args[0]]
        if callee.op == "global":
            return self._function(index, term, callee.name)
        if callee.op == "attr":
            return self._method(index, term, callee)
        return self._project(index, term)

    def _function(self, index: int, term: Term, name: str) -> Value:
        entry = self.knowledge.lookup(name)
        if entry is not None and entry.transfer in TRANSFERS:
            kind = Kind.ARRAY if entry.framework == "numpy" else Kind.TENSOR
            return self._transfer(index, term, entry, -1, kind)
        if name.startswith("builtins."):
            return self._builtin(index, term, name[9:])
        framework = self.knowledge.framework(name)
        if name.startswith("math.") or framework in ("math", "python"):
            return lattice.NUMBER
        if framework == "numpy" or name.startswith(("numpy.", "scipy.", "pandas.")):
            return replace(UNKNOWN, kind=Kind.ARRAY, grad=Gradient.NO)
        if entry is not None and entry.random:
            return Value(Kind.TENSOR, grad=Gradient.NO)
        return self._project(index, term)

    def _builtin(self, index: int, term: Term, name: str) -> Value:
        values = [self.of(argument) for argument in term.args[1:]]
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
        base = self.terms[receiver]
        if base.op == "param" and base.name in ("self", "cls"):
            return self._own(index, term, callee.name)
        entry = self.tensor_method(callee.name)
        value = self.of(receiver)
        if entry is None or value.kind is Kind.OTHER:
            if named(callee.name) is POSITIVE_NUMBER:
                return POSITIVE_NUMBER
            return self._project(index, term)
        return self._transfer(index, term, entry, receiver, self._result_kind(callee.name, term, value))

    def tensor_method(self, name: str) -> Entry | None:
        """The numeric entry of a tensor's method, None for other methods."""
        for entry in self.knowledge.methods(name):
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
        same = "other" in bound and self.canonical(bound["other"]) == self.canonical(bound.get("input", -1))
        return TRANSFERS[entry.transfer](Operation(index, entry, bound, self.of, kind, same))

    def _chosen(self, transfer: str, bound: dict[str, int], kind: Kind) -> Value | None:
        first, second = bound.get("input", -1), bound.get("other", -1)
        condition = bound.get("condition", bound.get("mask", -1))
        if transfer == "masked_fill":
            second = bound.get("value", -1)
        if condition < 0 or first < 0 or second < 0:
            if condition >= 0 and transfer == "where":
                roots = self.of(condition).roots
                return Value(
                    Kind.TENSOR, 0.0, INFINITY, True, Gradient.NO, origins.SELECTION, roots=roots, elements=True
                )
            return None
        holds = transfer != "masked_fill"
        kept = self.under(condition, holds, first)
        other = self.under(condition, not holds, second)
        result = lattice.join(kept, other)
        return replace(result, kind=Kind.TENSOR if kind is Kind.UNKNOWN else kind, const=None)

    def bind(self, term: Term, entry: Entry, receiver: int) -> dict[str, int]:
        """Parameter name → argument's term; "input" is a method's receiver."""
        arguments = list(term.args[1:])
        keys = list(term.keys)
        positional = 0
        while positional < len(keys) and keys[positional] == "":
            positional += 1
        named_keys = [(key, argument) for key, argument in zip(keys, arguments, strict=True) if key not in ("", "*", "**")]
        order = arguments[:positional] + [argument for _, argument in named_keys]
        found = self.knowledge.bind(entry, positional, [key for key, _ in named_keys])
        bound = {name: order[place] for name, place in found.items()}
        if receiver >= 0:
            bound["input"] = receiver
        return bound

    def _own(self, index: int, term: Term, name: str) -> Value:
        """A call of `self.name(...)`: a module held by the object, or a method."""
        summary = self.attribute(name)
        if summary is not None and summary.kind == "module":
            entry = self.knowledge.lookup(summary.origin)
            if entry is not None and entry.transfer in TRANSFERS:
                return self._transfer(index, term, entry, -1, Kind.TENSOR)
            return Value(Kind.TENSOR, grad=Gradient.YES, roots=frozenset({index}))
        return self._project(index, term)

    def _project(self, index: int, term: Term) -> Value:
        """A call of a function whose source may be read: what its summary says, else unknown."""
        callee = self.terms[term.args[0]]
        summary = self.summary_of(_callee_name(self.terms, callee))
        values = [self.of(argument) for argument in term.args[1:]]
        grad = lattice.gradient_of(*values)
        if summary is None:
            grad = Gradient.UNKNOWN if grad is Gradient.NO else grad
            return replace(UNKNOWN, grad=grad, roots=frozenset({index}))
        if summary.origin == origins.DOT:
            if len(term.args) >= 3 and self.canonical(term.args[1]) == self.canonical(term.args[2]):
                return Value(Kind.TENSOR, 0.0, INFINITY, True, grad, origins.SQUARES, roots=frozenset({index}))
            return Value(Kind.TENSOR, grad=grad, roots=frozenset({index}))
        return replace(from_summary(summary, index), grad=Gradient.NO if summary.origin in origins.COUNTS else grad)


def _callee_name(terms: list[Term], callee: Term) -> str:
    if callee.op == "global":
        return callee.name
    if callee.op == "attr" and terms[callee.args[0]].name in ("self", "cls"):
        return f"self.{callee.name}"
    return ""


def _is_mask(value: Value) -> bool:
    return value.kind is Kind.MASK or value.origin in origins.MASKS


def from_summary(summary: NumericSummary, index: int) -> Value:
    """The value that a summary describes."""
    kinds = {kind.value: kind for kind in Kind}
    return Value(
        kinds.get(summary.kind, Kind.UNKNOWN),
        -INFINITY if summary.low is None else summary.low,
        INFINITY if summary.high is None else summary.high,
        not summary.nonzero,
        _summary_gradient(summary),
        summary.origin if summary.kind != "module" else "",
        roots=frozenset({index}),
    )


def _summary_gradient(summary: NumericSummary) -> Gradient:
    if summary.kind in ("number", "integer"):
        return Gradient.NO
    return Gradient.YES if summary.origin == origins.LEARNED else Gradient.UNKNOWN


def to_summary(values: Iterable[Value]) -> NumericSummary | None:
    """What the join of values tells a caller; None where that is nothing."""
    result: Value | None = None
    for value in values:
        result = value if result is None else lattice.join(result, value)
    if result is None:
        return None
    summary = NumericSummary(
        kind=result.kind.value,
        low=result.low if result.low > -INFINITY else None,
        high=result.high if result.high < INFINITY else None,
        nonzero=not result.can_be_zero,
        origin=result.origin,
    )
    return None if summary == NumericSummary() else summary
