"""Call signatures as fact files write them: the text between the parentheses of a `def`."""

from __future__ import annotations

import ast
import math

import msgspec

from trainlint.knowledge.compiled_form import Constant, Param


def parse_call(text: str) -> tuple[Param, ...]:
    """The parameters of "params, lr=0.001, *, maximize=False". Raises ValueError for anything else."""
    try:
        function, *more = ast.parse(f"def f({text}): ...").body
    except (SyntaxError, ValueError) as error:
        raise ValueError(f"no parameter list: {text!r} ({error})") from None
    if more or not isinstance(function, ast.FunctionDef):
        raise ValueError(f"no parameter list: {text!r}")
    arguments = function.args
    positional = [(each.arg, "positional-only") for each in arguments.posonlyargs]
    positional += [(each.arg, "normal") for each in arguments.args]
    first = len(positional) - len(arguments.defaults)
    defaults: list[ast.expr | None] = [None] * first + list(arguments.defaults)
    params = [_param(name, kind, default) for (name, kind), default in zip(positional, defaults, strict=True)]
    if arguments.vararg:
        params.append(Param(arguments.vararg.arg, "star"))
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        params.append(_param(argument.arg, "keyword-only", default))
    if arguments.kwarg:
        params.append(Param(arguments.kwarg.arg, "double-star"))
    return tuple(params)


def _param(name: str, kind: str, default: ast.expr | None) -> Param:
    if default is None:
        return Param(name, kind)
    return Param(name, kind, True, _constant(default))


def _constant(node: ast.expr) -> Constant | msgspec.UnsetType:
    try:
        value = ast.literal_eval(node)
    except ValueError:
        return msgspec.UNSET
    if isinstance(value, (tuple, list)):
        return list(value) if all(_is_scalar(each) for each in value) else msgspec.UNSET
    return value if _is_scalar(value) else msgspec.UNSET


def _is_scalar(value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or isinstance(value, (bool, int, str))
