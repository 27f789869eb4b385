"""Suppressions in every comment syntax, those that must give a reason, and those `--add-ignore` writes."""

from __future__ import annotations

import codecs
import json
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from trainlint import cli
from trainlint.linter import lint
from trainlint.rewriting.files import RewriteError, encoded, replace
from trainlint.settings.model import Settings
from trainlint.suppressions.adding import Added, Wanted, add_comments
from trainlint.suppressions.comments import with_reasons
from trainlint.suppressions.languages import suppressions_of
from trainlint.suppressions.meaning import meaning
from trainlint.suppressions.rewriting import rewritten
from trainlint.text.source import decode, read_source, source_of

RULE = "missing-seed"
WHY = "the launcher seeds"

PYTHON = 'x = 1\ny = """\ntext # no comment\n"""\nz = f(\n    1,\n)\nw = 1 + \\\n    2\nif x:\n    pass\n'
YAML = "a: 1\nb: |\n  text\n  # text\nc: [1,\n  2]\nd: 'it''s # no'\ne: two\n  words\n"
TOML = 'a = 1\n[b]\nc = """\ntext # no\n"""\nd = [\n  1,\n]\n'
JSONC = '// settings\n{\n  "a": 1,\n  "b": "// no",\n  "c": [\n    1\n  ]\n}\n'
SAMPLES = {"python": PYTHON, "yaml": YAML, "toml": TOML, "json": JSONC}


@pytest.mark.parametrize(
    ("language", "text", "targets"),
    [
        ("python", "x  # trainlint: ignore[a] -- why\n", [1]),
        ("python", "# trainlint: ignore[a] -- why\n# more\nx\n", [3]),
        ("python", "# trainlint: ignore[a] -- why\n// x\n", [2]),
        ("python", "x = '# trainlint: ignore[a]'\n", []),
        ("yaml", "a: 1  # trainlint: ignore[a] -- why\n", [1]),
        ("yaml", "a: '# trainlint: ignore[a]'\nb: |\n  # trainlint: ignore[a]\n", []),
        ("toml", "# trainlint: ignore[a] -- why\na = 1\n", [2]),
        ("toml", 'a = "# trainlint: ignore[a]"\n', []),
        ("json", '{"a": 1} // trainlint: ignore[a] -- why\n', [1]),
        ("json", '{\n// trainlint: ignore[a] -- why\n// more\n"a": 1}\n', [4]),
        ("json", '{\n/* trainlint: ignore[a] -- why */\n"a": 1}\n', [3]),
        ("json", '{\n/* trainlint: ignore[a] -- why\n   of two lines */\n"a": 1}\n', [4]),
        ("json", '{ /* trainlint: ignore[a] -- why */ "a": 1}\n', [1]),
        ("json", '{\n  /* trainlint: ignore[a] -- why */ "a": 1}\n', [2]),
        ("json", '{"a": "// trainlint: ignore[a]", "b": "/* trainlint: ignore[a] */"}\n', []),
        ("json", '{"a": 1} # trainlint: ignore[a] -- why\n', [1]),
        ("shell", "python x.py  # trainlint: ignore[a] -- why\n", [1]),
    ],
)
def test_where_a_comment_counts(language: str, text: str, targets: list[int]) -> None:
    read = suppressions_of(source_of("x", text), language)
    assert [each.target for each in read.suppressions] == targets
    assert all(each.reason.startswith("why") and "*/" not in each.reason for each in read.suppressions)
    assert read.malformed == []


@given(st.sampled_from(["python", "yaml", "toml", "json", "shell"]), st.text(max_size=60))
def test_reading_never_fails(language: str, text: str) -> None:
    suppressions_of(source_of("x", text + "trainlint: ignore[a]"), language)


