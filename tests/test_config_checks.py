from __future__ import annotations

import re
from collections import defaultdict

import pytest
import yaml
from config_samples import document, paddleclas, view
from hypothesis import given
from hypothesis import strategies as st

from trainlint.checks.config import duplicate_key, text_number, unparsable_config
from trainlint.checks.judge import judge_hit
from trainlint.checks.registry import resolve_check
from trainlint.findings import Confidence, Severity, Span
from trainlint.recipe.config.file import ConfigFile, KeyUse, Reader
from trainlint.recipe.config.uses import key_uses
from trainlint.recipe.model import Link, Recipe, State, Value
from trainlint.rulebook.loading import load_rulebook
from trainlint.rulebook.rule import Example, Rule

CODE = Span("train.py", 7, 1, 7, 20)
HOME_GROWN = "optimizer: sgd\nlr: 0.1\nbatch_size: 128\nepochs: 90\n"

_UNFILLED = re.compile(r"\{[a-z_]{2,}(\.[a-z_]+)*\}")
"""A path of a page's wording that nothing took the place of."""


def _pages() -> dict[str, Rule]:
    rules = load_rulebook().rules
    listed = rules.values() if isinstance(rules, dict) else rules
    return {rule.name: rule for rule in listed if rule.judges == "config" and rule.builtin}


PAGES = _pages()


def reader(loader: str = "pyyaml") -> Reader:
    return Reader("train.py", CODE, loader)


def findings(config: ConfigFile) -> list[tuple[int, str, Severity, Confidence]]:
    found = []
    for rule in PAGES.values():
        for hit in resolve_check(rule.check)(config):
            finding = judge_hit(rule, hit, {})
            assert finding is not None
            assert not _UNFILLED.search(finding.message)
            found.append((finding.span.line, finding.rule, finding.severity, finding.confidence))
    return sorted(found)


def _projects() -> list[tuple[str, str, list[Example]]]:
    groups: dict[tuple[str, str, str], list[Example]] = defaultdict(list)
    # What code reads is judged with the project: test_rule_examples runs that page.
    for rule in (page for page in PAGES.values() if page.name != "unread-key"):
        for example in rule.examples:
            if example.kind:
                groups[rule.name, example.heading, example.kind].append(example)
    return [(name, heading, examples) for (name, heading, _), examples in groups.items()]


def _as_seen(example: Example, code: str) -> ConfigFile:
    """The example's config with what its code does to it: the loader by name, every plain key read, `float(`
    converting.
    """
    if not code:
        return view(example.text, example.file)
    kinds = {"OmegaConf": "omegaconf", "ruamel": "yaml12", "json.load": "json"}
    loader = next((kind for word, kind in kinds.items() if word in code), "pyyaml")
    plain = view(example.text, example.file)
    converts = "float(" in code
    uses = tuple(
        KeyUse(tuple(keys), CODE, numeric=not converts, converted=converts)
        for keys in ([["lr"]], [["optimizer", "weight_decay"]], [["eps"]], [["train", "lr"]])
        for keys in keys
        if plain.documents
    )
    config = view(example.text, example.file, (reader(loader),), uses)
    config.mentioned = lambda _, word: word in code
    return config


@pytest.mark.parametrize(
    ("name", "heading", "examples"), _projects(), ids=lambda part: part if isinstance(part, str) else ""
)
def test_page_examples(name: str, heading: str, examples: list[Example]) -> None:
    code = "".join(example.text for example in examples if example.language == "python")
    pins = [example.text for example in examples if example.file == "requirements.txt"]
    versions = dict(re.findall(r"^([\w-]+)==(\S+)", "".join(pins), re.MULTILINE))
    for example in examples:
        if example.language == "python" or example.file == "requirements.txt":
            continue
        lines = example.text.split("\n")
        marked = [
            (at, rule)
            for at, line in enumerate(lines, 1)
            for rule in re.findall(r"# error: \[([\w-]+)]", line)
        ]
        seen = _as_seen(example, code)
        seen.versions = versions
        found = findings(seen)
        assert [(line, rule) for line, rule, *_ in found] == sorted([*marked, *example.marked])
        assert example.kind != "bad" or {rule for _, rule, *_ in found} == {name}


