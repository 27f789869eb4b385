"""Fixing one project in memory: choose fixes, apply them, lint again, until none is left.

Fixes that turn out to be no good are left alone and all starts anew without them: what comes out is what the
good ones give, whatever went wrong on the way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from trainlint.findings import Finding, Notice, Report
from trainlint.fixing.choosing import Applicable, Round, choose, is_allowed
from trainlint.fixing.making.parsing import flaw
from trainlint.fixing.setbacks import SetbackError, check_effect, check_readable
from trainlint.fixing.targets import Targets
from trainlint.pipeline.run import Run
from trainlint.rewriting.files import Original, RewriteError, encoded
from trainlint.rewriting.notebooks import in_notebook
from trainlint.text.edits import Change, EditError, applied, changes_of, new_lines
from trainlint.text.source import source_of

ROUNDS = 10
"""Rounds after which what is left is left."""

NOTICE = "fix"
"""The kind of notices about fixes that were not applied."""

_PLEASE_REPORT = "please report this"

Texts = dict[str, str]
"""The new text of each changed file, by path; a notebook's is its JSON."""

Look = Callable[[Mapping[str, str]], tuple[Run, Report]]
"""Lints with these texts in place of files."""


class Changed(msgspec.Struct, frozen=True):
    """A file to be rewritten: its path in the project, where it is, what it holds and what it is to hold."""

    path: str
    file: Path
    original: Original
    text: str

    @property
    def after(self) -> bytes:
        """What the file is to hold."""
        return encoded(self.original.source, self.text)


class _FlawedError(Exception):
    """A changed text that does not parse."""


class Outcome(msgspec.Struct):
    """What fixing a project gives. `report` is on the texts as they are to be; nothing is written yet."""

    report: Report
    changed: list[Changed]
    fixes: list[Applicable]


