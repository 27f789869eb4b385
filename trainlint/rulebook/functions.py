"""The functions that pages name: "module.function" below a package, imported when first needed."""

from __future__ import annotations

import importlib
import inspect
from types import FunctionType


class UnknownFunctionError(LookupError):
    """A page names a function that is not there."""


def function_named(package: str, name: str) -> FunctionType:
    """The public function `module.function` below a package. Raises UnknownFunctionError for none."""
    module_name, _, function_name = name.partition(".")
    file = f"{package.replace('.', '/')}/{module_name}.py"
    try:
        module = importlib.import_module(f"{package}.{module_name}")
    except ModuleNotFoundError as error:
        raise UnknownFunctionError(f"there is no module {file}") from error
    function = getattr(module, function_name, None)
    if function_name.startswith("_") or not inspect.isfunction(function):
        raise UnknownFunctionError(f"{file} has no function {function_name}")
    return function