@pytest.mark.parametrize("name", ["duplicate-key", "text-number", "unparsable-config"])
def test_pages_have_enough_examples(name: str) -> None:
    kinds = [
        kind for page, _, examples in _projects() if page == name for kind in {each.kind for each in examples}
    ]
    assert kinds.count("bad") >= 8
    assert kinds.count("good") >= 8


def test_different_values_are_an_error_equal_ones_a_warning() -> None:
    text = HOME_GROWN + "lr: 0.2\nseed: 1\nseed: 1\n"
    assert findings(view(text)) == [
        (5, "duplicate-key", Severity.ERROR, Confidence.HIGH),
        (7, "duplicate-key", Severity.WARNING, Confidence.HIGH),
    ]


def test_a_key_written_three_times_is_one_finding_with_two_places() -> None:
    (hit,) = duplicate_key(view(HOME_GROWN + "lr: 0.1\nlr: 0.3\n"))
    assert (hit.at.line, hit.facts["times"].value, hit.facts["differs"].value) == (6, 3, True)
    assert [link.span.line for link in hit.related] == [2, 5]


def test_a_loader_that_refuses_repeated_keys_makes_equal_values_an_error() -> None:
    config = view(HOME_GROWN + "epochs: 90\n", read_by=(reader("omegaconf"),))
    assert findings(config) == [(5, "duplicate-key", Severity.ERROR, Confidence.HIGH)]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("{a: 1, b: [1, 2]}", "{a: 1, b: [1, 2]}", True),
        ("{a: 1, b: [1, 2]}", "{a: 1, b: [1, 3]}", False),
        ("[1, 2]", "[1]", False),
        ("1", "'1'", False),
        ("x", "'x'", False),
        ("!a x", "!b x", False),
        ("''", '""', True),
    ],
)
def test_values_are_compared_as_written(one: str, other: str, same: bool) -> None:
    (hit,) = duplicate_key(view(f"{HOME_GROWN}extra: {one}\nextra: {other}\n"))
    assert hit.facts["differs"].value is not same


def test_files_nobody_trains_with_are_left_alone() -> None:
    lexicon = "hello: a\nhello: b\n1e-4: x\nvalue: 1e-4\n"
    assert findings(view(lexicon)) == []
    assert [line for line, *_ in findings(view(lexicon, read_by=(reader(),)))] == [2]


@given(st.lists(st.sampled_from(["lr", "epochs", "a", "1", "no", "~", "'1'", '"a"', "null"]), max_size=8))
def test_a_repeated_key_is_one_that_pyyaml_drops(keys: list[str]) -> None:
    text = HOME_GROWN + "nested:\n" + "".join(f"  {key}: {n}\n" for n, key in enumerate(keys)) + "  end: 0\n"
    kept = len(yaml.safe_load(text)["nested"])
    dropped = sum(int(hit.facts["times"].value) - 1 for hit in duplicate_key(view(text)))  # type: ignore[arg-type]
    if not {"~", "null"} <= set(keys):
        assert len(keys) + 1 - kept == dropped


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("1e-4", "1.0e-4"),
        ("1E-4", "1.0e-4"),
        ("5e3", "5.0e+3"),
        ("2.5e3", "2.5e+3"),
        ("3.e2", "3.0e+2"),
        ("1e+5", "1.0e+5"),
    ],
)
def test_the_hint_spells_a_number_that_pyyaml_reads(written: str, number: str) -> None:
    (hit,) = text_number(view(HOME_GROWN.replace("0.1", written), read_by=(reader(),)))
    assert hit.facts["number"].value == number
    assert yaml.safe_load(number) == float(written)


@given(
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["{:e}", "{:g}", "{!r}", "{:.0e}", "{:E}"]),
)
def test_text_numbers_are_exactly_what_pyyaml_leaves_text(number: float, form: str) -> None:
    written = form.format(number)
    found = list(text_number(view(HOME_GROWN.replace("0.1", written), read_by=(reader(),))))
    assert bool(found) == isinstance(yaml.safe_load(written), str)
    for hit in found:
        assert yaml.safe_load(str(hit.facts["number"].value)) == float(written)


@pytest.mark.parametrize("loader", ["omegaconf", "yaml12", "literal-eval", "coerced", "unknown"])
def test_other_loaders_read_the_number(loader: str) -> None:
    assert findings(view(HOME_GROWN.replace("0.1", "1e-4"), read_by=(reader(loader),))) == []


