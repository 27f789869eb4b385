"""The functions behind pages with a `check`: found by name, imported when first needed."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, cast

import trainlint.checks
from trainlint.recipe.model import Hit
from trainlint.rulebook.functions import function_named

Check = Callable[..., Iterable[Hit]]

_MACHINERY = frozenset({"hits", "judge", "registry"})


@cache
def resolve_check(name: str) -> Check:
    """The function `module.function` below trainlint.checks. Raises UnknownFunctionError for none."""
    return cast("Check", function_named(trainlint.checks.__name__, name))


def written_checks() -> list[str]:
    """Every check there is, sorted: the public functions of trainlint/checks that give Hits."""
    found = []
    for info in pkgutil.iter_modules(trainlint.checks.__path__):
        if info.name not in _MACHINERY:
            module = importlib.import_module(f"{trainlint.checks.__name__}.{info.name}")
            found += [
                f"{info.name}.{name}" for name, thing in vars(module).items() if _is_check(thing, module)
            ]
    return sorted(found)


def _is_check(thing: Any, module: Any) -> bool:
    if not inspect.isfunction(thing) or thing.__module__ != module.__name__ or thing.__name__.startswith("_"):
        return False
    result = thing.__annotations__.get("return", "")
    return "Hit" in (result if isinstance(result, str) else repr(result))
