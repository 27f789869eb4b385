"""What a run reports: spans, findings, fixes, notices. Plain data that every other room shares.

Lines and columns are 1-based, columns count Unicode code points, ends are exclusive.
Paths are POSIX and relative to the project root; outputs turn them into paths relative to the working
directory.
"""

from __future__ import annotations

import enum

import msgspec


class Severity(str, enum.Enum):
    """What a finding costs: an error is wrong, a warning is risky, advice is recommended practice."""

    ADVICE = "advice"
    WARNING = "warning"
    ERROR = "error"

    @property
    def rank(self) -> int:
        """Order of severities: advice 0, warning 1, error 2."""
        return _SEVERITY_ORDER[self.value]


_SEVERITY_ORDER = {"advice": 0, "warning": 1, "error": 2}


class Confidence(str, enum.Enum):
    """How complete the evidence is. Default output shows high only; strict output adds medium."""

    MEDIUM = "medium"
    HIGH = "high"


class Span(msgspec.Struct, frozen=True, order=True):
    """A range of one file. `cell` is the 1-based notebook cell, where there is one."""

    path: str
    line: int
    column: int
    end_line: int
    end_column: int
    cell: int | None = None


class Related(msgspec.Struct, frozen=True):
    """A second place that is part of the evidence, and what it contributes."""

    span: Span
    message: str


class Edit(msgspec.Struct, frozen=True):
    """Replace `span` by `text`; an insertion has an empty span."""

    span: Span
    text: str


class Fix(msgspec.Struct, frozen=True):
    """Ordered edits. `safe` keeps what the program means; `unsafe` may change it."""

    title: str
    safety: str
    edits: tuple[Edit, ...] = ()


class Finding(msgspec.Struct, frozen=True):
    """One judgement of one rule, with the evidence it rests on.

    `program` is the entry point's path for findings about a training program. `evidence` is the normalised
    text the fingerprint is built from: it holds no line numbers.
    """

    rule: str
    family: str
    severity: Severity
    confidence: Confidence
    message: str
    hint: str
    span: Span
    related: tuple[Related, ...] = ()
    symbol: str = ""
    program: str = ""
    fix: Fix | None = None
    evidence: str = ""

    @property
    def sort_key(self) -> tuple[str, int, int, str, str]:
        """Reports are sorted by path, line, column, rule."""
        return (self.span.path, self.span.line, self.span.column, self.rule, self.message)

    @property
    def spans(self) -> tuple[Span, ...]:
        """Every place the finding speaks of: the primary one, its evidence, what its fix changes."""
        edits = self.fix.edits if self.fix is not None else ()
        return (self.span, *(each.span for each in self.related), *(each.span for each in edits))


class Notice(msgspec.Struct, frozen=True, order=True):
    """Something that could not be read or judged, and why. A notice never fails a run by default.

    Kinds: unreadable, encoding, syntax, python2, too-deep, too-large, crashed, config-syntax, budget,
    internal, fix.
    """

    path: str
    line: int
    kind: str
    message: str


class Summary(msgspec.Struct):
    """What a run read and found. `frameworks` are display names; `unknown_fields` counts recipe fields left
    unknown.

    Not reported are `suppressed` findings, `baselined` ones, and those on `unchanged` lines. `fixed` are the
    findings that this run mended, in `fixed_files`; `fixable` those left that have a fix.
    """

    python_files: int = 0
    configs: int = 0
    programs: int = 0
    lines: int = 0
    frameworks: tuple[str, ...] = ()
    unknown_fields: int = 0
    errors: int = 0
    warnings: int = 0
    advice: int = 0
    suppressed: int = 0
    baselined: int = 0
    unchanged: int = 0
    fixable: int = 0
    fixed: int = 0
    fixed_files: int = 0


class Silenced(msgspec.Struct, frozen=True):
    """A finding that is not reported; `kind` is `inSource` for comments, `external` for settings."""

    finding: Finding
    kind: str
    reason: str = ""


class Report(msgspec.Struct):
    """The result of one run. `root` is the absolute project root; `sources` holds the lines of every file a
    finding touches.

    `seconds` is time by stage; it is printed on request and is no part of any compared output. `projects` are
    the folders, relative to `root`, of the projects a run over several covers: fingerprints are relative to
    these.
    `failing` counts the findings and notices that stand at or above their project's `fail-on`;
    `has_baseline` tells whether a project of the run has a baseline. `ran` are the names of the rules that
    ran, `rulebooks` the folders of pages besides ours, `silenced` the findings left out of `findings`.
    """

    root: str
    findings: list[Finding]
    notices: list[Notice]
    summary: Summary
    sources: dict[str, list[str]]
    seconds: dict[str, float] = msgspec.field(default_factory=dict)
    projects: tuple[str, ...] = ()
    failing: int = 0
    has_baseline: bool = False
    ran: tuple[str, ...] = ()
    rulebooks: tuple[str, ...] = ()
    silenced: tuple[Silenced, ...] = ()

    def lines_of(self, span: Span) -> list[str]:
        """The lines that a span's line numbers count: the file's, or those of its notebook cell."""
        return self.sources.get(source_key(span), [])


def source_key(span: Span) -> str:
    """Under which name `Report.sources` holds the lines a span counts."""
    return span.path if span.cell is None else f"{span.path}:cell {span.cell}"
