"""The frameworks themselves say that the bad examples of the numeric pages break, and their repairs do not.

Skipped where a framework is not installed: `pip install -e '.[proof]'` brings PyTorch, and
`python -m pytest -m proof` runs these alone. A page that a framework refutes is wrong and is corrected.
"""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path

import pytest
from proofs import PAGES, Outcome, Proof, ProvenPage, outcome, read_pages

NUMERIC = read_pages(PAGES / "numerics")
PROOFS = [(page, proof) for page in NUMERIC for proof in page.proofs]
RUN = [(page, proof) for page, proof in PROOFS if proof.run]


def _needs(framework: str) -> None:
    if importlib.util.find_spec(framework) is None:
        pytest.skip(f"{framework} is not installed")


def label(value: object) -> str | None:
    if isinstance(value, ProvenPage):
        return value.name
    return value.example if isinstance(value, Proof) else None


@pytest.mark.proof
@pytest.mark.parametrize(("page", "proof"), RUN, ids=label)
def test_the_bad_example_breaks(page: ProvenPage, proof: Proof, tmp_path: Path) -> None:
    _needs(proof.needs)
    found = outcome(proof, page.bad(proof), tmp_path)
    assert found.breaks(proof.breaks), found


@pytest.mark.proof
@pytest.mark.parametrize(("page", "proof"), RUN, ids=label)
def test_its_repair_stays_finite(page: ProvenPage, proof: Proof, tmp_path: Path) -> None:
    _needs(proof.needs)
    found = outcome(proof, page.repaired(proof), tmp_path)
    assert found.fine, found


@pytest.mark.parametrize("page", NUMERIC, ids=label)
def test_every_bad_example_is_proven_or_says_why_not(page: ProvenPage) -> None:
    assert sorted({proof.example for proof in page.proofs}) == sorted(page.bad_headings())


@pytest.mark.parametrize(("page", "proof"), PROOFS, ids=label)
def test_a_proof_names_examples_that_are_there(page: ProvenPage, proof: Proof) -> None:
    assert page.bad(proof)
    if proof.run:
        assert page.repaired(proof)
        assert all(written in page.bad(proof) for written in proof.repair)
        for text in (proof.run, *proof.point.values(), *proof.files.values()):
            ast.parse(text, mode="eval")


@pytest.mark.parametrize(
    ("one", "fine", "either", "value", "gradient", "run"),
    [
        (Outcome(), True, False, False, False, False),
        (Outcome(finite=False), False, True, True, False, False),
        (Outcome(finite_gradient=False), False, True, False, True, False),
        (Outcome(raised="ValueError"), False, False, False, False, True),
    ],
)
def test_outcomes_are_told_apart(
    one: Outcome, fine: bool, either: bool, value: bool, gradient: bool, run: bool
) -> None:
    assert one.fine is fine
    found = [one.breaks(how) for how in ("", "value", "gradient", "run")]
    assert found == [either, value, gradient, run]


@pytest.mark.parametrize(
    ("entry", "fits"),
    [
        ({"example": "A norm", "run": "norm(x)", "point": {"x": "torch.zeros(3)"}}, True),
        (
            {"example": "A norm", "run": "norm(x)", "repair": {"sqrt(s)": "sqrt(s + 1e-8)"}, "needs": "jax"},
            True,
        ),
        ({"example": "A norm", "unproven": "its data is random"}, True),
        ({"example": "A norm"}, False),
        ({"example": "A norm", "run": "norm(x)", "unproven": "its data is random"}, False),
        ({"run": "norm(x)"}, False),
        ({"example": "A norm", "run": "norm(x)", "breaks": "loss"}, False),
        ({"example": "A norm", "run": "norm(x)", "needs": "mxnet"}, False),
        ({"example": "A norm", "run": "norm(x)", "points": {}}, False),
    ],
)
def test_the_page_schema_knows_proofs(entry: dict[str, object], fits: bool) -> None:
    pages = pytest.importorskip("trainlint.rulebook.pages")
    validator = pages.page_validator()
    page = {
        "rule": "my-rule",
        "summary": "a rule of my own",
        "judges": "recipe",
        "cases": [{"severity": "warning", "confidence": "high"}],
        "message": "something is wrong",
        "hint": "mend it",
        "proof": [entry],
    }
    assert validator.is_valid(page) is fits
