from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from trainlint.text.shell import read_makefile, read_shell
from trainlint.text.source import source_of


def words(text: str) -> list[list[str | None]]:
    return [[word.text for word in command] for command in read_shell(source_of("run.sh", text))]


def test_variables_are_filled_in_where_they_are_known() -> None:
    script = (
        'LR=0.1\nARGS="--wd 1e-4 -v"\npython train.py --lr $LR --out "x $LR" $ARGS --name ${NAME:-base} $1\n'
    )
    assert words(script) == [
        [*"python train.py --lr 0.1 --out".split(), "x 0.1", *"--wd 1e-4 -v --name base".split(), None]
    ]


def test_what_a_branch_or_a_loop_sets_is_not_known() -> None:
    assert words('LR=0.1\nif [ -n "$X" ]; then LR=0.2; fi\npython t.py $LR')[-1] == ["python", "t.py", None]
    assert words("for s in 1 2; do python t.py $s; done") == [["python", "t.py", None]]
    assert words("LR=$(cat rate)\npython t.py $LR")[-1] == ["python", "t.py", None]


def test_continued_lines_keep_their_places() -> None:
    (command,) = read_shell(
        source_of("run.sh", "CUDA_VISIBLE_DEVICES=0 \\\r\n  python 'ä b' \\\r\n\t--lr 1 >log 2>&1\r\n")
    )
    assert [(word.text, word.span.line, word.span.column, word.span.end_column) for word in command] == [
        ("python", 2, 3, 9),
        ("ä b", 2, 10, 15),
        ("--lr", 3, 2, 6),
        ("1", 3, 7, 8),
    ]


def test_here_documents_and_comments_hold_no_commands() -> None:
    assert words("# python a.py\ncat <<EOF\npython b.py\nEOF\npython c.py # python d.py\n") == [
        ["cat"],
        ["python", "c.py"],
    ]


def test_a_makefile_gives_the_commands_of_its_rules() -> None:
    variables = "LR = 0.2\nDATA := $(shell pwd)\n"
    text = variables + "train: data\n\t@python train.py --lr $(LR) \\\n\t  --data $(DATA) --user $$USER\n"
    (command,) = read_makefile(source_of("Makefile", text))
    assert [word.text for word in command] == [
        "python",
        "train.py",
        "--lr",
        "0.2",
        "--data",
        None,
        "--user",
        None,
    ]
    assert (command[0].span.line, command[0].span.column) == (4, 3)
    assert (command[4].span.line, command[4].span.column) == (5, 4)


@example("${}")
@given(st.text(alphabet=st.sampled_from("ab$(){}\"'`\\\n\r\t #;&|<>=1é.-"), max_size=60))
def test_any_text_is_read_and_every_word_lies_in_it(text: str) -> None:
    for read in (read_shell, read_makefile):
        source = source_of("run.sh", text)
        for command in read(source):
            for word in command:
                assert 1 <= word.span.line <= word.span.end_line <= max(len(source.lines), 1) + 1
                assert word.span.column >= 1


def test_deep_nesting_and_large_files_are_survived() -> None:
    assert words("(" * 5_000 + "python t.py" + ")" * 5_000) == []
    assert words("python t.py\n" * 200_000) == []


def test_characters_far_beyond_ascii() -> None:
    """tree-sitter's scanner for Bash reads beyond C's tables with them, and took the process with it."""
    text = "".join(chr(code) for code in range(0x10000, 0x110000, 97))
    for start in range(0, len(text), 50):
        read_shell(source_of("run.sh", f"python train.py {text[start : start + 50]} --lr 0.1\n"))
    [command] = read_shell(source_of("run.sh", "python тренировка.py --name 'é 𝛼' --lr 0.1\n"))
    assert [word.text for word in command] == ["python", "тренировка.py", "--name", "é 𝛼", "--lr", "0.1"]
    assert [word.span.column for word in command] == [1, 8, 22, 29, 35, 40]
