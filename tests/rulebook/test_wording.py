"""Messages: values as people write them, places filled, optional parts dropped."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainlint.recipe.model import State, Value
from trainlint.rulebook.wording import (
    TemplateError,
    format_scalar,
    format_value,
    parse_template,
    render,
    template_paths,
)


@pytest.mark.parametrize(
    ("scalar", "unit", "text"),
    [
        (4096, "samples", "4,096"),
        (4096.0, "samples", "4,096"),
        (1.6, "rate", "1.6"),
        (0.1 + 0.2, "rate", "0.3"),
        (1e-5, "rate", "1e-5"),
        (3e10, "rate", "30,000,000,000"),
        (90, "epochs", "90 epochs"),
        (1, "epochs", "1 epoch"),
        (0.5, "epochs", "0.5 epochs"),
        (100000, "steps", "100,000 steps"),
        (4, "devices", "4 devices"),
        (0.05, "fraction", "5 % of the run"),
        (0.03125, "ratio", "0.031"),
        (312.5, "ratio", "312"),
        (True, "", "true"),
        (False, "", "false"),
        (None, "", "none"),
        (float("inf"), "rate", "inf"),
        (10**400, "samples", "more than 10^15"),
        ("a\x1b[31m\nb", "", "a [31m b"),
        ("x" * 200, "", "x" * 79 + "…"),
    ],
)
def test_scalars(scalar: object, unit: str, text: str) -> None:
    assert format_scalar(scalar, unit) == text  # type: ignore[arg-type]


def test_values_by_state() -> None:
    assert format_value(Value(0, State.OFF), "length") == "off"
    assert format_value(Value(5, State.EXPLICIT, "epochs"), "length") == "5 epochs"
    assert format_value(Value(0.1, State.UNKNOWN), "rate") == "unknown"
    assert format_value(Value(None, State.UNKNOWN, choices=(128, 1024)), "samples") == "128 or 1,024"


def test_places_and_optional_parts() -> None:
    text = "batch {batch}[[ ({made})]] at {{full}} rate"
    facts = {"batch": Value(1024, State.DERIVED), "made": Value("2 × 512", State.DERIVED)}
    assert render(text, facts, lambda _: "samples") == "batch 1,024 (2 × 512) at {full} rate"
    assert render(text, {"batch": facts["batch"]}, lambda _: "samples") == "batch 1,024 at {full} rate"
    assert template_paths(text) == ({"batch"}, {"made"})


@pytest.mark.parametrize("text", ["a {", "a }", "{1}", "a ]] b", "[[ a", "[[ [[ a ]] ]]", "{a b}"])
def test_broken_templates_are_refused(text: str) -> None:
    with pytest.raises(TemplateError):
        parse_template(text)


@given(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
    st.sampled_from(["", "rate", "ratio", "epochs", "samples", "fraction"]),
)
def test_every_scalar_is_one_printable_line(scalar: object, unit: str) -> None:
    text = format_scalar(scalar, unit)  # type: ignore[arg-type]
    assert text.isprintable()
    assert len(text) <= 120
