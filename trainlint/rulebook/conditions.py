"""The `when` dialect: JSON Schema fragments over recipe values, compiled to closures.

A fragment fits a value that is there, known (explicit, inherited or derived, unless the fragment names a
`state`) and valid. Keywords that compare numbers imply a finite number, `pattern` implies a string: what
has another type never fits. `to_json_schema` says the same to a JSON Schema validator; a test holds both to
one answer.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from trainlint.recipe.model import Scalar, State, Value
from trainlint.rulebook.rule import Fragment, Rule, When

Test = Callable[[Scalar], bool]
Predicate = Callable[[Mapping[str, Value]], bool]

KNOWN_STATES = (State.EXPLICIT.value, State.INHERITED.value, State.DERIVED.value)
"""The states a fragment accepts where it names none."""

NUMERIC_KEYWORDS = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"})
KEYWORDS = NUMERIC_KEYWORDS | {"const", "enum", "type", "pattern", "not", "anyOf", "state", "unit"}
LONGEST_MATCHED = 1000
"""Texts longer than this never fit a pattern: a bound on what a regular expression can cost."""

_OPTION = re.compile(r"\$([a-z][a-z0-9_]*)")


def option_names(fragment: object) -> set[str]:
    """The options a fragment refers to as `$name`, at any depth."""
    if isinstance(fragment, str):
        match = _OPTION.fullmatch(fragment)
        return {match[1]} if match else set()
    if isinstance(fragment, Mapping):
        return set().union(*map(option_names, fragment.values()))
    if isinstance(fragment, list):
        return set().union(*map(option_names, fragment))
    return set()


def fill_options(fragment: Any, options: Mapping[str, Any]) -> Any:
    """The fragment with every `$name` replaced by the option's value."""
    if isinstance(fragment, str):
        match = _OPTION.fullmatch(fragment)
        return options[match[1]] if match else fragment
    if isinstance(fragment, Mapping):
        return {key: fill_options(part, options) for key, part in fragment.items()}
    if isinstance(fragment, list):
        return [fill_options(part, options) for part in fragment]
    return fragment


def compile_when(when: When, options: Mapping[str, Any]) -> Predicate:
    """A predicate over facts that holds where every path of `when` is there, known and fits."""
    tests = [(path, _compile_leaf(fill_options(fragment, options))) for path, fragment in when.items()]

    def holds(facts: Mapping[str, Value]) -> bool:
        return all(path in facts and test(facts[path]) for path, test in tests)

    return holds


def _compile_leaf(fragment: Fragment) -> Callable[[Value], bool]:
    states = frozenset(accepted_states(fragment))
    units = _as_list(fragment["unit"]) if "unit" in fragment else None
    test = compile_fragment(fragment)

    def fits(value: Value) -> bool:
        if value.state.value not in states or (units is not None and value.unit not in units):
            return False
        return test(value.value)

    return fits


def accepted_states(fragment: Mapping[str, Any]) -> tuple[str, ...]:
    """The states the fragment names, or the known ones."""
    return tuple(_as_list(fragment["state"])) if "state" in fragment else KNOWN_STATES


def compile_fragment(fragment: Mapping[str, Any]) -> Test:
    """A test of a bare value against the fragment's value keywords; no `$name` is left in the fragment."""
    tests = [_KEYWORD_TESTS[key](limit) for key, limit in fragment.items() if key in _KEYWORD_TESTS]
    for name in _implied_types(fragment):
        tests.insert(0, _type_test(name))
    if len(tests) == 1:
        return tests[0]
    return lambda value: all(test(value) for test in tests)


def _implied_types(fragment: Mapping[str, Any]) -> list[str]:
    """Types a fragment needs without saying so.

    `not` needs what its inner fragment needs: only a number fits `not: {minimum: 3}`.
    """
    inner = fragment.get("not", {})
    implied = set(_implied_types(inner)) if inner else set()
    if NUMERIC_KEYWORDS & fragment.keys():
        implied.add("number")
    if "pattern" in fragment:
        implied.add("string")
    return sorted(implied)


