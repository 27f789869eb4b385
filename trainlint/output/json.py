"""The report for programs: one JSON document, described by report.schema.json."""

from __future__ import annotations

from typing import Any

from trainlint.findings import Edit, Finding, Fix, Related, Report, Span
from trainlint.output.characters import json_text
from trainlint.output.fingerprints import fingerprints
from trainlint.output.places import Places
from trainlint.output.secrets import hide_secrets

VERSION = 1


def to_json(report: Report) -> str:
    """The report as an indented JSON document in ASCII, line break at the end."""
    return json_text(document(report))


def document(report: Report) -> dict[str, Any]:
    """The report as plain data."""
    places = Places(report.root)
    summary = report.summary
    return {
        "version": VERSION,
        "findings": [
            _finding(finding, fingerprint, places)
            for finding, fingerprint in zip(report.findings, fingerprints(report), strict=True)
        ],
        "notices": [
            {
                "kind": notice.kind,
                "path": places.path(notice.path),
                "line": notice.line,
                "message": hide_secrets(notice.message),
            }
            for notice in report.notices
        ],
        "summary": {
            "python_files": summary.python_files,
            "configs": summary.configs,
            "programs": summary.programs,
            "lines": summary.lines,
            "frameworks": list(summary.frameworks),
            "unknown_fields": summary.unknown_fields,
            "errors": summary.errors,
            "warnings": summary.warnings,
            "advice": summary.advice,
            "suppressed": summary.suppressed,
            "baselined": summary.baselined,
            "unchanged": summary.unchanged,
            "fixable": summary.fixable,
            "fixed": summary.fixed,
            "fixed_files": summary.fixed_files,
        },
    }


def rule_url(rule: str, family: str) -> str:
    """Where a rule's page is, relative to the root of trainlint's repository."""
    return f"rules/{family}/{rule}.md"


def _finding(finding: Finding, fingerprint: str, places: Places) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "family": finding.family,
        "severity": finding.severity.value,
        "confidence": finding.confidence.value,
        "message": hide_secrets(finding.message),
        "hint": hide_secrets(finding.hint),
        **span_fields(finding.span, places),
        "cell": finding.span.cell,
        "symbol": finding.symbol or None,
        "program": places.path(finding.program) if finding.program else None,
        "related": [_related(related, places) for related in finding.related],
        "fix": _fix(finding.fix, places) if finding.fix else None,
        "fingerprint": fingerprint,
        "url": rule_url(finding.rule, finding.family),
    }


def span_fields(span: Span, places: Places) -> dict[str, Any]:
    """Where a span is, by the names the documents use."""
    return {
        "path": places.path(span.path),
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
    }


def _related(related: Related, places: Places) -> dict[str, Any]:
    return {**span_fields(related.span, places), "message": hide_secrets(related.message)}


def _fix(fix: Fix, places: Places) -> dict[str, Any]:
    return {"title": fix.title, "safety": fix.safety, "edits": [_edit(edit, places) for edit in fix.edits]}


def _edit(edit: Edit, places: Places) -> dict[str, Any]:
    return {**span_fields(edit.span, places), "cell": edit.span.cell, "text": edit.text}