def test_reasons_can_be_required() -> None:
    text = "a  # trainlint: ignore[r]\nb  # trainlint: ignore[r] -- why\n# trainlint: ignore-file[q]\n"
    read = with_reasons(suppressions_of(source_of("x.py", text), "python"))
    assert [each.line for each in read.suppressions] == [2]
    assert [each.line for each in read.malformed] == [1, 3]
    assert "no reason, and the settings require one" in read.malformed[1].problem


reasons = st.text(
    st.characters(blacklist_categories=["C", "Z"]) | st.just(" "), min_size=1, max_size=20
).filter(lambda text: text.strip())
places = st.sampled_from(sorted(SAMPLES)).flatmap(
    lambda language: st.tuples(
        st.just(language),
        st.lists(st.integers(1, SAMPLES[language].count("\n")), min_size=1, max_size=4, unique=True),
    )
)


@given(places, reasons, st.sampled_from(["\n", "\r\n", "\r"]), st.booleans())
@hypothesis_settings(deadline=None, max_examples=150)
def test_what_is_added_covers_and_changes_nothing_else(
    place: tuple[str, list[int]], reason: str, newline: str, ends: bool
) -> None:
    language, lines = place
    text = SAMPLES[language].replace("\n", newline)
    text = text if ends else text.removesuffix(newline)
    source = source_of("x.jsonc", text)
    wanted = [Wanted(line, line, (RULE,)) for line in lines]
    added = add_comments(source, language, wanted, reason.strip())
    assert sorted(added.done + added.left) == sorted(wanted)
    assert meaning(added.text, language) == meaning(text, language)
    read = suppressions_of(source_of("x", added.text), language)
    assert len(read.suppressions) == len(added.done)
    assert added.text.count("\n") == added.text.count(newline) * newline.count("\n")
    again = [line for line in source_of("x", added.text).lines if "trainlint: ignore[" not in line]
    assert all(line in source.lines for line in again)


@pytest.mark.parametrize(
    ("language", "line", "expected"),
    [
        ("python", 1, f"x = 1  # trainlint: ignore[{RULE}] -- {WHY}"),
        ("python", 3, None),
        ("python", 5, f"z = f(  # trainlint: ignore[{RULE}] -- {WHY}"),
        ("python", 8, f"# trainlint: ignore[{RULE}] -- {WHY}"),
        ("python", 11, f"    pass  # trainlint: ignore[{RULE}] -- {WHY}"),
        ("yaml", 3, None),
        ("yaml", 2, f"b: |  # trainlint: ignore[{RULE}] -- {WHY}"),
        ("toml", 4, None),
        ("json", 3, f'  "a": 1,  // trainlint: ignore[{RULE}] -- {WHY}'),
    ],
)
def test_the_line_it_goes_to(language: str, line: int, expected: str | None) -> None:
    source = source_of("x.jsonc", SAMPLES[language])
    added = add_comments(source, language, [Wanted(line, line, (RULE,))], WHY)
    if expected is None:
        assert (added.text, len(added.left)) == (SAMPLES[language], 1)
    else:
        assert source_of("x", added.text).lines[line - 1] == expected


def test_comments_within_a_span_that_gets_one_too() -> None:
    long = "y" * 200
    text = f"x = f(\n    {long},\n    2,\n)\n"
    wanted = [Wanted(1, 4, ("a",)), Wanted(2, 2, ("b",)), Wanted(4, 4, ("c",))]
    added = add_comments(source_of("x.py", text), "python", wanted, WHY)
    assert added.left == []
    read = suppressions_of(source_of("x.py", added.text), "python")
    assert [(each.rules, each.target) for each in read.suppressions] == [
        (("a",), 1),
        (("b",), 3),
        (("c",), 5),
    ]


