"""Which units may hold a fault of a network's structure: noted while the outline's calls are scanned.

A hint is no finding. It only says that a unit is worth a close reading, and for what.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

COLLECTS = "collects"
EARLY = "early"
DROPOUT = "dropout"
SOFTMAX = "softmax"
MOMENTUM = "momentum"
SEQUENCE = "sequence"
REPEATED = "repeated"
NORMED = "normed"
CONSTANT = "constant"
SCALING = "scaling"

_ACTIVATIONS = frozenset(
    "relu ReLU relu6 ReLU6 sigmoid Sigmoid tanh Tanh softmax Softmax log_softmax LogSoftmax elu ELU selu "
    "SELU gelu GELU leaky_relu LeakyReLU silu SiLU Activation".split()
)
_WEIGHTED = frozenset(
    "Linear Dense Conv1d Conv2d Conv3d Conv1D Conv2D Conv3D ConvTranspose1d ConvTranspose2d ConvTranspose3d "
    "Conv2DTranspose".split()
)
_NORMS = frozenset(
    "BatchNorm1d BatchNorm2d BatchNorm3d SyncBatchNorm BatchNorm1D BatchNorm2D BatchNorm3D BatchNorm "
    "BatchNormalization".split()
)
_DISPLAYS = (ast.List, ast.Tuple, ast.Set, ast.Dict, ast.ListComp, ast.DictComp, ast.SetComp)
_COLLECTING = frozenset({"list", "tuple", "dict"})
_FACTORS = frozenset({"alpha", "beta", "gamma"})


class Hints:
    """The hints of one unit. `found` are those named above."""

    __slots__ = ("_initialised", "_lists", "found")

    def __init__(self) -> None:
        self.found: set[str] = set()
        self._lists: set[str] = set()
        self._initialised = False

    def of_method(self, name: str, bases: Sequence[str]) -> set[str]:
        """The hints of a function, or of another unit, with this name in a class with these bases: what it
        keeps matters in methods of derived classes, what it keeps early in their constructors."""
        left_out = {COLLECTS, EARLY} if not bases or not name else {EARLY} if name != "__init__" else set()
        return self.found - left_out

    def call(self, node: ast.Call, name: str) -> None:
        """Take note of a call; `name` is the callee as written."""
        last = name[name.rfind(".") + 1 :]
        check = _CALLS.get(last)
        if check is not None:
            hint = check(node, name)
            if hint:
                self.found.add(hint)
        elif last[:2] == "bn" and len(node.args) == 1 and node.args[0].__class__ is ast.Call:
            self.found.add(NORMED)
        elif last == "append":
            self._appended(node, name)
        elif last == "__init__":
            self._initialised = True

    def assigned(self, target: Any, value: Any) -> None:
        """Take note of an assignment of what may be a collection of layers, or a layer."""
        kind = target.__class__
        if kind is ast.Attribute:
            if _makes(value) and not self._initialised:
                self.found.add(EARLY)
            if _holds(value) or (value.__class__ is ast.Name and value.id in self._lists):
                self.found.add(COLLECTS)
        elif kind is ast.Name:
            if _holds(value):
                self._lists.add(target.id)
        elif kind is ast.Subscript and _makes(value):
            holder = target.value
            if holder.__class__ is ast.Attribute:
                self.found.add(COLLECTS)
            elif holder.__class__ is ast.Name:
                self._lists.add(holder.id)

    def power(self, node: ast.BinOp) -> None:
        """Take note of `alpha ** phi`."""
        if isinstance(node.left, ast.Name) and node.left.id.lower() in _FACTORS:
            self.found.add(SCALING)

    def _appended(self, node: ast.Call, name: str) -> None:
        given = node.args[0] if len(node.args) == 1 else None
        if given is None or not (_makes(given) or given.__class__ is ast.Name):
            return
        receiver = name[: -len(".append")]
        if receiver.startswith("self."):
            self.found.add(COLLECTS)
        elif "." not in receiver:
            self._lists.add(receiver)


def _last(callee: Any) -> str:
    kind = callee.__class__
    if kind is ast.Attribute:
        return str(callee.attr)
    return str(callee.id) if kind is ast.Name else ""


def _makes(value: Any) -> bool:
    """Whether an expression is a call of what is named like a class."""
    return value.__class__ is ast.Call and _last(value.func).lstrip("_")[:1].isupper()


def _holds(value: Any) -> bool:
    """Whether an expression is a collection that is made with calls of classes in it."""
    kind = value.__class__
    if kind is ast.List or kind is ast.Tuple or kind is ast.Set:
        return any(_makes(each) for each in value.elts)
    if kind is ast.Dict:
        return any(_makes(each) for each in value.values)
    if kind is ast.ListComp or kind is ast.SetComp or kind is ast.GeneratorExp:
        return _makes(value.elt)
    if kind is ast.DictComp:
        return _makes(value.value)
    if kind is ast.BinOp:
        return _holds(value.left) or _holds(value.right)
    if kind is ast.Call and value.args and value.func.__class__ is ast.Name:
        return value.func.id in _COLLECTING and _holds(value.args[0])
    return False


def _number(node: Any) -> float | None:
    value = node.value if node.__class__ is ast.Constant else None
    return float(value) if value.__class__ in (int, float) else None


def _given(node: ast.Call, *names: str) -> Any:
    return next((each.value for each in node.keywords if each.arg in names), None)


def _starred(node: ast.Call) -> bool:
    return any(each.arg is None for each in node.keywords) or any(
        each.__class__ is ast.Starred for each in node.args
    )


def _functional_dropout(node: ast.Call, name: str) -> str:
    owned = name.startswith("self.") or "(" in name or len(node.args) > 2 or not node.args
    told = _given(node, "training", "mode", "train", "deterministic") is not None
    return "" if owned or told or _starred(node) else DROPOUT


def _attention(node: ast.Call, _: str) -> str:
    given = _given(node, "dropout_p")
    return "" if given is None or given.__class__ is ast.IfExp or _number(given) == 0 else DROPOUT


def _softmax(node: ast.Call, name: str) -> str:
    given = _given(node, "dim", "axis")
    nested = _repeated(node, name)
    if nested or _starred(node):
        return nested
    layer = name[name.rfind(".") + 1][:1].isupper()
    position = 0 if layer else 1
    if given is None and len(node.args) > position:
        given = node.args[position]
    if given is None:
        return SOFTMAX
    return SOFTMAX if _number(given) == 0 or _hides(node) else ""


def _hides(node: ast.Call) -> bool:
    """Whether the softmax of what a layer gave is taken: `softmax(self.fc1(x), dim=1)`."""
    given = node.args[0] if node.args else None
    return given.__class__ is ast.Call and given.func.__class__ is ast.Attribute


def _momentum(node: ast.Call, _: str) -> str:
    given = node.args[1] if len(node.args) > 1 else None
    wide = (_number(given) or 0) > 0.01
    return MOMENTUM if wide or _given(node, "momentum") is not None or len(node.args) > 2 else ""


def _repeated(node: ast.Call, name: str) -> str:
    given = node.args[0] if len(node.args) == 1 or (name.endswith("softmax") and node.args) else None
    same = given.__class__ is ast.Call and _last(given.func) == name[name.rfind(".") + 1 :]
    return REPEATED if same else ""


def _constant(node: ast.Call, name: str) -> str:
    given: Any = node.args[0] if node.args and not name.endswith((".zero_", ".fill_")) else node.func
    while given.__class__ is ast.Attribute and given.attr != "weight":
        given = given.value
    holder = given.value if given.__class__ is ast.Attribute else None
    return CONSTANT if holder.__class__ is ast.Name and holder.id != "self" else ""


def _sequence(node: ast.Call, _: str) -> str:
    parts = node.args
    if len(parts) == 1 and isinstance(parts[0], ast.List):
        parts = parts[0].elts
    if not parts:
        return SEQUENCE
    made = [each for each in parts if each.__class__ is ast.Call]
    initialised = any(_given(each, "kernel_initializer", "init") for each in made)
    return SEQUENCE if initialised or _telling([_token(each) for each in made]) else ""


def _token(node: ast.Call) -> tuple[str, str]:
    """The last name of what makes a layer, and its activation where that is a text."""
    given = _given(node, "activation")
    text = given.value if isinstance(given, ast.Constant) else ""
    name, bias = _last(node.func), _given(node, "bias", "use_bias", "bias_attr")
    if name in _WEIGHTED and isinstance(bias, ast.Constant) and bias.value is False:
        name = f"{name} without bias"
    return name, text if isinstance(text, str) else ""


def _telling(tokens: Sequence[tuple[str, str]]) -> bool:
    """Whether a chain of layers has something that one of the rules about chains begins at."""
    sigmoids = 0
    for position, (name, activation) in enumerate(tokens):
        following = tokens[position + 1][0] if position + 1 < len(tokens) else ""
        weighted = any(each.partition(" ")[0] in _WEIGHTED for each, _ in tokens[position + 1 :])
        acts = name if name in _ACTIVATIONS else activation
        sigmoids += acts.lower() == "sigmoid"
        if acts and following in _ACTIVATIONS:
            return True
        if name in _WEIGHTED and following in _NORMS:
            return True
        if (weighted and acts.lower() == "softmax") or name.endswith("Softmax") or sigmoids > 1:
            return True
    return False


_Check = Callable[[ast.Call, str], str]
_CALLS: dict[str, _Check] = {
    **dict.fromkeys(_ACTIVATIONS - {"Activation"}, _repeated),
    **dict.fromkeys(("dropout", "dropout1d", "dropout2d", "dropout3d"), _functional_dropout),
    "scaled_dot_product_attention": _attention,
    **dict.fromkeys(("softmax", "log_softmax", "softmin", "Softmax", "LogSoftmax", "Softmin"), _softmax),
    **dict.fromkeys(sorted(_NORMS), _momentum),
    **dict.fromkeys(("zeros_", "constant_", "zero_", "fill_"), _constant),
    "Sequential": _sequence,
}
