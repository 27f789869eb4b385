"""The report as SARIF 2.1.0 (OASIS Standard), for code scanning and viewers.

The evidence of a finding is its related locations. There are no code flows: they tell in which order code
runs, and evidence stands in no such order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

from trainlint.findings import Finding, Fix, Notice, Report, Span
from trainlint.output.characters import json_text, well_formed
from trainlint.output.fingerprints import fingerprints
from trainlint.output.places import Places, checkout_folder
from trainlint.output.sarif_rules import LEVELS, descriptors
from trainlint.output.secrets import hide_secrets
from trainlint.output.uris import file_uri, relative_uri
from trainlint.output.verdict import INTERNAL
from trainlint.rulebook.loading import Rulebook
from trainlint.version import VERSION

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
BASE = "%SRCROOT%"
FINGERPRINT = "trainlint/v1"

_NOTICE_LEVELS = {INTERNAL: "error", "crashed": "error", "budget": "note"}


def to_sarif(report: Report, rulebook: Rulebook, exit_code: int, *, show_suppressed: bool = False) -> str:
    """A SARIF log in ASCII with one run; paths are relative to the checkout, else the working directory.

    The rules listed are those that ran. `show_suppressed` adds what comments and settings silence, marked as
    such.
    """
    return json_text(log(report, rulebook, exit_code, show_suppressed=show_suppressed))


def log(
    report: Report, rulebook: Rulebook, exit_code: int, *, show_suppressed: bool = False
) -> dict[str, Any]:
    """The log as plain data."""
    places = Places(report.root, checkout_folder("GITHUB_WORKSPACE"))
    rules = descriptors(rulebook, (*report.ran, *(finding.rule for finding in report.findings)))
    results = _Results(places, {rule["id"]: index for index, rule in enumerate(rules)})
    found = [
        results.result(finding, mark)
        for finding, mark in zip(report.findings, fingerprints(report), strict=True)
    ]
    if show_suppressed:
        # All results of a run say whether they are suppressed, or none (3.27.23).
        found = [{**result, "suppressions": []} for result in found]
        found += results.suppressed(report)
    driver: dict[str, Any] = {
        "name": "trainlint",
        "version": VERSION,
        "semanticVersion": VERSION,
        "rules": rules,
    }
    kinds = sorted({notice.kind for notice in report.notices})
    if kinds:
        driver["notifications"] = [{"id": well_formed(kind)} for kind in kinds]
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "columnKind": "unicodeCodePoints",
                "originalUriBaseIds": {BASE: {"description": {"text": "The root of the checkout."}}},
                "invocations": [_invocation(report, exit_code, places)],
                "results": found,
            }
        ],
    }


class _Results:
    """Findings as results; `indices` are those of the rules, by name."""

    def __init__(self, places: Places, indices: Mapping[str, int]) -> None:
        self.places = places
        self.indices = indices

    def result(self, finding: Finding, fingerprint: str) -> dict[str, Any]:
        """The result of a finding."""
        rule = well_formed(finding.rule)
        result: dict[str, Any] = {"ruleId": rule}
        if rule in self.indices:
            result["ruleIndex"] = self.indices[rule]
        location = _location(finding.span, self.places)
        if finding.symbol:
            location["logicalLocations"] = [{"fullyQualifiedName": well_formed(finding.symbol)}]
        result |= {
            "kind": "fail",
            "level": LEVELS[finding.severity],
            "message": {"text": _message(finding)},
            "locations": [location],
            "partialFingerprints": {FINGERPRINT: fingerprint},
            "properties": self._properties(finding),
        }
        if finding.related:
            result["relatedLocations"] = [
                {
                    "id": number,
                    **_location(related.span, self.places),
                    "message": {"text": message_text(hide_secrets(related.message))},
                }
                for number, related in enumerate(finding.related, start=1)
            ]
        if finding.fix is not None and finding.fix.edits and _in_files(finding.fix):
            result["fixes"] = [_fix(finding.fix, self.places)]
        return result

    def suppressed(self, report: Report) -> Iterator[dict[str, Any]]:
        """The results of what is silenced, with how, and why where a reason is given."""
        from msgspec.structs import replace  # noqa: PLC0415

        silenced = replace(report, findings=[each.finding for each in report.silenced])
        for each, mark in zip(report.silenced, fingerprints(silenced), strict=True):
            suppression = {"kind": each.kind}
            if each.reason:
                suppression["justification"] = well_formed(hide_secrets(each.reason))
            # Its mark would be that of an equal finding that stands: such are told apart by their order.
            yield {**self.result(each.finding, f"{mark}:suppressed"), "suppressions": [suppression]}

    def _properties(self, finding: Finding) -> dict[str, Any]:
        properties: dict[str, Any] = {"family": finding.family, "confidence": finding.confidence.value}
        if finding.program:
            properties["program"] = well_formed(self.places.path(finding.program))
        if finding.fix is not None:
            properties["fixSafety"] = finding.fix.safety
        return properties


def message_text(text: str) -> str:
    """Plain text as SARIF has it: what would read as a link, `[text](target)`, is escaped (3.11.6).

    Other brackets stay as they are: few viewers undo escapes, and messages quote code.
    """
    text = well_formed(text)
    parts: list[str] = []
    for index, char in enumerate(text):
        after = text[index + 1 : index + 2]
        escaped = (char == "\\" and after in ("\\", "[", "]")) or (char == "]" and after == "(")
        parts.append(f"\\{char}" if escaped else char)
    return "".join(parts)


def _message(finding: Finding) -> str:
    text = hide_secrets(finding.message)
    if finding.hint:
        text += "\nhelp: " + hide_secrets(finding.hint)
    return message_text(text)


def _location(span: Span, places: Places) -> dict[str, Any]:
    """A location. The lines of a notebook's cell are not the file's: there the region is the file's start."""
    if span.cell is None:
        region = _region(span)
    else:
        cell = {"cell": span.cell, "line": span.line, "column": span.column}
        region = {"startLine": 1, "properties": cell}
    return {"physicalLocation": {"artifactLocation": _artifact(span.path, places), "region": region}}


