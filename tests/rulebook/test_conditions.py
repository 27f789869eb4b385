"""The `when` dialect: what fits, and that closures and JSON Schema give one answer."""

from __future__ import annotations

import math
from typing import Any

import jsonschema
import pytest
import referencing
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from trainlint.recipe.model import State, Value
from trainlint.rulebook.conditions import (
    accepted_states,
    compile_when,
    fill_options,
    serialise_facts,
    to_json_schema,
    when_schema,
)
from trainlint.rulebook.loading import load_rulebook
from trainlint.rulebook.patterns import refuse_pattern
from trainlint.rulebook.rule import When

DATA_RULES = [rule for rule in load_rulebook().rules.values() if not rule.check]


def fits(
    fragment: dict[str, Any], value: object, state: State = State.EXPLICIT, unit: str = "", **options: Any
) -> bool:
    return compile_when({"x": fragment}, options)({"x": Value(value, state, unit)})  # type: ignore[arg-type]


def validator(schema: dict[str, Any]) -> jsonschema.Draft202012Validator:
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema, registry=referencing.Registry())


@pytest.mark.parametrize(
    ("fragment", "value", "expected"),
    [
        ({}, "anything", True),
        ({}, None, True),
        ({"const": 1}, 1.0, True),
        ({"const": 1}, True, False),
        ({"const": False}, 0, False),
        ({"const": None}, None, True),
        ({"enum": ["a", 2, None]}, 2.0, True),
        ({"enum": ["a", 2]}, True, False),
        ({"minimum": 3}, 3, True),
        ({"minimum": 3}, 2.99, False),
        ({"minimum": 3}, "4", False),
        ({"minimum": 0}, True, False),
        ({"minimum": 0}, math.inf, False),
        ({"maximum": 0}, -math.inf, False),
        ({"minimum": 0}, math.nan, False),
        ({"minimum": 0}, 10**400, True),
        ({"exclusiveMinimum": 3}, 3, False),
        ({"exclusiveMaximum": 3}, 2.5, True),
        ({"multipleOf": 8}, 64, True),
        ({"multipleOf": 8}, 65, False),
        ({"multipleOf": 8}, 64.0, True),
        ({"type": "integer"}, 4.0, True),
        ({"type": "integer"}, 4.5, False),
        ({"type": "number"}, True, False),
        ({"type": "number"}, math.inf, False),
        ({"type": ["string", "null"]}, None, True),
        ({"pattern": "^res"}, "resnet50", True),
        ({"pattern": "net$"}, "resnet50", False),
        ({"pattern": "."}, "x" * 1001, False),
        ({"pattern": "1"}, 1, False),
        ({"not": {"const": "sgd"}}, "adam", True),
        ({"not": {"minimum": 3}}, 2, True),
        ({"not": {"minimum": 3}}, "auto", False),
        ({"not": {"pattern": "^res"}}, "vgg", True),
        ({"not": {"pattern": "^res"}}, 3, False),
        ({"anyOf": [{"maximum": 1}, {"minimum": 9}]}, 9, True),
        ({"anyOf": [{"maximum": 1}, {"minimum": 9}]}, 5, False),
        ({"anyOf": [{"const": "auto"}, {"minimum": 9}]}, "auto", True),
    ],
)
def test_fragments(fragment: dict[str, Any], value: object, expected: bool) -> None:
    assert fits(fragment, value) is expected


@pytest.mark.parametrize("state", State)
def test_only_known_states_fit_unless_one_is_named(state: State) -> None:
    known = state in (State.EXPLICIT, State.INHERITED, State.DERIVED)
    assert fits({}, 1, state) is known
    assert fits({"minimum": 1}, 1, state) is known
    assert fits({"state": state.value}, 1, state)
    assert not fits({"state": "off" if state is not State.OFF else "explicit"}, 1, state)
    assert fits({"state": ["off", state.value]}, None, state)


