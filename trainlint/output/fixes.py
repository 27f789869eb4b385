"""A finding's fix as a person reads it: what it does, how it is applied, and the lines it changes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from trainlint.findings import Edit, Finding, Fix, Report, Span, source_key
from trainlint.output.places import Places
from trainlint.output.secrets import hide_secrets, in_secret_block
from trainlint.output.terminal import TAB, Style, visible, width
from trainlint.text.edits import EditError, changes_of, new_lines
from trainlint.text.source import source_of

DEEP = 8
SHOWN = 12
"""Lines of a fix that are shown."""

SAFE = "safe"
_LINE_END = re.compile(r"\r\n|\r|\n")


class _Hunk(msgspec.Struct):
    """Lines that stand together, from line `first` on, and what stands there instead; `above` are those
    before them."""

    span: Span
    first: int
    above: list[str]
    old: list[str]
    new: list[str]


def how(fix: Fix) -> str:
    """Which options apply a fix."""
    return "apply with --fix" if fix.safety == SAFE else "apply with --fix --unsafe-fixes"


def fixable(report: Report) -> tuple[int, int]:
    """How many findings have a safe fix, and how many an unsafe one."""
    safety = [finding.fix.safety for finding in report.findings if finding.fix and finding.fix.edits]
    safe = safety.count(SAFE)
    return safe, len(safety) - safe


def fix_lines(finding: Finding, report: Report, places: Places, style: Style, columns: int) -> list[str]:
    """The fix's title and how to apply it, then its lines as a diff; none without a fix."""
    fix = finding.fix
    if fix is None or not fix.edits:
        return []
    title = visible(hide_secrets(fix.title))
    lines = [f"{style('help', 'fix:')} {title} ({how(fix)})"]
    shown = [line for hunk in _hunks(fix, report) for line in _shown(hunk, finding, places, style, columns)]
    lines += shown[:SHOWN]
    rest = len(shown) - SHOWN
    return [*lines, f"  and {rest} more lines"] if rest > 0 else lines


def _hunks(fix: Fix, report: Report) -> Iterator[_Hunk]:
    by_text: dict[str, list[Edit]] = {}
    for edit in fix.edits:
        plain = Edit(edit.span, _LINE_END.sub("\n", edit.text))
        by_text.setdefault(source_key(edit.span), []).append(plain)
    for edits in by_text.values():
        lines = report.lines_of(edits[0].span)
        source = source_of(edits[0].span.path, "".join(line + "\n" for line in lines))
        try:
            changed = new_lines(source, changes_of(source, edits)) if lines else {}
        except EditError:
            continue
        for numbers in _runs(changed):
            yield _hunk(edits[0].span, lines, numbers, changed)


def _runs(changed: Mapping[int, str]) -> Iterator[range]:
    """The numbers of lines that follow each other."""
    start = last = None
    for number in sorted(changed):
        if start is None or last is None:
            start = number
        elif number != last + 1:
            yield range(start, last + 1)
            start = number
        last = number
    if start is not None and last is not None:
        yield range(start, last + 1)


def _hunk(span: Span, lines: Sequence[str], numbers: range, changed: Mapping[int, str]) -> _Hunk:
    old = list(lines[numbers.start - 1 : numbers.stop - 1])
    new = _LINE_END.split("".join(changed[number] for number in numbers))
    if new and not new[-1]:
        new.pop()
    first = numbers.start
    while old and new and old[-1] == new[-1]:
        del old[-1], new[-1]
    while old and new and old[0] == new[0]:
        del old[0], new[0]
        first += 1
    return _Hunk(span, first, list(lines[: first - 1]), old, new)


def _shown(hunk: _Hunk, finding: Finding, places: Places, style: Style, columns: int) -> Iterator[str]:
    if source_key(hunk.span) != source_key(finding.span):
        yield f"  {style('bold', visible(places.line(msgspec.structs.replace(hunk.span, line=hunk.first))))}"
    margin = len(str(hunk.first + max(len(hunk.old), len(hunk.new), 1) - 1))
    indent = _spare_indent([*hunk.old, *hunk.new])
    for sign, colour, lines in (("-", "removed", hunk.old), ("+", "added", hunk.new)):
        for number, line in enumerate(_without_secrets(hunk.above, lines), start=hunk.first):
            text = _fit(line.expandtabs(TAB)[indent:], columns - margin - 5, hunk)
            yield f"  {style('dim', f'{number:>{margin}}')} {style(colour, f'{sign} {text}'.rstrip())}"


def _spare_indent(lines: Sequence[str]) -> int:
    """How many leading blanks of all lines say nothing: beyond eight they do not."""
    plain = [line.expandtabs(TAB) for line in lines if line.strip()]
    shared = min((len(line) - len(line.lstrip(" ")) for line in plain), default=0)
    return shared if shared > DEEP else 0


def _without_secrets(above: Sequence[str], lines: Sequence[str]) -> Iterator[str]:
    for number, line in enumerate(lines, start=len(above) + 1):
        yield "*" * len(line) if in_secret_block([*above, *lines], number) else hide_secrets(line)


def _fit(line: str, columns: int, hunk: _Hunk) -> str:
    """A line cut to the columns there are, around what differs in lines that change."""
    text = visible(line)
    if width(text) <= columns:
        return text
    # Both ends may need a mark that there is more.
    room = columns - 2
    start = max(0, min(_first_difference(hunk) - room // 2, len(text) - room))
    end = start
    used = 0
    while end < len(text) and used + width(text[end]) <= room:
        used += width(text[end])
        end += 1
    return ("…" if start else "") + text[start:end] + ("…" if end < len(text) else "")


def _first_difference(hunk: _Hunk) -> int:
    """The column, from 0, where the first changed line differs, its indentation left out."""
    if not hunk.old or not hunk.new:
        return 0
    old, new = hunk.old[0].lstrip(), hunk.new[0].lstrip()
    return next(
        (at for at, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new))
    )
