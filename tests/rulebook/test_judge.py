"""From facts to findings: cases, spans, related places, lists, hits."""

from __future__ import annotations

from pathlib import Path

import pytest

from trainlint.checks.judge import judge_hit, judge_recipe
from trainlint.checks.registry import resolve_check
from trainlint.findings import Confidence, Related, Severity, Span
from trainlint.recipe.model import Hit, Link, Recipe, State, Value
from trainlint.rulebook.functions import UnknownFunctionError
from trainlint.rulebook.loading import load_rulebook
from trainlint.rulebook.rule import Case, FactSpec, Rule


def span(line: int, path: str = "train.py") -> Span:
    return Span(path, line, 1, line, 9)


def known(value: object, line: int | None = None, unit: str = "", chain: tuple[Link, ...] = ()) -> Value:
    return Value(value, State.DERIVED, unit, span(line) if line else None, chain)  # type: ignore[arg-type]


def recipe(facts: dict[str, Value], **groups: list[dict[str, Value]]) -> Recipe:
    return Recipe("train.py", "program", span(1), facts, dict(groups))


LARGE_BATCH = {
    "batch.effective": known(4096, 4, "samples", (Link(span(3, "run.sh"), "4 devices: torchrun"),)),
    "batch.composition": known("1,024 × 4 devices", 4),
    "warmup.length": Value(None, State.OFF, span=span(7)),
    "meta.purpose": known("scratch"),
    "batch.lr_from_batch": known(False, 5),
    "rate.peak": known(1.6, 5),
    "rate.per_256": known(0.1, 5),
    "optimizer.family": known("sgd", 5),
    "schedule.shape": known("decaying", 8),
}


def rule(name: str) -> Rule:
    found = load_rulebook().get(name)
    assert found is not None
    return found


def test_a_finding_says_what_where_and_why() -> None:
    [finding] = judge_recipe(rule("large-batch-without-warmup"), recipe(LARGE_BATCH), {})
    assert finding.message == "batch 4,096 (1,024 × 4 devices) starts at its full rate 1.6: no warmup"
    assert (finding.family, finding.severity, finding.confidence) == (
        "learning-rate",
        Severity.WARNING,
        Confidence.HIGH,
    )
    assert (finding.span, finding.program) == (span(4), "train.py")
    assert finding.related == (
        Related(span(3, "run.sh"), "4 devices: torchrun"),
        Related(span(7), "no warmup"),
        Related(span(5), "peak rate 1.6"),
    )
    assert finding.evidence == "batch.effective=4,096"


def test_the_first_case_that_fits_decides_and_none_is_silence() -> None:
    page = rule("large-batch-without-warmup")
    slow = {**LARGE_BATCH, "rate.per_256": known(0.025, 5)}
    assert [one.severity for one in judge_recipe(page, recipe(slow), {})] == [Severity.ADVICE]
    flat = {**slow, "schedule.shape": known("flat", 8)}
    assert [one.severity for one in judge_recipe(page, recipe(flat), {})] == [Severity.WARNING]
    assert judge_recipe(page, recipe({**LARGE_BATCH, "rate.per_256": known(0.01, 5)}), {}) == []
    assert judge_recipe(page, recipe({**LARGE_BATCH, "optimizer.family": known("layerwise", 5)}), {}) == []


def test_options_move_the_threshold() -> None:
    page = rule("large-batch-without-warmup")
    assert judge_recipe(page, recipe(LARGE_BATCH), {"large_batch": 8192}) == []
    assert len(judge_recipe(page, recipe(LARGE_BATCH), {"large_batch": 4096})) == 1


@pytest.mark.parametrize("path", sorted(rule("large-batch-without-warmup").when))
def test_what_is_not_known_never_fires(path: str) -> None:
    page = rule("large-batch-without-warmup")
    # The batch on one device, where nothing says how many there are, is a lower bound: the page takes it.
    named = page.when[path].get("state", ())
    for state in (State.UNKNOWN, State.DYNAMIC, State.SPACE, State.DEFAULT):
        if state.value in named:
            continue
        changed = {**LARGE_BATCH, path: Value(LARGE_BATCH[path].value, state, span=span(4))}
        assert judge_recipe(page, recipe(changed), {}) == []


def test_without_a_span_the_finding_stands_at_the_program() -> None:
    facts = {**LARGE_BATCH, "batch.effective": known(4096)}
    [finding] = judge_recipe(rule("large-batch-without-warmup"), recipe(facts), {})
    assert finding.span == span(1)


