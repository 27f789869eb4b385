"""Rules made up for tests of fixing: each reports what a pattern matches, with a fix that rewrites it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from trainlint.findings import Confidence, Edit, Finding, Fix, Severity, Span
from trainlint.pipeline.judging import Judging
from trainlint.pipeline.run import Run
from trainlint.rulebook.loading import Rulebook, load_rulebook
from trainlint.text.source import Source

Rule = Callable[[str, Source], Iterator[Finding]]


def span(source: Source, start: int, end: int) -> Span:
    """The span of a stretch of a text."""
    return Span(source.path, *source.position(start), *source.position(end))


def finding(name: str, at: Span, *edits: Edit, safety: str = "safe", **more: Any) -> Finding:
    """A warning with a fix of these edits."""
    fix = Fix(f"mend {name}", safety, edits)
    values = {
        "severity": Severity.WARNING,
        "message": f"{name} is wrong",
        "hint": "",
        "evidence": name,
        "fix": fix if edits else None,
        **more,
    }
    return Finding(rule=name, family="made-up", confidence=Confidence.HIGH, span=at, **values)


def swap(name: str, pattern: str, new: str, *, safety: str = "safe", imports: str = "", **more: Any) -> Rule:
    """A rule that wants `new` wherever the pattern matches, and this line at the top where it is missing."""

    def rule(_path: str, source: Source) -> Iterator[Finding]:
        for match in re.finditer(pattern, source.text):
            at = span(source, *match.span())
            edits = [Edit(at, match.expand(new))]
            if imports and imports not in source.text:
                edits.append(Edit(Span(source.path, 1, 1, 1, 1), imports + "\n"))
            yield finding(name, at, *edits, safety=safety, **more)

    return rule


_OWN: list[Rulebook] = []


def _rulebook(folders: list[Path]) -> Rulebook:
    if folders:
        return load_rulebook(folders)
    if not _OWN:
        _OWN.append(load_rulebook([]))
    return _OWN[0]


def judged_by(monkeypatch: Any, *rules: Rule) -> None:
    """Has these rules alone judge, over the text of every file that a run reads."""
    runs: list[Run] = []
    real = Run.read

    def read(run: Run) -> None:
        real(run)
        runs.append(run)

    def findings(_judging: Judging, *_read: Any) -> list[Finding]:
        sources = runs[-1].sources
        texts = [(path, sources.text(path)) for path in sorted(sources.languages)]
        return [
            each for rule in rules for path, text in texts if text is not None for each in rule(path, text)
        ]

    monkeypatch.setattr(Run, "read", read)
    # The pages do not change while a test runs, and some run dozens of times.
    monkeypatch.setattr("trainlint.pipeline.run.load_rulebook", _rulebook)
    monkeypatch.setattr(Judging, "findings", findings)
