from __future__ import annotations

import codecs
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainlint.text.document import Broken
from trainlint.text.source import CONFIG_LIMIT, PYTHON_LIMIT, Source, decode, read_source, source_of


def decoded(data: bytes, *, python: bool = False) -> Source:
    source = decode(data, "a.py" if python else "a.yaml", python)
    assert isinstance(source, Source), source
    return source


def broken(data: bytes, *, python: bool = False) -> Broken:
    result = decode(data, "a.py" if python else "a.yaml", python)
    assert isinstance(result, Broken)
    return result


def test_only_real_line_ends_end_a_line() -> None:
    source = source_of("a.py", "a\x0bb\x0cc\u2028d\x85e\r\nf\rg\n\nh")
    assert source.lines == ["a\x0bb\x0cc\u2028d\x85e", "f", "g", "", "h"]
    assert source_of("a.py", "a\n").lines == ["a"]
    assert source_of("a.py", "").lines == []


@given(st.text(alphabet="ab\r\n\u2028😀", max_size=40))
def test_position_and_offset_are_inverse(text: str) -> None:
    source = source_of("a.py", text)
    for offset in range(len(text) + 1):
        line, column = source.position(offset)
        assert source.offset(line, column) == offset
    rebuilt = [
        text[start : start + len(line)] for start, line in zip(source.starts, source.lines, strict=False)
    ]
    assert rebuilt == source.lines


@pytest.mark.parametrize(
    ("text", "newline"),
    [("a\r\nb\r\nc\n", "\r\n"), ("a\nb", "\n"), ("a\rb", "\r"), ("", "\n"), ("a\r\nb\n\n", "\n")],
)
def test_prevailing_line_end(text: str, newline: str) -> None:
    assert source_of("a.py", text).newline == newline


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_byte_order_marks(encoding: str) -> None:
    source = decoded("\ufefflr: 0.1 # é😀\n".encode(encoding))
    assert (source.text, source.encoding, source.bom) == ("lr: 0.1 # é😀\n", encoding, True)


def test_a_python_file_follows_its_coding_comment() -> None:
    source = decoded("# -*- coding: latin-1 -*-\nx = 'é'\n".encode("latin-1"), python=True)
    assert source.text.endswith("x = 'é'\n")
    assert source.encoding == "iso8859-1"
    assert (
        decoded(b"#!/usr/bin/python\n# vim: set fileencoding=cp1252 :\nx = '\x80'\n", python=True).lines[2]
        == "x = '€'"
    )
    assert decoded(b"# coding: utf-8-unix\n", python=True).encoding == "utf-8"
    assert decoded("x = 1\n# coding: latin-1\ny = 'é'".encode(), python=True).lines[2] == "y = 'é'"


def test_a_config_ignores_coding_comments() -> None:
    assert decoded("# coding: latin-1\na: é".encode()).text.endswith("é")


@pytest.mark.parametrize(
    ("data", "line", "words"),
    [
        (b"# coding: no-such\nx = 1\n", 1, "no-such"),
        (b"\n# coding: zlib\n", 2, "not supported"),
        (b"# coding: punycode\n", 1, "not supported"),
        (codecs.BOM_UTF8 + b"# coding: latin-1\n", 1, "byte order mark"),
        ("\ufeffx = 1".encode("utf-16-le"), 1, "UTF-16"),
        (b"x = 1\r\ny = '\xe9'\n", 2, "0xe9"),
        (b"x = 1\ny = '\0'\n", 2, "NUL"),
    ],
)
def test_python_that_cannot_be_decoded(data: bytes, line: int, words: str) -> None:
    problem = broken(data, python=True)
    assert problem.kind == "encoding"
    assert problem.line == line
    assert words in problem.message


def test_the_column_of_a_bad_byte_counts_code_points() -> None:
    problem = broken("é😀 = '".encode() + b"\xff'")
    assert (problem.line, problem.column) == (1, 7)
    assert broken(b"\x00\x01\x02").message.startswith("contains a NUL byte")


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_give_a_source_or_a_reason(data: bytes, python: bool) -> None:
    result = decode(data, "a", python)
    assert isinstance(result, Source | Broken)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in the file system")
def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for name, words in [
        ("missing", "no such file"),
        (".", "directory"),
        ("pipe", "regular file"),
        ("loop", ""),
    ]:
        result = read_source(tmp_path / name, name, python=True)
        assert isinstance(result, Broken)
        assert result.kind == "unreadable"
        assert words in result.message
    assert isinstance(read_source(Path("a\0b"), "a", python=False), Broken)
    assert isinstance(read_source(Path("/dev/zero"), "zero", python=False), Broken)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_forbidden_file(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text("x = 1")
    path.chmod(0)
    result = read_source(path, "a.py", python=True)
    assert result == Broken("unreadable", 1, 1, "cannot be read: permission denied")


@pytest.mark.parametrize(
    ("python", "limit", "named"), [(True, PYTHON_LIMIT, "2 MB"), (False, CONFIG_LIMIT, "1 MB")]
)
def test_the_size_limit_is_exact_and_named(tmp_path: Path, python: bool, limit: int, named: str) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"#" * limit)
    assert isinstance(read_source(path, "a", python), Source)
    path.write_bytes(b"#" * (limit + 1))
    result = read_source(path, "a", python)
    assert isinstance(result, Broken)
    assert result.kind == "too-large"
    assert named in result.message
    assert isinstance(read_source(path, "a.ipynb", python=False), Source)