def test_a_long_line_gets_it_above_and_a_span_where_there_is_room() -> None:
    long = "    x = " + "1 + " * 28 + "1"
    added = add_comments(source_of("x.py", f"if 1:\n{long}\n"), "python", [Wanted(2, 2, (RULE,))], WHY)
    assert added.text == f"if 1:\n    # trainlint: ignore[{RULE}] -- {WHY}\n{long}\n"
    text = 'x = f("""\na\n""", 1)\n'
    added = add_comments(source_of("x.py", text), "python", [Wanted(2, 3, (RULE,))], WHY)
    assert added.text == f'x = f("""\na\n""", 1)  # trainlint: ignore[{RULE}] -- {WHY}\n'


def test_two_rules_and_two_findings_on_one_line() -> None:
    source = source_of("x.py", "x = 1  # trainlint: ignore[c] -- old\n")
    wanted = [Wanted(1, 1, ("a", "b")), Wanted(1, 2, ("d",))]
    added = add_comments(source, "python", wanted, WHY)
    assert added.left == []
    read = suppressions_of(source_of("x.py", added.text), "python")
    assert sorted(each.rules for each in read.suppressions) == [("a", "b"), ("c",), ("d",)]


ENCODINGS = [
    (b"", "utf-8", ""),
    (codecs.BOM_UTF8, "utf-8", ""),
    (b"", "latin-1", "# -*- coding: latin-1 -*-\n"),
]


@pytest.mark.parametrize(("mark", "encoding", "cookie"), ENCODINGS)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_writing_keeps_encoding_mark_ends_and_mode(
    tmp_path: Path, mark: bytes, encoding: str, cookie: str, newline: str
) -> None:
    file = tmp_path / "x.py"
    text = (cookie + "x = 'é'\ny = 2").replace("\n", newline)
    file.write_bytes(mark + text.encode(encoding))
    file.chmod(0o754)
    source = read_source(file, "x.py", True)
    line = text.count(newline) + 1
    added = add_comments(source, "python", [Wanted(line, line, (RULE,))], "ça")
    replace(file, file.read_bytes(), rewritten(file, source, "python", added))
    assert file.read_bytes() == mark + f"{text}  # trainlint: ignore[{RULE}] -- ça".encode(encoding)
    assert stat.S_IMODE(file.stat().st_mode) == 0o754
    assert [path.name for path in tmp_path.iterdir()] == ["x.py"]
    if encoding == "latin-1":
        source = read_source(file, "x.py", True)
        added = add_comments(source, "python", [Wanted(line - 1, line - 1, (RULE,))], "数据")
        with pytest.raises(RewriteError, match="cannot be written in its encoding"):
            rewritten(file, source, "python", added)


@pytest.mark.parametrize("mark", [codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_LE])
def test_configs_in_other_encodings_come_back_as_they_were(mark: bytes) -> None:
    name = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}.get(mark, "utf-32-le")
    data = mark + "a: é\r\n".encode(name)
    source = decode(data, "x.yaml", False)
    assert encoded(source, source.text) == data


def test_a_file_that_changed_meanwhile_is_left(tmp_path: Path, monkeypatch) -> None:
    file = tmp_path / "x.py"
    file.write_text("x = 1\n")
    source = read_source(file, "x.py", True)
    added = add_comments(source, "python", [Wanted(1, 1, (RULE,))], WHY)
    new = rewritten(file, source, "python", added)
    file.write_text("x = 2\n")
    with pytest.raises(RewriteError, match="changed since"):
        rewritten(file, source, "python", added)
    with pytest.raises(RewriteError, match="changed since"):
        replace(file, b"x = 1\n", new)
    file.unlink()
    with pytest.raises(RewriteError):
        replace(file, b"x = 1\n", new)
    file.write_text("x = 1\n")
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(RewriteError, match="No space left"):
        replace(file, b"x = 1\n", new)
    assert file.read_text() == "x = 1\n"
    assert [path.name for path in tmp_path.iterdir()] == ["x.py"]


