"""The functions behind pages with a `check`: found by name, imported when first needed."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import trainlint.checks
from trainlint.recipe.model import Hit

Check = Callable[..., Iterable[Hit]]

_MACHINERY = frozenset({"judge", "registry"})


class UnknownCheckError(LookupError):
    """A page names a check that is not there."""


@cache
def resolve_check(name: str) -> Check:
    """The function `module.function` below trainlint.checks. Raises UnknownCheckError where there is none."""
    module_name, _, function_name = name.partition(".")
    try:
        module = importlib.import_module(f"{trainlint.checks.__name__}.{module_name}")
    except ModuleNotFoundError as error:
        raise UnknownCheckError(f"there is no module trainlint/checks/{module_name}.py") from error
    function = getattr(module, function_name, None)
    if function_name.startswith("_") or not inspect.isfunction(function):
        raise UnknownCheckError(f"trainlint/checks/{module_name}.py has no function {function_name}")
    check: Check = function
    return check


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
