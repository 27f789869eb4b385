"""The report as JUnit XML, for the test reports of Jenkins, GitLab, Azure and others.

Errors and warnings are failed tests. Advice is a passed test that says something, a file that could not be
read a skipped one. The form is the one of Jenkins' xUnit plug-in (junit-10.xsd), which most readers take.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from xml.sax.saxutils import escape, quoteattr

from trainlint.findings import Finding, Notice, Report, Severity
from trainlint.output.characters import fit_for_xml
from trainlint.output.places import Places
from trainlint.output.secrets import hide_secrets
from trainlint.output.verdict import INTERNAL

NAME = "trainlint"

_RETURN = {"\r": "&#13;"}
"""What a reader would turn into a line feed, unless it is a reference."""


def to_junit(report: Report) -> str:
    """An XML document in ASCII: a suite per file with findings or notices, a test per finding or notice.

    Where there are none, one suite with one passed test: many readers refuse a report without tests.
    """
    places = Places(report.root)
    suites = [_suite(path, tests) for path, tests in _by_path(report, places)]
    suites = suites or [_Suite(NAME, [_Test("no findings", NAME)])]
    tests = sum(len(suite.tests) for suite in suites)
    failures = sum(suite.failures for suite in suites)
    counts = {"name": NAME, "tests": str(tests), "failures": str(failures), "errors": "0"}
    body = _element("testsuites", counts, [suite.element() for suite in suites])
    document = f'<?xml version="1.0" encoding="UTF-8"?>\n{body}'
    return document.encode("ascii", "xmlcharrefreplace").decode("ascii")


class _Test:
    """A test case: `outcome` is the element it holds, "" for a plain pass."""

    def __init__(self, name: str, path: str, outcome: str = "", kind: str = "", text: str = "") -> None:
        self.name = name
        self.path = path
        self.outcome = outcome
        self.kind = kind
        self.text = text

    def element(self) -> str:
        about = {"name": self.name, "classname": self.path}
        if not self.outcome:
            return _element("testcase", about)
        if self.outcome == "system-out":
            return _element("testcase", about, [_leaf("system-out", {}, self.text)])
        details = {"type": self.kind, "message": self.text.partition("\nhelp: ")[0]}
        return _element("testcase", about, [_leaf(self.outcome, details, self.text)])


class _Suite:
    def __init__(self, name: str, tests: Sequence[_Test]) -> None:
        self.name = name
        self.tests = tests
        self.failures = sum(test.outcome == "failure" for test in tests)

    def element(self) -> str:
        skipped = sum(test.outcome == "skipped" for test in self.tests)
        counts = {
            "name": self.name,
            "tests": str(len(self.tests)),
            "failures": str(self.failures),
            "errors": "0",
            "skipped": str(skipped),
        }
        return _element("testsuite", counts, [test.element() for test in self.tests])


def _suite(path: str, entries: Iterable[Finding | Notice]) -> _Suite:
    tests = [_finding(each, path) if isinstance(each, Finding) else _notice(each, path) for each in entries]
    return _Suite(path, tests)


def _by_path(report: Report, places: Places) -> Iterable[tuple[str, Iterable[Finding | Notice]]]:
    entries: list[tuple[str, Finding | Notice]] = [
        *((places.path(finding.span.path), finding) for finding in report.findings),
        *((places.path(notice.path), notice) for notice in report.notices),
    ]
    entries.sort(key=lambda entry: entry[0])
    for path, group in groupby(entries, key=lambda entry: entry[0]):
        yield path, [entry for _, entry in group]


def _finding(finding: Finding, path: str) -> _Test:
    span = finding.span
    cell = "" if span.cell is None else f"cell {span.cell}, "
    name = f"{finding.rule} ({cell}{span.line}:{span.column})"
    text = hide_secrets(finding.message)
    if finding.hint:
        text += "\nhelp: " + hide_secrets(finding.hint)
    outcome = "system-out" if finding.severity is Severity.ADVICE else "failure"
    return _Test(name, path, outcome, finding.severity.value, text)


def _notice(notice: Notice, path: str) -> _Test:
    outcome = "failure" if notice.kind == INTERNAL else "skipped"
    return _Test(
        f"{notice.kind} ({notice.line})", path, outcome, f"notice/{notice.kind}", hide_secrets(notice.message)
    )


def _element(tag: str, attributes: dict[str, str], children: Sequence[str] = ()) -> str:
    listed = "".join(
        f" {name}={quoteattr(fit_for_xml(value), _RETURN)}" for name, value in attributes.items()
    )
    return f"<{tag}{listed}>\n{''.join(children)}</{tag}>\n" if children else f"<{tag}{listed}/>\n"


def _leaf(tag: str, attributes: dict[str, str], text: str) -> str:
    listed = "".join(
        f" {name}={quoteattr(fit_for_xml(value), _RETURN)}" for name, value in attributes.items()
    )
    return f"<{tag}{listed}>{escape(fit_for_xml(text), _RETURN)}</{tag}>\n"