@pytest.mark.parametrize(
    "step", ["os.fsync", "pathlib.Path.chmod", "pathlib.Path.replace", "tempfile.mkstemp"]
)
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_whatever_step_fails_the_file_is_old_or_new(
    tmp_path: Path, monkeypatch, step: str, error: BaseException
) -> None:
    file = tmp_path / "x.py"
    file.write_text("x = 1\n")

    def fail(*_args: object, **_more: object) -> None:
        raise error

    monkeypatch.setattr(step, fail)
    with pytest.raises((RewriteError, KeyboardInterrupt)):
        replace(file, b"x = 1\n", b"x = 2\n")
    monkeypatch.undo()
    assert file.read_text() == "x = 1\n"
    assert [path.name for path in tmp_path.iterdir()] == ["x.py"]


def notebook(*cells: object) -> str:
    made = [{"cell_type": "markdown", "metadata": {}, "source": ["# text"]}]
    made += [
        {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": cell}
        for cell in cells
    ]
    return json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, indent=1) + "\n"


@pytest.mark.parametrize(
    "cell", [["%time\n", "x = 1\n", "y = 'é'"], "%time\nx = 1\ny = 'é'", ["%time\nx = 1\n", "y = 'é'"]]
)
@pytest.mark.parametrize("line", [2, 3])
def test_notebooks_change_in_that_line_alone(tmp_path: Path, cell: object, line: int) -> None:
    from trainlint.text.notebook import read_notebook

    file = tmp_path / "x.ipynb"
    file.write_text(notebook(["import torch"], cell))
    before = json.loads(file.read_text())
    source = read_notebook(read_source(file, "x.ipynb", False)).source
    added = add_comments(source, "notebook", [Wanted(line + 1, line + 1, (RULE,))], "ça")
    assert added.left == []
    replace(file, file.read_bytes(), rewritten(file, source, "notebook", added))
    after = json.loads(file.read_text())
    text = "".join(after["cells"][2]["source"])
    assert text.count(f"  # trainlint: ignore[{RULE}] -- ça") == 1
    assert type(after["cells"][2]["source"]) is type(before["cells"][2]["source"])
    after["cells"][2]["source"] = before["cells"][2]["source"]
    assert after == before


def test_a_notebook_with_split_lines_is_refused(tmp_path: Path) -> None:
    from trainlint.text.notebook import read_notebook

    file = tmp_path / "x.ipynb"
    file.write_text(notebook(["x ", "= 1\n", "y = 2"]))
    source = read_notebook(read_source(file, "x.ipynb", False)).source
    added = add_comments(source, "notebook", [Wanted(1, 1, (RULE,))], WHY)
    with pytest.raises(RewriteError, match="comments cannot be added"):
        rewritten(file, source, "notebook", added)
    assert isinstance(added, Added)


LOSS = "import torch\n\n\ndef f(a, b):\n    return torch.sqrt(((a - b) ** 2).sum())\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch) -> Path:
    (tmp_path / "trainlint.toml").write_text("strict = true\n")
    (tmp_path / "losses.py").write_text(LOSS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def findings(*rules: str, path: str = ".") -> list[str]:
    return [finding.rule for finding in lint([Path(path)], Settings(select=rules)).findings]


def test_adding_in_a_real_run(project: Path, capsys) -> None:
    assert cli.main(["--add-ignore", "unguarded-sqrt", "--reason", "never equal", "."]) == 0
    assert "added 1 comment in 1 file" in capsys.readouterr().out
    assert findings("unguarded-sqrt", "unused-suppression") == []
    before = (project / "losses.py").read_bytes()
    assert cli.main(["--add-ignore", "numerics", "--reason", "never equal", "."]) == 0
    assert "reports nothing here" in capsys.readouterr().out
    assert (project / "losses.py").read_bytes() == before


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--add-ignore", "unguarded-sqrt", "."], "needs --reason"),
        (["--add-ignore", "unguarded-sqrt", "--reason", " ", "."], "needs --reason"),
        (["--add-ignore", "unguarded-sqrt", "--reason", "a\nb", "."], "one line"),
        (["--add-ignore", "unguarded-sqrt", "--reason", "a\x1b[0m", "."], "printable"),
        (["--add-ignore", "unguarded-sqrt", "--reason", "x" * 300, "."], "at most 200"),
        (["--add-ignore", "unguarded-sqr", "--reason", "a", "."], "did you mean"),
        (["--add-ignore", "unused-suppression", "--reason", "a", "."], "mend or remove"),
        (["--add-ignore", "unguarded-sqrt", "--reason", "a", "-"], "standard input"),
        (["--reason", "a", "."], "goes with --add-ignore"),
    ],
)
def test_usage_errors_change_nothing(
    project: Path, args: list[str], message: str, capsys, monkeypatch
) -> None:
    import io

    class Input:
        buffer = io.BytesIO(b"")

    monkeypatch.setattr("sys.stdin", Input())
    assert cli.main(args) == 2
    assert message in capsys.readouterr().err
    assert (project / "losses.py").read_text() == LOSS


