"""Reports with file names and messages that try to break out of what they are written into."""

from __future__ import annotations

import os
from pathlib import Path

from hypothesis import strategies as st
from report_samples import finding, report

from trainlint.findings import Edit, Finding, Fix, Notice, Related, Report, Severity, Span

TRAPS = (
    "\x1b]0;owned\x07",
    "\x9b31m",
    "\u202e",
    "\n::error::x",
    "\r\n##[error]x",
    "::stop-commands::x",
    "##[error]x",
    "%0A%25%2C",
    "a,b:c=d::e",
    "]]><!--&lt;</failure>\"'",
    "[text](1)\\[x\\](y)\\\\",
    "{0}{{",
    "\x00\ufffe\ufdd0",
    "\ud83d\udcff",
    "🦊é\u2028",
    "C:\\x?#[1] %20",
    "\t \r ",
)

words = st.lists(st.one_of(st.sampled_from(TRAPS), st.text(max_size=6)), max_size=4).map("".join)

_BYTES = st.binary(min_size=1, max_size=12).map(lambda raw: raw.decode("utf-8", "surrogateescape"))
_PARTS = st.one_of(words, _BYTES, st.sampled_from(["a:b.py", " ", "-", "%41.py", "x.py"])).map(
    lambda text: (
        text.replace("/", "").replace("\x00", "").encode("utf-8", "replace").decode()
        if _unpaired(text)
        else text.replace("/", "").replace("\x00", "")
    )
)
names = st.lists(_PARTS.filter(lambda part: part not in ("", ".", "..")), min_size=1, max_size=3).map(
    "/".join
)
"""Paths below the root as a POSIX file system may hold them: any byte but NUL and the slash."""


def _unpaired(text: str) -> bool:
    """Whether a text holds surrogates that no file name decodes to."""
    try:
        text.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")
    except UnicodeError:
        return True
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape") != text


@st.composite
def spans(draw: st.DrawFn) -> Span:
    line, column = draw(st.integers(1, 99)), draw(st.integers(1, 99))
    more, width = draw(st.integers(0, 2)), draw(st.integers(0, 9))
    cell = draw(st.sampled_from([None, None, 3]))
    return Span(draw(names), line, column, line + more, column + width, cell)


@st.composite
def findings(draw: st.DrawFn) -> Finding:
    fix = None
    if draw(st.booleans()):
        edits = tuple(Edit(draw(spans()), draw(words)) for _ in range(draw(st.integers(1, 2))))
        fix = Fix(draw(words), draw(st.sampled_from(["safe", "unsafe"])), edits)
    return finding(
        draw(st.sampled_from(["unguarded-sqrt", "missing-seed", "users-own"])),
        draw(st.sampled_from(Severity)),
        draw(spans()),
        message=draw(words),
        hint=draw(words),
        symbol=draw(words),
        program=draw(st.one_of(st.just(""), names)),
        related=tuple(Related(draw(spans()), draw(words)) for _ in range(draw(st.integers(0, 2)))),
        fix=fix,
        evidence=draw(words),
    )


@st.composite
def reports(draw: st.DrawFn) -> Report:
    """Reports at the working directory."""
    found = draw(st.lists(findings(), max_size=3))
    kinds = st.sampled_from(["syntax", "encoding", "budget", "internal"])
    notices = draw(
        st.lists(st.builds(Notice, names, st.integers(1, 99), kinds, words), max_size=2, unique=True)
    )
    return report(os.path.realpath(Path.cwd()), *found, notices=tuple(notices))