def _region(span: Span) -> dict[str, Any]:
    return {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }


def _artifact(path: str, places: Places) -> dict[str, Any]:
    """Relative to the base where the file is below it, else the absolute URI."""
    shown = places.path(path)
    if shown.startswith("../") or shown == ".." or PurePath(shown).is_absolute():
        return {"uri": file_uri(places.absolute(path))}
    return {"uri": relative_uri(shown), "uriBaseId": BASE}


def _in_files(fix: Fix) -> bool:
    """Whether all edits are counted in lines of files: those of cells could not be applied."""
    return all(edit.span.cell is None for edit in fix.edits)


def _fix(fix: Fix, places: Places) -> dict[str, Any]:
    replacements: dict[str, list[dict[str, Any]]] = {}
    for edit in fix.edits:
        replacements.setdefault(edit.span.path, []).append(
            {"deletedRegion": _region(edit.span), "insertedContent": {"text": well_formed(edit.text)}}
        )
    return {
        "description": {"text": message_text(fix.title)},
        "artifactChanges": [
            {"artifactLocation": _artifact(path, places), "replacements": parts}
            for path, parts in replacements.items()
        ],
    }


def _invocation(report: Report, exit_code: int, places: Places) -> dict[str, Any]:
    return {
        "executionSuccessful": not any(notice.kind == INTERNAL for notice in report.notices),
        "exitCode": exit_code,
        "toolExecutionNotifications": [_notification(notice, places) for notice in report.notices],
    }


def _notification(notice: Notice, places: Places) -> dict[str, Any]:
    span = Span(notice.path, notice.line, 1, notice.line, 1)
    location = _location(span, places)
    location["physicalLocation"]["region"] = {"startLine": notice.line}
    return {
        "descriptor": {"id": well_formed(notice.kind)},
        "level": _NOTICE_LEVELS.get(notice.kind, "warning"),
        "message": {"text": message_text(hide_secrets(notice.message))},
        "locations": [location],
    }
