"""The judgement over all runs of a project: does any of them give the plain baseline?"""

from __future__ import annotations

from trainlint.checks.project import ProjectView
from trainlint.checks.regularization import regularization_without_baseline
from trainlint.findings import Span
from trainlint.recipe.model import Hit, Recipe, Scalar, State, Value


def span(path: str, line: int = 1) -> Span:
    return Span(path, line, 1, line, 9)


def recipe(
    entry: str,
    regularised: bool | None = True,
    files: tuple[str, ...] = (),
    at: str | None = None,
    **extra: Scalar,
) -> Recipe:
    """A run that regularises with decay and dropout, or does not; `at` is the file its values stand in."""
    kind = "program" if entry.endswith(".py") else "recipe"
    place = at or entry
    facts: dict[str, Scalar] = {
        "meta.kind": kind,
        "meta.trains": True,
        "meta.purpose": "scratch",
        "meta.toy": False,
        "reg.all_switchable": kind != "program",
    }
    if regularised:
        facts |= {"reg.weight_decay": 0.01, "reg.dropout": 0.5}
    facts |= {name.replace("__", "."): value for name, value in extra.items()}
    values = {
        path: Value(value, State.EXPLICIT, span=span(place, line))
        for line, (path, value) in enumerate(facts.items(), 1)
    }
    if regularised is not None:
        values["reg.any"] = Value(regularised, State.DERIVED, span=span(place))
    return Recipe(entry, kind, span(entry), values, files=(entry, *files))


def hits(*recipes: Recipe) -> list[Hit]:
    return list(regularization_without_baseline(ProjectView(list(recipes))))


def test_one_program_that_always_regularises() -> None:
    (hit,) = hits(recipe("train.py"))
    assert hit.program == "train.py"
    assert hit.facts["regularisers"].value == "weight decay, dropout"
    assert (hit.facts["runs"].value, hit.facts["configs"].value) == (1, 0)
    assert hit.at.path == "train.py"
    assert [link.label for link in hit.related] == ["dropout 0.5"]


def test_a_plain_run_of_any_kind_is_the_baseline() -> None:
    assert not hits(recipe("train.py"), recipe("baseline.py", regularised=False))
    assert not hits(recipe("a.yaml"), recipe("b.yaml"), recipe("plain.yaml", regularised=False))


def test_a_run_that_is_not_known_may_be_the_baseline() -> None:
    assert not hits(recipe("train.py"), recipe("other.py", regularised=None))


def test_a_flag_gives_the_plain_run() -> None:
    assert not hits(recipe("train.py", reg__all_switchable=True))
    assert not hits(recipe("train.py", reg__all_switchable=None))


def test_all_configs_regularise() -> None:
    (hit,) = hits(recipe("big.yaml"), recipe("small.yaml"))
    assert hit.facts["configs"].value == 2
    assert hit.at.path == "big.yaml"
    assert {link.span.path for link in hit.related} == {"big.yaml", "small.yaml"}


def test_a_program_and_the_config_it_reads_are_one_run() -> None:
    program = recipe("train.py", files=("config.yaml",), at="config.yaml", reg__all_switchable=True)
    (hit,) = hits(program, recipe("config.yaml"))
    assert (hit.facts["runs"].value, hit.facts["configs"].value) == (1, 1)


def test_what_the_code_fixes_counts_for_every_config_it_reads() -> None:
    program = recipe("train.py", files=("plain.yaml",))
    (hit,) = hits(program, recipe("plain.yaml", regularised=False))
    assert hit.facts["regularisers"].value == "weight decay, dropout"


def test_a_program_that_is_told_its_config_has_no_run_of_its_own() -> None:
    reason = "an item of a config file whose name is not constant"
    program = recipe("train.py", regularised=None)
    program.facts["reg.weight_decay"] = Value(state=State.UNKNOWN, reason=reason)
    (hit,) = hits(program, recipe("configs/a.yaml"), recipe("configs/b.yaml"))
    assert hit.facts["runs"].value == 2
    assert not hits(program)


def test_other_kinds_of_runs_neither_fire_nor_save() -> None:
    assert not hits(recipe("finetune.py", meta__purpose="finetune"))
    assert not hits(recipe("toy.py", meta__toy=True))
    assert not hits(recipe("evaluate.py", meta__trains=False))
    assert hits(recipe("train.py"), recipe("finetune.py", regularised=False, meta__purpose="finetune"))
    assert not hits()


def test_the_order_of_recipes_does_not_matter() -> None:
    runs = [recipe("b.yaml"), recipe("a.yaml"), recipe("c.yaml", reg__label_smoothing=0.1)]
    assert hits(*runs) == hits(*reversed(runs))
    assert hits(*runs)[0].at.path == "c.yaml"
