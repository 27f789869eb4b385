"""What formulas are made of: nodes that run over an environment of numbers, and the functions they may call."""

from __future__ import annotations

import bisect
import dataclasses
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

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

    if not all(node.fixed for node in nodes):
        return Node(run)
    try:
        return constant(run({}))
    except UnresolvedError as error:
        return unresolved(str(error))


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
    return sum(values)


OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": operator.add, "-": operator.sub, "*": _times, "/": operator.truediv, "//": operator.floordiv,
    "%": operator.mod, "**": _power, "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le,
    ">": operator.gt, ">=": operator.ge, "is": operator.eq, "is-not": operator.ne,
    "in": lambda item, group: item in group, "not-in": lambda item, group: item not in group,
}  # fmt: skip

FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "builtins.min": min, "builtins.max": max, "builtins.abs": abs, "builtins.round": round, "builtins.int": int,
    "builtins.float": float, "builtins.bool": bool, "builtins.pow": _power, "builtins.sum": _total,
    "math.cos": math.cos, "math.sin": math.sin, "math.exp": math.exp, "math.log": math.log, "math.sqrt": math.sqrt,
    "math.pow": _power, "math.floor": math.floor, "math.ceil": math.ceil, "math.tanh": math.tanh, "math.fabs": abs,
    "numpy.cos": math.cos, "numpy.sin": math.sin, "numpy.exp": math.exp, "numpy.log": math.log,
    "numpy.sqrt": math.sqrt, "numpy.power": _power, "numpy.floor": math.floor, "numpy.ceil": math.ceil,
    "numpy.tanh": math.tanh, "numpy.abs": abs, "numpy.minimum": min, "numpy.maximum": max, "numpy.clip": _clip,
    "numpy.min": min, "numpy.max": max, "bisect.bisect": bisect.bisect_right,
    "bisect.bisect_right": bisect.bisect_right, "bisect.bisect_left": bisect.bisect_left,
}  # fmt: skip

CONSTANTS: Mapping[str, float] = {
    "math.pi": math.pi, "math.e": math.e, "math.inf": math.inf, "numpy.pi": math.pi, "numpy.e": math.e,
    "numpy.inf": math.inf,
}  # fmt: skip
