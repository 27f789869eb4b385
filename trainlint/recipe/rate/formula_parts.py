"""What formulas are made of: nodes that run over an environment of numbers, and what they may compute."""

from __future__ import annotations

import bisect
import dataclasses
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from trainlint.analysis.evaluation.values import Frame

CLOCK = "the training loop's index"
BATCH = "the batch's index"
BATCHES = "the number of batches"
RATE = "the rate"
BASE = "the first rate"

MAX_DEPTH = 60
MAX_WORK = 1_000_000
"""Most operations that the formulas of one program may run."""

Env = dict[str, Any]
Run = Callable[[Env], Any]


class UnresolvedError(Exception):
    """An expression has no value that is known; the text names what stands in the way."""


@dataclasses.dataclass(frozen=True, slots=True)
class Node:
    """A compiled expression. `run` gives its value in an environment or raises UnresolvedError.

    `fixed`: it has the same value in every environment.
    """

    run: Run
    fixed: bool = False


def constant(value: object) -> Node:
    """A node that is always this value."""
    return Node(lambda _: value, fixed=True)


def variable(name: str) -> Node:
    """A node that reads the environment."""

    def run(env: Env) -> object:
        if name not in env:
            raise UnresolvedError(f"{name} is not known here")
        return env[name]

    return Node(run)


def unresolved(reason: str) -> Node:
    """A node without a value."""

    def run(_: Env) -> object:
        raise UnresolvedError(reason)

    return Node(run)


def settle(node: Node) -> object:
    """The value of a fixed node; UnresolvedError for others."""
    if not node.fixed:
        raise UnresolvedError("it changes while training")
    return node.run({})


def combine(function: Callable[..., Any], nodes: list[Node], work: Work) -> Node:
    """A node that applies a function to the values of others; computed at once where they are fixed."""

    def run(env: Env) -> object:
        work.spend()
        values = [node.run(env) for node in nodes]
        try:
            return function(*values)
        except (TypeError, ValueError, ArithmeticError, IndexError, KeyError) as error:
            raise UnresolvedError(f"a computation fails: {error}") from error

    return decided(run, nodes)


def decided(run: Run, nodes: Sequence[Node]) -> Node:
    """A node of a function over others; computed at once where they are fixed."""
    if not all(node.fixed for node in nodes):
        return Node(run)
    try:
        return constant(run({}))
    except UnresolvedError as error:
        return unresolved(str(error))


@dataclasses.dataclass(slots=True, eq=False)
class Scope:
    """A unit while one of its expressions is compiled.

    `call` is the call that runs the unit, with the scope it stands in. `bound` gives parameters and, by term
    index, loop variables their nodes.
    """

    frame: Frame
    call: tuple[Scope, int] | None = None
    bound: Mapping[str | int, Node] = dataclasses.field(default_factory=dict)
    depth: int = 0

    def binding(self, more: Mapping[str | int, Node]) -> Scope:
        """This scope with more names bound."""
        return Scope(self.frame, self.call, {**self.bound, **more}, self.depth + 1)


@dataclasses.dataclass(slots=True)
class Work:
    """Counts operations, so that no formula runs for ever."""

    done: int = 0

    def spend(self) -> None:
        """Count one operation; UnresolvedError beyond the bound."""
        self.done += 1
        if self.done > MAX_WORK:
            raise UnresolvedError("too much to compute")


def _power(base: Any, exponent: Any) -> Any:
    if abs(exponent) > 1e6 or isinstance(base, str):
        raise ValueError("a huge power")
    result = float(base) ** exponent
    if isinstance(result, complex):
        raise ValueError("a root of a negative number")
    return result


def _times(left: Any, right: Any) -> Any:
    if not isinstance(left, (int, float)) or not isinstance(right, (int, float)):
        raise TypeError("a product of other things than numbers")
    return left * right


def _clip(value: Any, low: Any, high: Any) -> Any:
    return max(low, min(high, value))


def _total(values: Any) -> Any:
    return sum(values) if isinstance(values, (tuple, list)) else values


def _ordered(compare: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """A comparison that runs over the elements of an array, as NumPy's does."""

    def compared(left: Any, right: Any) -> Any:
        if isinstance(left, tuple) and not isinstance(right, tuple):
            return tuple(compare(each, right) for each in left)
        if isinstance(right, tuple) and not isinstance(left, tuple):
            return tuple(compare(left, each) for each in right)
        return compare(left, right)

    return compared


OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": operator.add, "-": operator.sub, "*": _times, "/": operator.truediv, "//": operator.floordiv,
    "%": operator.mod, "**": _power, "==": operator.eq, "!=": operator.ne, "<": _ordered(operator.lt),
    "<=": _ordered(operator.le), ">": _ordered(operator.gt), ">=": _ordered(operator.ge), "is": operator.eq,
    "is-not": operator.ne,
    "in": lambda item, group: item in group, "not-in": lambda item, group: item not in group,
}  # fmt: skip

FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "builtins.min": min, "builtins.max": max, "builtins.abs": abs, "builtins.round": round,
    "builtins.int": int, "builtins.float": float, "builtins.bool": bool, "builtins.pow": _power,
    "builtins.sum": _total, "math.cos": math.cos, "math.sin": math.sin, "math.exp": math.exp,
    "math.log": math.log, "math.sqrt": math.sqrt, "math.pow": _power, "math.floor": math.floor,
    "math.ceil": math.ceil, "math.tanh": math.tanh, "math.fabs": abs, "numpy.cos": math.cos,
    "numpy.sin": math.sin, "numpy.exp": math.exp, "numpy.log": math.log, "numpy.sqrt": math.sqrt,
    "numpy.power": _power, "numpy.floor": math.floor, "numpy.ceil": math.ceil, "numpy.tanh": math.tanh,
    "numpy.abs": abs, "numpy.minimum": min, "numpy.maximum": max, "numpy.clip": _clip,
    "numpy.sum": _total, "numpy.min": min,
    "numpy.max": max, "bisect.bisect": bisect.bisect_right, "bisect.bisect_right": bisect.bisect_right,
    "bisect.bisect_left": bisect.bisect_left, "numpy.float32": float, "numpy.square": lambda x: x * x,
    "jax.lax.rsqrt": lambda x: x**-0.5,
}  # fmt: skip

CASTS = frozenset({"numpy.array", "numpy.asarray", "builtins.list", "builtins.tuple"})
"""Functions that give back what they are given, as another type."""


def numeric_name(name: str) -> str:
    """The name of NumPy's function that one of JAX's does the same as."""
    library, _, function = name.rpartition(".")
    return f"numpy.{function}" if library == "jax.numpy" else name


CONSTANTS: Mapping[str, float] = {
    "math.pi": math.pi, "math.e": math.e, "math.inf": math.inf, "numpy.pi": math.pi, "numpy.e": math.e,
    "numpy.inf": math.inf,
}  # fmt: skip