class Fixing:
    """Fixes what one project reports."""

    def __init__(self, targets: Targets, look: Look, *, unsafe: bool) -> None:
        self._targets = targets
        self._look = look
        self._unsafe = unsafe
        self._left: set[tuple[str, str]] = set()
        self._notices: list[Notice] = []

    def outcome(self) -> Outcome:
        """Every fix that is allowed and possible, applied in memory."""
        first = self._look({})
        done: Outcome | None = None
        while done is None:
            done = self._attempted(first)
        return done

    def _attempted(self, first: tuple[Run, Report]) -> Outcome | None:
        try:
            return self._attempt(first)
        except SetbackError as setback:
            self._leave(setback)
            return None

    def _leave(self, setback: SetbackError) -> None:
        """From here on without what led to a setback."""
        names = ", ".join(setback.rules)
        self._left |= {(setback.path, rule) for rule in ([""] if setback.whole_file else setback.rules)}
        whole = "; the file is as it was" if setback.whole_file else ""
        request = f"; {_PLEASE_REPORT}" if setback.is_bug else ""
        message = f"the fix of {names} is not applied: {setback}{whole}{request}"
        self._notices.append(Notice(setback.path, 1, NOTICE, message))

    def _attempt(self, first: tuple[Run, Report]) -> Outcome:
        run, report = first
        texts: Texts = {}
        seen = [texts]
        fixes: list[Applicable] = []
        notices: list[Notice] = []
        while True:
            chosen = choose(list(self._applicable(run)))
            if not chosen.changes:
                break
            if len(seen) > ROUNDS:
                notices = [_unfinished(path, chosen) for path in sorted(chosen.changes)]
                break
            fixes += chosen.fixes
            texts = {**texts, **self._texts(run, chosen, texts, fixes)}
            if texts in seen:
                path = min(chosen.changes)
                raise SetbackError(path, _rules(path, fixes), "fixes undo each other")
            seen.append(texts)
            before = run
            run, report = self._look(texts)
            for path in sorted(chosen.changes):
                check_readable(first[1], report, path, _rules(path, fixes))
            check_effect(before, run, chosen)
        notices += [*self._notices, *self._held_back(run)]
        return Outcome(_with(report, notices, run.settings.fails_at), list(self._changed(texts)), fixes)

    def _applicable(self, run: Run) -> Iterator[Applicable]:
        """The fixes that may be applied now."""
        for finding in run.reported:
            if is_allowed(finding, unsafe=self._unsafe) and not self._is_left(finding):
                if self._targets.obstacle(run.sources, _paths(finding)):
                    continue
                changes = _changes(run, finding)
                if any(changes.values()):
                    yield Applicable(finding, changes)

    def _is_left(self, finding: Finding) -> bool:
        return any((path, rule) in self._left for path in _paths(finding) for rule in ("", finding.rule)) or (
            (finding.span.path, finding.rule) in self._left
        )

    def _texts(self, run: Run, chosen: Round, texts: Texts, fixes: list[Applicable]) -> Texts:
        """The new texts of the files that a round changes. Raises SetbackError for one that is broken."""
        found: Texts = {}
        for path, changes in sorted(chosen.changes.items()):
            before = texts.get(path, self._targets.original(path).source.text)
            try:
                found[path] = self._text(run, path, before, changes)
            except _FlawedError as flawed:
                raise SetbackError(path, _rules(path, fixes), str(flawed)) from flawed
            except RewriteError as error:
                unfit = [each for each in chosen.fixes if self._is_unfit(run, path, before, each)]
                rules = _rules(path, unfit or chosen.fixes)
                raise SetbackError(path, rules, str(error), whole_file=False, is_bug=False) from error
        return found

    def _text(self, run: Run, path: str, before: str, changes: Sequence[Change]) -> str:
        """A file's text after changes of what was linted of it. Raises _FlawedError, RewriteError."""
        linted = run.sources.text(path)
        assert linted is not None, path
        language = run.sources.languages.get(path, "python")
        new = applied(linted.text, changes)
        problem = flaw(linted, new, language)
        if problem:
            raise _FlawedError(f"with it the file does not parse ({problem})")
        if language == "notebook":
            new = in_notebook(source_of(path, before), linted.text, new_lines(linted, changes))
        encoded(self._targets.original(path).source, new)
        return new

    def _is_unfit(self, run: Run, path: str, before: str, fix: Applicable) -> bool:
        """Whether this fix alone already cannot be put back into its file."""
        try:
            self._text(run, path, before, fix.changes.get(path, ()))
        except (_FlawedError, RewriteError):
            return True
        return False

    def _changed(self, texts: Texts) -> Iterator[Changed]:
        for path, text in sorted(texts.items()):
            original = self._targets.original(path)
            if text != original.source.text:
                yield Changed(path, self._targets.file(path), original, text)

    def _held_back(self, run: Run) -> Iterator[Notice]:
        """Why fixes that the user asked for were not applied."""
        refused = self._targets.refused
        yield from (Notice(path, 1, NOTICE, f"not fixed: {why}") for path, why in refused.items())
        for finding in run.reported:
            paths = _paths(finding)
            if not is_allowed(finding, unsafe=self._unsafe) or not refused.keys().isdisjoint(paths):
                continue
            why = "" if self._is_left(finding) else self._targets.obstacle(run.sources, paths)
            if why:
                line = 1 if finding.span.path in run.sources.notebooks else finding.span.line
                yield Notice(finding.span.path, line, NOTICE, f"{finding.rule} is not fixed: {why}")


def _paths(finding: Finding) -> list[str]:
    """The files that a finding's fix changes."""
    return sorted({edit.span.path for edit in finding.fix.edits}) if finding.fix is not None else []


def _changes(run: Run, finding: Finding) -> dict[str, tuple[Change, ...]]:
    edits = finding.fix.edits if finding.fix is not None else ()
    found: dict[str, tuple[Change, ...]] = {}
    for path in _paths(finding):
        source = run.sources.text(path)
        here = [edit for edit in edits if edit.span.path == path]
        try:
            found[path] = changes_of(source, here) if source is not None else ()
        except EditError as error:
            raise SetbackError(path, [finding.rule], str(error), whole_file=False) from error
    return found


def _rules(path: str, fixes: Iterable[Applicable]) -> list[str]:
    """The rules whose fixes change a file."""
    return sorted({each.finding.rule for each in fixes if path in each.changes})


def _unfinished(path: str, chosen: Round) -> Notice:
    names = ", ".join(_rules(path, chosen.fixes))
    message = f"after {ROUNDS} rounds of fixes there are still some to apply ({names}): run again"
    return Notice(path, 1, NOTICE, message)


def _with(report: Report, notices: Sequence[Notice], fails_at: str) -> Report:
    """The report with more notices."""
    added = sorted({*notices} - {*report.notices})
    failing = report.failing + (len(added) if fails_at == "notice" else 0)
    return msgspec.structs.replace(report, notices=sorted([*report.notices, *added]), failing=failing)
