"""Which terms hold float16 tensors. Known from what is written in the unit, else unknown.

Autocast makes no tensor half here: what it computes in half is its own choice, and parameters stay float32.
"""

from __future__ import annotations

import enum

from trainlint.analysis.numerics.hazards.scene import Called, Scene
from trainlint.analysis.numerics.lattice import Kind


class Dtype(str, enum.Enum):
    """The precision of a tensor; NUMBER is a Python number, which takes on the precision of its partner."""

    UNKNOWN = "unknown"
    HALF = "float16"
    BFLOAT = "bfloat16"
    SINGLE = "float32"
    DOUBLE = "float64"
    WHOLE = "integer"
    NUMBER = "number"


_NAMED = {
    "float16": Dtype.HALF, "half": Dtype.HALF, "bfloat16": Dtype.BFLOAT, "float32": Dtype.SINGLE,
    "float": Dtype.SINGLE, "float64": Dtype.DOUBLE, "double": Dtype.DOUBLE, "int64": Dtype.WHOLE,
    "long": Dtype.WHOLE, "int32": Dtype.WHOLE, "int": Dtype.WHOLE, "int16": Dtype.WHOLE, "int8": Dtype.WHOLE,
    "uint8": Dtype.WHOLE, "bool": Dtype.WHOLE, "HalfTensor": Dtype.HALF, "FloatTensor": Dtype.SINGLE,
    "BFloat16Tensor": Dtype.BFLOAT, "DoubleTensor": Dtype.DOUBLE, "LongTensor": Dtype.WHOLE,
}  # fmt: skip
_CASTS = frozenset({"to", "type", "astype", "cast", "asarray", "array"})
_METHODS = frozenset({"half", "bfloat16", "float", "double", "long", "int", "bool"})
_WIDENING = (Dtype.WHOLE, Dtype.HALF, Dtype.BFLOAT, Dtype.SINGLE, Dtype.DOUBLE)
_COUNTING = frozenset(
    "compare test any_of all_of both either complement boolean integer count size rank nonzero degree".split()
)
"""Transfers whose results are no floating-point tensors."""


class Dtypes:
    """The precision of a unit's terms, each found once. Terms only point back, so one pass suffices."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._known: list[Dtype] = []

    def of(self, index: int) -> Dtype:
        """The precision of a term's tensor, on every path."""
        while len(self._known) <= index:
            self._known.append(self._read(len(self._known)))
        return self._known[index]

    def named(self, index: int) -> Dtype:
        """The precision that a term names: `torch.float16`, `jnp.float16`, "float16"."""
        if index < 0:
            return Dtype.UNKNOWN
        term = self._scene.terms[index]
        text = term.value if isinstance(term.value, str) else term.name
        return _NAMED.get(text.rpartition(".")[2], Dtype.UNKNOWN)

    def _read(self, index: int) -> Dtype:
        term = self._scene.terms[index]
        if term.op == "call":
            return self._call(index)
        if term.op == "bin":
            left, right = (self._operand(argument) for argument in term.args)
            return _promoted(left, right)
        if term.op == "cmp":
            return Dtype.WHOLE
        if term.op in ("un", "item", "elem", "star"):
            return self._known[term.args[0]]
        if term.op == "setitem":
            return self._known[term.args[0]]
        if term.op == "if":
            return _agreed(self._known[term.args[1]], self._known[term.args[2]])
        if term.op == "attr" and term.name in ("T", "mT", "data", "grad"):
            return self._known[term.args[0]]
        return Dtype.UNKNOWN

    def _operand(self, index: int) -> Dtype:
        found = self._known[index] if index < len(self._known) else Dtype.UNKNOWN
        if found is Dtype.UNKNOWN and self._scene.value(index).kind in (Kind.NUMBER, Kind.INTEGER):
            return Dtype.NUMBER
        return found

    def _call(self, index: int) -> Dtype:
        term = self._scene.terms[index]
        for key, argument in zip(term.keys, term.args[1:], strict=True):
            if key == "dtype":
                return self.named(argument)
        callee = self._scene.terms[term.args[0]]
        name = callee.name.rpartition(".")[2]
        if callee.op == "attr" and name in _METHODS and len(term.args) == 1:
            return _NAMED[name]
        if name in _CASTS:
            return self._cast(index, callee.args[0] if callee.op == "attr" else -1)
        if name == "type_as" and len(term.args) > 1:
            return self._known[term.args[1]]
        called = self._scene.calls.get(index)
        if called is None or called.entry.transfer in ("", "item", "array"):
            return Dtype.UNKNOWN
        if called.entry.transfer in _COUNTING:
            return Dtype.WHOLE
        return self._transferred(called)

    def _cast(self, index: int, receiver: int) -> Dtype:
        """`x.to(...)` and its like: a named precision, another tensor's, or a device that keeps it."""
        before = self._known[receiver] if receiver >= 0 else Dtype.UNKNOWN
        for argument in self._scene.terms[index].args[1:]:
            named = self.named(argument)
            if named is not Dtype.UNKNOWN:
                return named
            if self._may_be_dtype(argument):
                return Dtype.UNKNOWN
        return before

    def _may_be_dtype(self, index: int) -> bool:
        """Whether an argument of `.to` may say a precision: it is neither a device nor a switch."""
        term = self._scene.terms[index]
        if term.op == "const":
            return not isinstance(term.value, (bool, str)) and term.value is not None
        return "device" not in term.name and "cuda" not in term.name

    def _transferred(self, called: Called) -> Dtype:
        """A known function gives the precision of the tensors it takes."""
        entry = called.entry
        if entry.transfer in ("zeros", "ones", "fixed", "filled", "literal", "eye", "learned"):
            return self._known[self._like(called)] if self._like(called) >= 0 else Dtype.UNKNOWN
        result = Dtype.NUMBER
        for name in ("input", "other", "tensors", "mask", "value"):
            argument = called.bound.get(name, -1)
            if argument < 0 or name == "mask":
                continue
            found = self._joined(argument) if name == "tensors" else self._operand(argument)
            result = _promoted(result, found)
        return Dtype.UNKNOWN if result is Dtype.NUMBER else result

    def _like(self, called: Called) -> int:
        """The tensor whose precision a new one takes: x of `zeros_like(x)`, `x.new_zeros(2)`; or -1."""
        if called.name.endswith("_like"):
            given = self._scene.terms[called.index].args[1:]
            return given[0] if given else -1
        return called.bound.get("input", -1) if called.entry.receiver else -1

    def _joined(self, index: int) -> Dtype:
        term = self._scene.terms[index]
        parts = term.args if term.op in ("list", "tuple") else ()
        result = Dtype.NUMBER
        for part in parts:
            result = _promoted(result, self._known[part])
        return result if parts else Dtype.UNKNOWN


def _promoted(left: Dtype, right: Dtype) -> Dtype:
    """The precision of an operation of two operands, as PyTorch and JAX promote them."""
    if Dtype.UNKNOWN in (left, right):
        return Dtype.UNKNOWN
    if left is Dtype.NUMBER:
        return right
    if right is Dtype.NUMBER:
        return left
    if {left, right} == {Dtype.HALF, Dtype.BFLOAT}:
        return Dtype.SINGLE
    return max(left, right, key=_WIDENING.index)


def _agreed(left: Dtype, right: Dtype) -> Dtype:
    return left if left is right else Dtype.UNKNOWN
