"""The report as the language server protocol has it: diagnostics with 0-based positions in code units."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from trainlint.findings import Finding, Fix, Report, Severity, Span
from trainlint.output.characters import json_text
from trainlint.output.fingerprints import fingerprints
from trainlint.output.places import Places
from trainlint.output.secrets import hide_secrets
from trainlint.text.source import Source

Encoding = Literal["utf-8", "utf-16", "utf-32"]

SEVERITIES = {Severity.ERROR: 1, Severity.WARNING: 2, Severity.ADVICE: 3}
INFORMATION = 3


def to_lsp(report: Report) -> str:
    """A JSON array of PublishDiagnosticsParams, one per file that has any, in UTF-16 positions."""
    files = diagnostics(report)
    return json_text([{"uri": uri, "diagnostics": files[uri]} for uri in sorted(files)])


def diagnostics(report: Report, encoding: Encoding = "utf-16") -> dict[str, list[dict[str, Any]]]:
    """URI → its LSP diagnostics: findings, then notices as information."""
    places = Places(report.root)
    lines = Lines(report, encoding)
    files: dict[str, list[dict[str, Any]]] = {}
    for finding, fingerprint in zip(report.findings, fingerprints(report), strict=True):
        uri = file_uri(places.absolute(finding.span.path))
        files.setdefault(uri, []).append(_diagnostic(finding, fingerprint, places, lines))
    for notice in report.notices:
        span = Span(notice.path, notice.line, 1, notice.line + 1, 1)
        files.setdefault(file_uri(places.absolute(notice.path)), []).append(
            {
                "range": lines.range(span),
                "severity": INFORMATION,
                "code": notice.kind,
                "source": "trainlint",
                "message": hide_secrets(notice.message),
            }
        )
    return files


def file_uri(path: str) -> str:
    """The `file:` URI of an absolute path."""
    return Path(path).as_uri()


def units(text: str, encoding: Encoding) -> int:
    """How many code units of an encoding a text takes."""
    if text.isascii() or encoding == "utf-32":
        return len(text)
    return len(text.encode(encoding + "-le" if encoding != "utf-8" else encoding, "surrogatepass")) // (
        2 if encoding == "utf-16" else 1
    )


class Lines:
    """The report's source lines, to turn columns into code units."""

    def __init__(self, report: Report, encoding: Encoding) -> None:
        self.report = report
        self.encoding = encoding

    def range(self, span: Span) -> dict[str, Any]:
        """The LSP range of a span."""
        lines = self.report.lines_of(span)
        return {
            "start": self._position(lines, span.line, span.column),
            "end": self._position(lines, span.end_line, span.end_column),
        }

    def _position(self, lines: Sequence[str], line: int, column: int) -> dict[str, int]:
        text = lines[line - 1] if line <= len(lines) else None
        character = column - 1 if text is None else units(text[: column - 1], self.encoding)
        return {"line": line - 1, "character": character}


def _diagnostic(finding: Finding, fingerprint: str, places: Places, lines: Lines) -> dict[str, Any]:
    message = hide_secrets(finding.message)
    if finding.hint:
        message += "\nhelp: " + hide_secrets(finding.hint)
    return {
        "range": lines.range(finding.span),
        "severity": SEVERITIES[finding.severity],
        "code": finding.rule,
        "source": "trainlint",
        "message": message,
        "relatedInformation": [
            {
                "location": {
                    "uri": file_uri(places.absolute(related.span.path)),
                    "range": lines.range(related.span),
                },
                "message": hide_secrets(related.message),
            }
            for related in finding.related
        ],
        "data": {
            "family": finding.family,
            "confidence": finding.confidence.value,
            "fingerprint": fingerprint,
            "fix": _fix(finding.fix, places, lines) if finding.fix is not None else None,
        },
    }


def _fix(fix: Fix, places: Places, lines: Lines) -> dict[str, Any] | None:
    """A fix as edits of documents, by URI; None in notebooks, whose cells are documents of their own."""
    if not fix.edits or any(edit.span.cell is not None for edit in fix.edits):
        return None
    changes: dict[str, list[dict[str, Any]]] = {}
    for edit in fix.edits:
        uri = file_uri(places.absolute(edit.span.path))
        changes.setdefault(uri, []).append({"range": lines.range(edit.span), "newText": edit.text})
    return {"title": fix.title, "safety": fix.safety, "changes": changes}


def text_edit(before: str, after: str, encoding: Encoding) -> dict[str, Any] | None:
    """The LSP edit that makes one text of another; None where they are equal."""
    if before == after:
        return None
    head = _shared(before, after)
    tail = _shared(before[head:][::-1], after[head:][::-1])
    if head and before[head - 1] == "\r":
        # No position lies between the two characters of a line end.
        head -= 1
    if tail and before[len(before) - tail] == "\n":
        tail -= 1
    source = Source("", before)
    positions = [_position_of(source, offset, encoding) for offset in (head, len(before) - tail)]
    text = after[head : len(after) - tail]
    return {"range": {"start": positions[0], "end": positions[1]}, "newText": text}


def _shared(one: str, other: str) -> int:
    """How many characters two texts have in common at their start."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))


def _position_of(source: Source, offset: int, encoding: Encoding) -> dict[str, int]:
    line, column = source.position(offset)
    start = source.starts[line - 1]
    return {"line": line - 1, "character": units(source.text[start : start + column - 1], encoding)}