def per_loader() -> Rule:
    return Rule(
        name="x",
        family="data",
        summary="x",
        judges="recipe",
        when={
            "loader.role": {"const": "train"},
            "loader.shuffle": {"const": False},
            "meta.trains": {"const": True},
        },
        over="loaders",
        at=("loader.shuffle",),
        cases=[Case(Severity.WARNING, Confidence.MEDIUM)],
        message="{loader.role} loader",
        hint="shuffle",
        sources=[],
    )


def test_a_list_gives_a_finding_per_element_and_no_element_borrows_from_another() -> None:
    first = {"loader.role": known("train", 3), "loader.shuffle": known(False, 3)}
    second = {"loader.role": known("train", 9), "loader.shuffle": known(False, 9)}
    silent = {"loader.role": known("train", 12)}
    facts = {"meta.trains": known(True, 20), **first}
    findings = judge_recipe(per_loader(), recipe(facts, loaders=[first, second, silent]), {})
    assert [one.span.line for one in findings] == [3, 9]
    assert findings[1].related == (), "that a program trains is no place to look at"


def test_hits_are_judged_by_their_facts() -> None:
    page = Rule(
        name="unguarded-sqrt",
        family="numerics",
        summary="x",
        judges="unit",
        check="numerics.unguarded_sqrt",
        facts={"operand": FactSpec("string", "what"), "count": FactSpec("integer", "how many", "steps")},
        cases=[
            Case(
                Severity.ERROR,
                Confidence.HIGH,
                when={"operand": {"const": "sumsq"}},
                message="sqrt after {count}",
            ),
            Case(Severity.ADVICE, Confidence.MEDIUM, when={"operand": {"enum": ["range"]}}),
        ],
        message="sqrt of {operand}[[ ({count})]]",
        hint="add eps",
        sources=[],
    )
    related = (Link(span(2), "y"), Link(span(2), "again"), Link(span(5), "the site itself"))
    hit = Hit(span(5), {"operand": known("sumsq"), "count": known(1)}, related, "C.f", "train.py", "sqrt(x)")
    finding = judge_hit(page, hit, {})
    assert finding is not None
    assert (finding.message, finding.hint, finding.severity) == (
        "sqrt after 1 step",
        "add eps",
        Severity.ERROR,
    )
    assert finding.related == (Related(span(2), "y"),)
    assert (finding.symbol, finding.program, finding.evidence) == ("C.f", "train.py", "sqrt(x)")
    other = judge_hit(page, Hit(span(5), {"operand": known("range")}), {})
    assert other is not None
    assert (other.message, other.confidence) == ("sqrt of range", Confidence.MEDIUM)
    assert judge_hit(page, Hit(span(5), {"operand": known("std")}), {}) is None


@pytest.mark.parametrize("name", ["nowhere.f", "judge._texts", "registry.nothing", "judge.Facts"])
def test_a_check_that_is_not_there_is_named(name: str) -> None:
    with pytest.raises(UnknownFunctionError, match=r"trainlint/checks/\w+\.py"):
        resolve_check(name)


def test_a_users_page_judges_like_ours(tmp_path: Path) -> None:
    (tmp_path / "loud.md").write_text(
        "---\nrule: loud\nsummary: loud\njudges: recipe\nwhen: {optimizer.lr: {minimum: 1e-1}}\n"
        "cases: [{severity: error, confidence: high}]\nat: optimizer.lr\n"
        'message: "rate {optimizer.lr}"\nhint: "lower"\n---\n\n'
        + "\n\n".join(f"## {title}\nText." for title in rule("missing-seed").sections)
    )
    book = load_rulebook([tmp_path])
    assert book.errors == []
    [finding] = judge_recipe(book.rules["loud"], recipe({"optimizer.lr": known(0.1, 3)}), {})
    assert (finding.message, finding.family) == ("rate 0.1", "custom")


@pytest.mark.parametrize(
    ("framework", "hint"),
    [
        ("tensorflow", "lower it: CosineDecay(0.1)"),
        ("lightning", "lower it: scheduler = CosineAnnealingLR(…)"),
        ("jax", "lower it"),
        ("", "lower it"),
    ],
)
def test_a_hint_is_written_in_the_programs_own_framework(framework: str, hint: str) -> None:
    page = Rule(
        name="flat",
        family="custom",
        summary="flat",
        judges="recipe",
        cases=[Case(Severity.WARNING, Confidence.HIGH)],
        message="flat",
        hint="lower it",
        sources=[],
        snippets={"torch": "scheduler = CosineAnnealingLR(…)", "tensorflow": "CosineDecay({optimizer.lr})"},
        when={"optimizer.lr": {"minimum": 0}},
        at=("optimizer.lr",),
    )
    facts = {"optimizer.lr": known(0.1, 3)}
    if framework:
        facts["meta.framework"] = known(framework, 1)
    [finding] = judge_recipe(page, recipe(facts), {})
    assert finding.hint == hint
