"""Where the rulebook is found and kept: the compiled form, its staleness, folders that cannot be written."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from trainlint.rulebook import loading as rulebook
from trainlint.rulebook.loading import Compiled, compile_rulebook, load_rulebook, rules_directory


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "kept" / "rules_compiled.json"
    file.parent.mkdir()
    monkeypatch.setattr(rulebook, "COMPILED_FILE", file)
    return file


@pytest.fixture
def pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "rules"
    shutil.copytree(rules_directory() / "learning-rate", folder / "learning-rate")
    monkeypatch.setattr(rulebook, "rules_directory", lambda: folder)
    return folder


def data(book: rulebook.Rulebook) -> bytes:
    return msgspec.json.encode(list(book.rules.values()))


def test_the_compiled_form_says_the_same(kept: Path, pages: Path) -> None:
    fresh = load_rulebook()
    assert kept.is_file()
    assert data(load_rulebook()) == data(fresh)
    assert len(fresh.rules) >= 3


def test_a_changed_new_or_deleted_page_is_read_again(kept: Path, pages: Path) -> None:
    load_rulebook()
    page = pages / "learning-rate" / "fixed-learning-rate.md"
    page.write_text(page.read_text().replace("summary: a long run", "summary: one long run"))
    assert load_rulebook().rules["fixed-learning-rate"].summary.startswith("one long run")
    page.unlink()
    assert "fixed-learning-rate" not in load_rulebook().rules


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b'{"rules": [{"name": 1}]}'])
def test_a_damaged_compiled_form_is_made_again(kept: Path, pages: Path, content: bytes) -> None:
    kept.write_bytes(content)
    assert "fixed-learning-rate" in load_rulebook().rules
    assert msgspec.json.decode(kept.read_bytes(), type=Compiled).rules


def test_a_folder_that_cannot_be_written_is_no_error(
    tmp_path: Path, pages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rulebook, "COMPILED_FILE", tmp_path / "missing" / "rules_compiled.json")
    assert "fixed-learning-rate" in load_rulebook().rules


def test_broken_pages_are_reported_each_time(kept: Path, pages: Path) -> None:
    (pages / "learning-rate" / "broken.md").write_text("---\nrule: broken\n---\n")
    assert load_rulebook().errors == load_rulebook().errors != []


def test_a_wheels_form_is_trusted_without_its_pages(
    kept: Path, pages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert compile_rulebook(pages, kept) == []
    monkeypatch.setattr(rulebook, "rules_directory", lambda: pytest.fail("the pages were looked for"))
    assert "fixed-learning-rate" in load_rulebook().rules


def test_some_folder_named_rules_is_not_taken_for_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "trainlint"
    (tmp_path / "rules" / "udev").mkdir(parents=True)
    (tmp_path / "rules" / "udev" / "usb.md").write_text("# Notes\n")
    monkeypatch.setattr(rulebook, "PACKAGE", package)
    with pytest.raises(FileNotFoundError, match="not installed"):
        rules_directory()
    shutil.copytree(Path(__file__).parents[2] / "rules", package / "rules")
    assert rules_directory() == package / "rules"


def test_a_run_with_a_current_form_imports_no_parser() -> None:
    load_rulebook()
    code = (
        "import sys; from trainlint.rulebook.loading import load_rulebook;"
        "from trainlint.checks import judge;"
        "load_rulebook(); parsers = {'yaml', 'jsonschema', 'libcst', 'click'};"
        "print(sorted(parsers & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_names_options_and_suggestions() -> None:
    book = load_rulebook()
    assert book.get("large-batch-without-warmup") is not None
    assert book.get("nothing") is None
    assert book.did_you_mean("fixed-learning-rat") == "; did you mean 'fixed-learning-rate'?"
    assert book.check_options({"large-batch-without-warmup": {"large_batch": 2048}}) == []
    assert book.check_options({"large-batch-without-warmup": {"large_batch": 0, "larg_batch": 1}}) == [
        "`large_batch` is 0, which does not fit {type: integer, minimum: 1}",
        "`larg_batch` is no option of large-batch-without-warmup; did you mean 'large_batch'?",
    ]
    assert "did you mean 'fixed-learning-rate'" in book.check_options({"fixed-learnin-rate": {"a": 1}})[0]