@pytest.mark.parametrize("name", ["train.json", "train.jsonc"])
def test_json_takes_comments_where_it_has_them(project: Path, name: str, capsys) -> None:
    config = project / name
    config.write_text('{\n  "epochs": 90,\n  "lr": 0.1,\n  "lr": 0.2,\n  "batch_size": 256\n}\n')
    (project / "train.py").write_text(
        "import json\nimport torch\n"
        f"cfg = json.load(open('{name}'))\n"
        "model = torch.nn.Linear(3, 3)\n"
        "optimizer = torch.optim.SGD(model.parameters(), lr=cfg['lr'])\n"
        "for _ in range(cfg['epochs']):\n    model(torch.rand(3)).sum().backward()\n    optimizer.step()\n"
    )
    before = config.read_text()
    if not findings("duplicate-key"):
        pytest.skip("no finding in such a file")
    code = cli.main(["--add-ignore", "duplicate-key", "--reason", "later one wins", "."])
    if name.endswith("c"):
        assert code == 0
        assert "// trainlint: ignore[duplicate-key] -- later one wins" in config.read_text()
        assert findings("duplicate-key") == []
    else:
        assert code == 1
        assert "plain JSON has no comments" in capsys.readouterr().err
        assert config.read_text() == before


def test_a_reason_required_by_the_settings(project: Path) -> None:
    losses = project / "losses.py"
    losses.write_text(LOSS.rstrip("\n") + "  # trainlint: ignore[unguarded-sqrt]\n")
    assert findings("unguarded-sqrt", "unused-suppression") == []
    (project / "trainlint.toml").write_text("strict = true\nrequire-reasons = true\n")
    assert sorted(findings("unguarded-sqrt", "unused-suppression")) == [
        "unguarded-sqrt",
        "unused-suppression",
    ]
    losses.write_text(losses.read_text().rstrip("\n") + " -- never equal\n")
    assert findings("unguarded-sqrt", "unused-suppression") == []


def test_a_read_only_file_is_named_and_left(project: Path, capsys, monkeypatch) -> None:
    monkeypatch.setattr(os, "access", lambda _, mode, **__: mode != os.W_OK)
    assert cli.main(["--add-ignore", "unguarded-sqrt", "--reason", "a", "."]) == 1
    assert "losses.py: not added (line 5): it is read-only" in capsys.readouterr().err
    assert (project / "losses.py").read_text() == LOSS


def test_a_link_is_not_followed(project: Path, tmp_path_factory, capsys) -> None:
    outside = tmp_path_factory.mktemp("outside") / "other.py"
    outside.write_text(LOSS)
    (project / "linked.py").symlink_to(outside)
    assert cli.main(["--add-ignore", "unguarded-sqrt", "--reason", "a", "."]) == 1
    assert "linked.py: not added (line 5): it is a link" in capsys.readouterr().err
    assert outside.read_text() == LOSS