def _is_number(value: Scalar) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool)


def _is_integer(value: Scalar) -> bool:
    if isinstance(value, float):
        return value.is_integer()
    return isinstance(value, int) and not isinstance(value, bool)


_TYPES: dict[str, Test] = {
    "number": _is_number,
    "integer": _is_integer,
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
}


def _type_test(names: str | list[str]) -> Test:
    tests = [_TYPES[name] for name in _as_list(names)]
    return lambda value: any(test(value) for test in tests)


def same_value(left: Scalar, right: Scalar) -> bool:
    """Equality as JSON Schema means it: 1 equals 1.0, True equals only True."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return left == right


def _pattern_test(pattern: str) -> Test:
    search = re.compile(pattern).search
    return lambda value: isinstance(value, str) and len(value) <= LONGEST_MATCHED and bool(search(value))


def _any_of(fragments: Iterable[Mapping[str, Any]]) -> Test:
    tests = [compile_fragment(part) for part in fragments]
    return lambda value: any(test(value) for test in tests)


def _negation(fragment: Mapping[str, Any]) -> Test:
    test = compile_fragment(fragment)
    return lambda value: not test(value)


_KEYWORD_TESTS: dict[str, Callable[[Any], Test]] = {
    "const": lambda wanted: lambda value: same_value(value, wanted),
    "enum": lambda wanted: lambda value: any(same_value(value, one) for one in wanted),
    "type": _type_test,
    "minimum": lambda limit: lambda value: value >= limit,
    "maximum": lambda limit: lambda value: value <= limit,
    "exclusiveMinimum": lambda limit: lambda value: value > limit,
    "exclusiveMaximum": lambda limit: lambda value: value < limit,
    "multipleOf": lambda step: lambda value: value % step == 0,
    "pattern": _pattern_test,
    "not": _negation,
    "anyOf": _any_of,
}


def serialise_facts(facts: Mapping[str, Value]) -> dict[str, dict[str, Scalar]]:
    """Facts as the JSON document that `to_json_schema` speaks about: {path: {value, state, unit}}.

    JSON has no infinities and no NaN: they become their names, so that no numeric keyword fits them.
    """
    return {
        path: {"value": _json_scalar(value.value), "state": value.state.value, "unit": value.unit}
        for path, value in facts.items()
    }


def _json_scalar(value: Scalar) -> Scalar:
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def to_json_schema(rule: Rule, options: Mapping[str, Any]) -> dict[str, Any]:
    """A JSON Schema that a serialised facts document satisfies exactly where the rule gives a finding."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": rule.name,
        "allOf": [when_schema(rule.when, options)],
        "anyOf": [when_schema(case.when, options) for case in rule.cases],
    }


def when_schema(when: When, options: Mapping[str, Any]) -> dict[str, Any]:
    """One `when` as JSON Schema over a serialised facts document."""
    leaves = {path: _leaf_schema(fill_options(fragment, options)) for path, fragment in when.items()}
    return {"type": "object", "required": sorted(leaves), "properties": leaves}


def _leaf_schema(fragment: Fragment) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "value": _value_schema(fragment),
        "state": {"enum": list(accepted_states(fragment))},
    }
    if "unit" in fragment:
        properties["unit"] = {"enum": _as_list(fragment["unit"])}
    return {"type": "object", "required": sorted(properties), "properties": properties}


def _value_schema(fragment: Mapping[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = {key: part for key, part in fragment.items() if key not in ("state", "unit")}
    if "not" in schema:
        schema["not"] = _value_schema(schema["not"])
    if "anyOf" in schema:
        schema["anyOf"] = [_value_schema(part) for part in schema["anyOf"]]
    if "pattern" in schema:
        schema["maxLength"] = LONGEST_MATCHED
    schema["allOf"] = [{"type": name} for name in _implied_types(fragment)]
    return {key: part for key, part in schema.items() if key != "allOf" or part}


def _as_list(part: Any) -> list[Any]:
    return list(part) if isinstance(part, list | tuple) else [part]
