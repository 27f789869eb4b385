"""Option values of rules: whether they fit what the page declares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trainlint.rulebook.conditions import compile_fragment
from trainlint.rulebook.rule import Rule
from trainlint.suggest import did_you_mean


def check_option(rule: Rule, name: str, value: object) -> list[str]:
    """What is wrong with a value for an option of the rule; nothing where it fits."""
    if name not in rule.options:
        return [f"`{name}` is no option of {rule.name}{did_you_mean(name, rule.options)}"]
    schema = rule.options[name]
    kind = schema["type"]
    if kind == "array":
        inner = compile_fragment(schema.get("items", {}))
        fits = isinstance(value, list) and all(inner(one) for one in value)
    else:
        fits = isinstance(value, str | bool | int | float) and compile_fragment(schema)(value)
    if fits:
        return []
    limits = {key: limit for key, limit in schema.items() if key not in ("default", "description")}
    wanted = ", ".join(f"{key}: {limit}" for key, limit in limits.items())
    return [f"`{name}` is {value!r}, which does not fit {{{wanted}}}"]


def resolve_options(rule: Rule, given: Mapping[str, Any]) -> dict[str, Any]:
    """Every option of the rule: as given, or its default."""
    return {name: given.get(name, schema["default"]) for name, schema in rule.options.items()}