def test_units_absence_and_options() -> None:
    assert fits({"unit": "epochs", "minimum": 3}, 5, unit="epochs")
    assert not fits({"unit": ["epochs", "fraction"], "minimum": 3}, 5, unit="steps")
    assert not compile_when({"x": {}}, {})({})
    assert fits({"minimum": "$limit"}, 8, limit=8)
    assert not fits({"anyOf": [{"minimum": "$limit"}, {"const": "$word"}]}, 7, limit=8, word="x")


@pytest.mark.parametrize(
    ("pattern", "refused"),
    [
        ("^resnet(18|34)$", False),
        ("(?i:mobile|shuffle)net", False),
        (r"[\w.-]+/[\w.-]+", False),
        (r"a{2,5}", False),
        (r"\(a+\)b", False),
        (r"[(a+)+]", False),
        ("(a+)+$", True),
        ("(a|aa)*", True),
        ("((ab)*c)*", True),
        ("(a{1,9}){1,9}", True),
        ("(?=a)b", True),
        (r"(a)\1", True),
        ("a*a*a*a*a*b", True),
        ("[", True),
        ("x" * 201, True),
    ],
)
def test_patterns_that_could_hang_are_refused(pattern: str, refused: bool) -> None:
    assert bool(refuse_pattern(pattern)) is refused


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 5000),
    st.floats(allow_nan=True, allow_infinity=True),
    st.sampled_from(["sgd", "adam", "scratch", "flat", "own", "train", "map", "file", "branch", "3", ""]),
    st.sampled_from([0.0, 0.02, 0.05, 0.1, 0.25, 1.0, 4.0, 8.0, 30, 512, 1e-3, True, False]),
)
values = st.builds(
    Value,
    value=scalars,
    state=st.sampled_from([State.EXPLICIT, State.DERIVED, *State]),
    unit=st.sampled_from(["", "epochs", "steps"]),
)


def limits(draw: st.DrawFn) -> dict[str, Any]:
    """One random fragment, without `state` and `unit`."""
    number = st.sampled_from([-1, 0, 1, 2.5, 512])
    part = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "const": scalars.filter(lambda value: not isinstance(value, float) or math.isfinite(value)),
                "enum": st.lists(st.sampled_from(["sgd", 1, True, None, 0.5]), min_size=1, max_size=3),
                "type": st.sampled_from(
                    ["string", "number", "integer", "boolean", "null", ["string", "null"]]
                ),
                "minimum": number,
                "maximum": number,
                "exclusiveMinimum": number,
                "exclusiveMaximum": number,
                "multipleOf": st.sampled_from([1, 2, 7]),
                "pattern": st.sampled_from(["^s", "a", "[0-9]"]),
            },
        )
    )
    return dict(draw(st.permutations(list(part.items())))[:2])


@st.composite
def fragments(draw: st.DrawFn) -> dict[str, Any]:
    fragment = limits(draw)
    if draw(st.booleans()):
        fragment["not"] = limits(draw)
    if draw(st.integers(0, 3)) == 0:
        fragment["anyOf"] = [limits(draw), {"not": limits(draw)}]
    if draw(st.integers(0, 3)) == 0:
        fragment["state"] = draw(st.sampled_from(["off", ["explicit", "off"], "framework-default"]))
    if draw(st.integers(0, 3)) == 0:
        fragment["unit"] = draw(st.sampled_from(["epochs", ["epochs", "steps"]]))
    return fragment


@settings(max_examples=300, deadline=None)
@given(
    when=st.dictionaries(st.sampled_from(["a", "b.c"]), fragments(), max_size=2),
    facts=st.dictionaries(st.sampled_from(["a", "b.c", "other"]), values),
)
def test_closures_and_json_schema_agree_on_random_conditions(when: When, facts: dict[str, Value]) -> None:
    expected = validator(when_schema(when, {})).is_valid(serialise_facts(facts))
    assert compile_when(when, {})(facts) is expected


