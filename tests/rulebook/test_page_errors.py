"""A broken page: one clear reason with its line, never a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from trainlint.rulebook.loading import load_rulebook

SECTIONS = """
## What it does
Reports it.

## Why it is bad
It is.

## Example
```yaml bad
lr: 0.1  # error: [my-rule]
```

## Use instead
```yaml good
lr: 0.01
```

## When it stays silent
- Unknown.

## Fix safety
No automatic fix.

## References
- None.
"""

FRONT = """rule: my-rule
summary: a rule of my own
judges: recipe
options: {limit: {type: integer, minimum: 1, default: 8}}
when:
  batch.effective: {minimum: $limit}
cases:
  - {severity: warning, confidence: high}
at: batch.effective
message: "batch {batch.effective}"
hint: "use less"
"""


def page(front: str = FRONT, body: str = SECTIONS) -> str:
    return f"---\n{front}---\n{body}"


def errors_of(folder: Path, text: str | bytes, name: str = "my-rule.md") -> list[tuple[int, str]]:
    file = folder / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    book = load_rulebook([folder])
    errors = [(error.line, error.message) for error in book.errors if error.path == str(file)]
    assert ("my-rule" in book.rules) == (not errors)
    return errors


def test_a_page_of_ones_own_loads(tmp_path: Path) -> None:
    assert errors_of(tmp_path, page()) == []
    rule = load_rulebook([tmp_path]).rules["my-rule"]
    assert (rule.family, rule.builtin, rule.defaults()) == ("custom", False, {"limit": 8})


def test_the_folder_is_the_family(tmp_path: Path) -> None:
    (tmp_path / "house").mkdir()
    (tmp_path / "house" / "my-rule.md").write_text(page())
    assert load_rulebook([tmp_path]).rules["my-rule"].family == "house"


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("summary:", "sumary:", 3, "unknown key `sumary`; did you mean 'summary'?"),
        ("judges: recipe", "judges: recipes", 4, "`judges` is recipes, not one of unit, call, recipe"),
        ("  batch.effective: {m", "  batch.efective: {m", 7, "did you mean 'batch.effective'?"),
        (
            "{minimum: $limit}",
            "{minimum: $limt}",
            7,
            "`limt` is no option of this page; did you mean 'limit'?",
        ),
        ("{minimum: $limit}", "{minimun: 3}", 7, "unknown key `minimun`"),
        ("{minimum: $limit}", "{state: offf}", 7, "fits none of its forms"),
        ("{minimum: $limit}", "{minimum: 3, pattern: x}", 7, "`pattern` never fits a number"),
        ("batch.effective: {minimum: $limit}", "meta.purpose: {const: scrach}", 7, "did you mean 'scratch'?"),
        (
            "batch.effective: {minimum: $limit}",
            "optimizer.name: {minimum: 1}",
            7,
            "`minimum` never fits a string",
        ),
        (
            "batch.effective: {minimum: $limit}",
            "model.name: {pattern: '(a+)+$'}",
            7,
            "repeats or branches inside",
        ),
        ("batch.effective: {minimum: $limit}", "model.name: {pattern: '('}", 7, "not a regular expression"),
        ("severity: warning", "severity: fatal", 9, "`cases.0.severity` is fatal, not one of error, warning"),
        ("at: batch.effective", "at: batch.efective", 10, "did you mean 'batch.effective'?"),
        ('"batch {batch.effective}"', '"batch {batch.efective}"', 11, "did you mean 'batch.effective'?"),
        ('"batch {batch.effective}"', '"rate {optimizer.lr}"', 11, "`{optimizer.lr}` may be unknown here"),
        ('"batch {batch.effective}"', '"batch {"', 11, "belongs to no place or part"),
        ("default: 8", "default: 0", 5, "`limit` is 0, which does not fit"),
        ("rule: my-rule", "rule: other-rule", 2, "the page of `other-rule` is not named my-rule.md"),
        ("rule: my-rule", "rule: MyRule", 2, "`rule`"),
        ("hint:", "check: numerics.unguarded_sqrt\nhint:", 12, "data only: a page cannot name a check"),
        ("at: batch.effective\n", "", 2, "`at` is missing"),
        ("hint: ", "for: optimisers[*]\nhint: ", 12, "did you mean 'optimizers'?"),
        ("hint: ", "judges: recipe\nhint: ", 12, "`judges` is given twice"),
        ("hint: ", "hint: *x #", 12, "aliases are not allowed"),
        ("hint: ", "hint: [", 12, "expected"),
        ("hint: ", "callees: [torch.optim.SGD]\nhint: ", 12, "only a page that judges calls has callees"),
    ],
)
def test_front_matter_errors_name_line_and_reason(
    tmp_path: Path, old: str, new: str, line: int, message: str
) -> None:
    assert old in FRONT
    errors = errors_of(tmp_path, page(FRONT.replace(old, new)))
    assert any(message in text and at == line for at, text in errors), errors


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        (
            "## Why it is bad",
            "## Why is it bad",
            18,
            "expected `## Why it is bad`; did you mean 'Why it is bad'?",
        ),
        ("It is.\n", "\n", 18, "`## Why it is bad` is empty"),
        ("## References\n- None.\n", "", 14, "`## References` is missing"),
        ("## References", "## Notes\nNo.\n\n## References", 37, "expected `## References`"),
        ("yaml bad", "yaml baad", 22, "`baad` is no word of a fence; did you mean 'bad'?"),
        ("yaml bad", "yaml bad good", 22, "a block is either bad or good"),
        ("yaml bad", "yaml bad file=../x.yaml", 22, "leaves the example's folder"),
        ("yaml bad", "json bad error=x", 22, "error=LINE:RULE"),
        ("lr: 0.01\n```\n", "lr: 0.01\n", 27, "the fence is never closed"),
        ("\n## What it does", "Hello\n## What it does", 14, "text before the first section"),
    ],
)
def test_body_errors_name_line_and_reason(
    tmp_path: Path, old: str, new: str, line: int, message: str
) -> None:
    assert old in SECTIONS
    errors = errors_of(tmp_path, page(body=SECTIONS.replace(old, new)))
    assert [at for at, _ in errors] == [line]
    assert message in errors[0][1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "starts with `---`"),
        ("# A heading\n", "starts with `---`"),
        ("---\nrule: my-rule\n", "never closed"),
        ("---\n- a\n- b\n---\n", "not a mapping"),
        ("---\n\n---\n", "not a mapping"),
        ("---\nrule: !!python/object:os.system x\n---\n", "required"),
        (b"---\nrule: \xff\xfe\n---\n", "not UTF-8"),
        ("---\nrule: \x00\n---\n", "not allowed"),
        ("---\nrule: " + "[" * 5000 + "\n---\n", "too deep or too large"),
        ("---\n" + "".join(f"k{i}: 1\n" for i in range(6000)) + "---\n", "too deep or too large"),
        ("---\n" + "x" * 300_000 + "\n---\n", "longer than"),
        ("---\na: &x [1]\nb: [*x, *x]\n---\n", "aliases are not allowed"),
        ("---\n? [a]\n: b\n---\n", "keys are plain text"),
    ],
)
def test_hostile_pages_are_refused(tmp_path: Path, text: str | bytes, message: str) -> None:
    errors = errors_of(tmp_path, text)
    assert any(message in reason for _, reason in errors), errors


def test_a_broken_page_leaves_the_others(tmp_path: Path) -> None:
    (tmp_path / "my-rule.md").write_text(page())
    (tmp_path / "broken.md").write_text("nothing")
    book = load_rulebook([tmp_path])
    assert "my-rule" in book.rules
    assert [error.path for error in book.errors if str(tmp_path) in error.path] == [
        str(tmp_path / "broken.md")
    ]


def test_a_name_that_is_taken_keeps_its_owner(tmp_path: Path) -> None:
    text = page(
        FRONT.replace("my-rule", "fixed-learning-rate"), SECTIONS.replace("my-rule", "fixed-learning-rate")
    )
    (tmp_path / "fixed-learning-rate.md").write_text(text)
    book = load_rulebook([tmp_path])
    assert book.rules["fixed-learning-rate"].builtin
    assert "`fixed-learning-rate` is taken" in book.errors[-1].message


def test_missing_and_empty_folders_are_named(tmp_path: Path) -> None:
    book = load_rulebook([tmp_path / "none", tmp_path])
    missing, empty = book.errors[-2:]
    assert (missing.path, "does not exist" in missing.message) == (str(tmp_path / "none"), True)
    assert (empty.path, "no pages" in empty.message) == (str(tmp_path), True)
    assert "fixed-learning-rate" in book.rules