def test_confidence_is_high_where_the_number_is_needed() -> None:
    text = HOME_GROWN.replace("0.1", "1e-4")
    use = KeyUse(("lr",), CODE, numeric=True)
    conversion = KeyUse(("lr",), CODE, converted=True)
    assert findings(view(text, read_by=(reader(),), uses=(use,))) == [
        (2, "text-number", Severity.ERROR, Confidence.HIGH)
    ]
    assert findings(view(text, read_by=(reader(),))) == [
        (2, "text-number", Severity.ERROR, Confidence.MEDIUM)
    ]
    assert findings(view(text, read_by=(reader(),), uses=(use, conversion))) == []
    assert findings(view(text)) == []


def test_a_key_of_any_name_counts_once_code_needs_a_number() -> None:
    text = HOME_GROWN + "margin_of_mine: 1e-3\n"
    use = KeyUse(("margin_of_mine",), CODE, numeric=True)
    assert findings(view(text, read_by=(reader(),))) == []
    assert [line for line, *_ in findings(view(text, read_by=(reader(),), uses=(use,)))] == [5]


def test_a_list_of_texts_is_one_finding() -> None:
    text = HOME_GROWN.replace("0.1", "[1e-3, 1e-4, 0.1]")
    assert [hit.at.column for hit in text_number(view(text, read_by=(reader(),)))] == [6]


def test_paddleclas_evaluates_texts_under_mappings_only() -> None:
    text = paddleclas("{name: Cosine, learning_rate: 1e-1}").replace("epsilon: 0.1", "epsilon: 1e-1")
    (hit,) = text_number(view(text))
    assert hit.facts["written"].value == "1e-1"
    assert "epsilon" in hit.evidence


def test_uses_are_read_off_the_recipes_of_programs() -> None:
    text = "lr: 1e-4\nweight_decay: 5e-2\nepochs: 1e1\nname: 1e-1\n"
    parsed = document(text)

    def written(line: int, column: int, end: int) -> Span:
        return Span("train.yaml", line, column, line, end)

    facts = {
        "optimizer.lr": Value("1e-4", State.EXPLICIT, span=written(1, 5, 9), chain=(Link(CODE, "lr"),)),
        "optimizer.weight_decay": Value(0.05, State.EXPLICIT, span=written(2, 15, 19)),
        "model.name": Value("1e-1", State.EXPLICIT, span=written(4, 7, 11)),
        "rate.peak": Value(10.0, State.DERIVED, span=written(3, 9, 12)),
    }
    program = Recipe("train.py", "program", CODE, facts)
    uses = {use.path: (use.numeric, use.converted, use.span) for use in key_uses(parsed, [program])}
    assert uses == {("lr",): (True, False, CODE), ("weight_decay",): (False, True, written(2, 15, 19))}
    config = view(text, read_by=(reader(),), uses=key_uses(parsed, [program]))
    assert [hit.at.line for hit in text_number(config)] == [1, 3]


@pytest.mark.parametrize(
    ("text", "read", "expected"),
    [
        (paddleclas() + "  x: [1\n", False, Confidence.HIGH),
        (HOME_GROWN + " indented: 1\n", False, Confidence.MEDIUM),
        (HOME_GROWN + " indented: 1\n", True, Confidence.HIGH),
        ("a: b: c\n", True, Confidence.HIGH),
        ("a: b: c\n", False, None),
        ("{% if x %}\n" + HOME_GROWN, True, None),
    ],
)
def test_broken_files(text: str, read: bool, expected: Confidence | None) -> None:
    found = findings(view(text, read_by=(reader(),) if read else ()))
    assert [(rule, confidence) for _, rule, _, confidence in found] == (
        [("unparsable-config", expected)] if expected else []
    )


def test_the_place_of_a_broken_file_is_in_the_file() -> None:
    (hit,) = unparsable_config(view("lr: [0.1\n", read_by=(reader(),)))
    assert hit.at.line == 1
    assert hit.at.end_column > hit.at.column
    assert hit.program == "train.py"
    assert [link.span for link in hit.related] == [CODE]


@given(st.text("alr:[]{}-\n '\"1e.#", max_size=80))
def test_no_file_is_too_odd(text: str) -> None:
    for path in ("train.yaml", "train.json"):
        findings(view(text, path, read_by=(reader(),)))
        findings(view(text, path))