@pytest.mark.parametrize("rule", DATA_RULES, ids=lambda rule: rule.name)
def test_closures_and_json_schema_agree_on_every_page(rule: Any) -> None:
    options = rule.defaults()
    schema = validator(to_json_schema(rule, options))
    holds = compile_when(rule.when, options)
    cases = [compile_when(case.when, options) for case in rule.cases]
    parts = [rule.when, *(case.when for case in rule.cases)]
    paths = sorted({path for when in parts for path in when})

    @settings(max_examples=150, deadline=None)
    @given(
        facts=st.fixed_dictionaries({path: near(parts, path, options) for path in paths}),
        drop=st.sets(st.sampled_from(paths), max_size=1),
    )
    def agree(facts: dict[str, Value], drop: set[str]) -> None:
        # JSON has no number for what is not finite; its name, written instead, would pass for a text.
        assume(all(not isinstance(one.value, float) or math.isfinite(one.value) for one in facts.values()))
        facts = {path: value for path, value in facts.items() if path not in drop}
        fires = holds(facts) and any(case(facts) for case in cases)
        assert schema.is_valid(serialise_facts(facts)) is fires

    agree()


def near(parts: list[When], path: str, options: dict[str, Any]) -> st.SearchStrategy[Value]:
    """Values about the limits a page names, mostly in the states it asks for: so that pages do fire."""
    named: list[Any] = []
    states = [State.EXPLICIT, State.DERIVED]
    for when in parts:
        fragment = when.get(path, {})
        named += numbers_in(fragment, options)
        states += [
            State(one) for one in ([fragment["state"]] if isinstance(fragment.get("state"), str) else [])
        ]
    close = [one * factor for one in named if type(one) in (int, float) for factor in (0.5, 1, 2)]
    return st.builds(
        Value,
        value=st.one_of(st.sampled_from([*named, *close, None]), scalars),
        state=st.one_of(st.sampled_from(states), st.sampled_from(list(State))),
    )


def numbers_in(fragment: Any, options: dict[str, Any]) -> list[Any]:
    if isinstance(fragment, dict):
        return [one for key, part in fragment.items() if key != "state" for one in numbers_in(part, options)]
    if isinstance(fragment, list):
        return [one for part in fragment for one in numbers_in(part, options)]
    return [options.get(fragment[1:], fragment) if isinstance(fragment, str) else fragment]


@pytest.mark.parametrize("rule", DATA_RULES, ids=lambda rule: rule.name)
def test_every_case_of_every_page_can_fire_and_needs_each_of_its_paths(rule: Any) -> None:
    options = rule.defaults()
    schema = validator(to_json_schema(rule, options))
    for case in rule.cases:
        facts = {
            path: witness(fill_options(part, options)) for path, part in {**rule.when, **case.when}.items()
        }
        assert compile_when(rule.when, options)(facts)
        assert compile_when(case.when, options)(facts)
        assert schema.is_valid(serialise_facts(facts))
        for path in rule.when:
            fewer = {other: value for other, value in facts.items() if other != path}
            assert not compile_when(rule.when, options)(fewer)
            assert not schema.is_valid(serialise_facts(fewer))


def witness(fragment: dict[str, Any]) -> Value:
    """A value that fits a fragment, found among those it names and their neighbours."""
    states = accepted_states(fragment)
    named = numbers_in(
        {key: part for key, part in fragment.items() if key not in ("state", "unit", "type")}, {}
    )
    near_ones = [one + step for one in named if type(one) in (int, float) for step in (-1e-3, 1e-3, -1, 1)]
    for scalar in (*named, *near_ones, None, True, "text", 1):
        value = Value(scalar, State(states[0]), str(fragment.get("unit", "")))
        if compile_when({"x": fragment}, {})({"x": value}):
            return value
    raise AssertionError(f"nothing fits {fragment}")
