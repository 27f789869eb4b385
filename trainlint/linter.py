"""The pipeline: from paths and settings to a report. The command line, the server and the tests all call it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from trainlint.analysis.facts import UnitFacts
from trainlint.analysis.index import ProjectIndex
from trainlint.analysis.reader import Reader
from trainlint.discovery import Project, discover
from trainlint.findings import Confidence, Finding, Notice, Report, Severity, Span, Summary
from trainlint.judging import Judging
from trainlint.knowledge.base import load_knowledge
from trainlint.merge import merge_reports
from trainlint.recipe.config_file import ConfigFile, KeyUse, config_file
from trainlint.recipe.config_file import Reader as ConfigReader
from trainlint.recipe.config_store import ConfigStore
from trainlint.recipe.from_code import code_recipe
from trainlint.recipe.from_config import config_recipe
from trainlint.recipe.model import Recipe, State
from trainlint.recipe.programs import Program, entry_points
from trainlint.rulebook import Rulebook, load_rulebook
from trainlint.selection import selected_rules
from trainlint.settings import Settings
from trainlint.silencing import apply
from trainlint.sources import ProjectSources
from trainlint.text.document import Document
from trainlint.verdict import failing

Progress = Callable[[str, int, int], None]


def lint(
    paths: Sequence[Path],
    settings: Settings | None = None,
    *,
    stdin: tuple[str, str] | None = None,
    progress: Progress | None = None,
) -> Report:
    """Lint files and folders and report what is wrong. `stdin` is a (file name, text) pair that stands for that file.

    Raises PathError for a missing path and SettingsError for unusable settings; nothing is printed.
    """
    found = discover(paths, settings, virtual=stdin[0] if stdin else None)
    reports = [Run(project, stdin, progress).report() for project in found.projects]
    return merge_reports(reports) if reports else _empty(paths)


def recipes(paths: Sequence[Path], settings: Settings | None = None) -> list[Recipe]:
    """The recipes of the programs and configs at these paths, sorted by path."""
    found = discover(paths, settings)
    result: list[Recipe] = []
    for project in found.projects:
        run = Run(project, None, None)
        run.read()
        result += [recipe for recipe in run.recipes if recipe.entry in project.named]
    return result


def _empty(paths: Sequence[Path]) -> Report:
    root = str(paths[0]) if paths else str(Path.cwd())
    return Report(root, [], [], Summary(), {})


class Run:
    """One run over one project: reading, interpreting, linking, judging."""

    def __init__(self, project: Project, stdin: tuple[str, str] | None, progress: Progress | None) -> None:
        self.project = project
        self.settings = project.settings
        self.knowledge = load_knowledge(self.settings.versions)
        self.rulebook: Rulebook = load_rulebook([Path(folder) for folder in self.settings.rulebooks])
        self.rules = selected_rules(self.rulebook, self.settings)
        self.sources = ProjectSources(project, self.knowledge, _overlay(project, stdin))
        self.seconds: dict[str, float] = {}
        self.recipes: list[Recipe] = []
        self.configs: list[ConfigFile] = []
        self.programs: list[Program] = []
        self._progress = progress

    @contextmanager
    def _stage(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start

    def _tell(self, stage: str, done: int, total: int) -> None:
        if self._progress is not None:
            self._progress(stage, done, total)

    def read(self) -> None:
        """Everything before judging: outlines, close readings, recipes."""
        with self._stage("outline"):
            self._outline()
        with self._stage("interpret"):
            self._interpret()
        with self._stage("link"):
            self._link()

    def _outline(self) -> None:
        paths = self.sources.python_paths()
        outlines = []
        broken = []
        for done, path in enumerate(paths):
            self._tell("reading", done, len(paths))
            found = self.sources.outline(path)
            if found is None:
                broken.append(path)
            else:
                outlines.append(found)
        self.index = ProjectIndex(outlines, broken)
        self.reader = Reader(self.index, self.sources.lines, self.knowledge)

    def _interpret(self) -> None:
        named = [path for path in self.index.outlines if path in self.project.named]
        for done, path in enumerate(named):
            self._tell("interpreting", done, len(named))
            for qualname in self.reader.numeric_units(path):
                self.reader.facts(path, qualname)

    def _link(self) -> None:
        stores: list[ConfigStore] = []
        entries = entry_points(self.index, self.knowledge)
        for done, entry in enumerate(entries):
            self._tell("linking", done, len(entries))
            store = ConfigStore(entry, self.sources.config_paths_set(), self._first_document)
            program = Program(entry, self.index, self.reader, self.knowledge, store)
            recipe = code_recipe(program)
            if recipe is not None:
                self.programs.append(program)
                self.recipes.append(recipe)
                stores.append(store)
        self._read_configs(stores)

    def _first_document(self, path: str) -> Document | None:
        documents, _ = self.sources.documents(path)
        return documents[0] if documents else None

    def _read_configs(self, stores: Sequence[ConfigStore]) -> None:
        readers: dict[str, list[ConfigReader]] = {}
        uses: dict[str, list[KeyUse]] = {}
        for store in stores:
            for path, found in store.readers.items():
                readers.setdefault(path, []).extend(found)
            for path, used in store.uses.items():
                uses.setdefault(path, []).extend(used)
        for path in self.sources.config_paths():
            if path not in readers and not self.sources.may_be_config(path):
                continue
            source = self.sources.text(path)
            if source is None:
                continue
            documents, broken = self.sources.documents(path)
            config = config_file(source, documents, broken, readers.get(path, ()), uses.get(path, ()))
            self.configs.append(config)
            if documents:
                recipe = config_recipe(documents[0], config.recognition, loader=config.loader)
                if recipe is not None:
                    self.recipes.append(recipe)

    def report(self) -> Report:
        """Read, judge, silence, and sum up."""
        self.read()
        with self._stage("judge"):
            judging = Judging(self.rulebook, self.rules, self.settings, self.index, self.reader)
            findings = judging.findings(self.recipes, self.configs, self.project.named)
        findings = [finding for finding in findings if self._is_named(finding)]
        return self._sum_up(self._silence(findings), judging)

    def _is_named(self, finding: Finding) -> bool:
        spans = (finding.span, *(related.span for related in finding.related))
        return any(span.path in self.project.named for span in spans)

    def _silence(self, findings: list[Finding]) -> tuple[list[Finding], int]:
        paths = sorted({finding.span.path for finding in findings} | set(self.project.named))
        read = {path: self.sources.suppressions(path) for path in paths if self.sources.text(path) is not None}
        done = apply(
            findings,
            read,
            self.rulebook,
            self.rules,
            per_file_ignores=self.settings.per_file_ignores,
            options=self.settings.options.get("unused-suppression", {}),
        )
        return [*done.kept, *done.unused], done.suppressed

    def _sum_up(self, silenced: tuple[list[Finding], int], judging: Judging) -> Report:
        findings, suppressed = silenced
        shown = self._distinct(self._in_cell(finding) for finding in findings if self._is_shown(finding))
        notices = sorted({*self._notices(judging)})
        levels = [finding.severity for finding in shown]
        summary = Summary(
            python_files=sum(path in self.project.named for path in self.index.outlines),
            configs=sum(config.path in self.project.named and config.judged for config in self.configs),
            programs=len(self.programs),
            lines=sum(outline.lines for path, outline in self.index.outlines.items() if path in self.project.named),
            frameworks=self._frameworks(),
            unknown_fields=self._unknown_fields(),
            errors=levels.count(Severity.ERROR),
            warnings=levels.count(Severity.WARNING),
            advice=levels.count(Severity.ADVICE),
            suppressed=suppressed,
            fixable=sum(finding.fix is not None for finding in shown),
        )
        touched = {span.path for f in shown for span in (f.span, *(related.span for related in f.related))}
        return Report(
            root=self.project.root,
            findings=shown,
            notices=notices,
            summary=summary,
            sources={path: self.sources.excerpt_lines(path) for path in sorted(touched)},
            seconds=self.seconds,
            failing=failing(shown, notices, self.settings.fails_at),
        )

    @staticmethod
    def _distinct(findings: Iterable[Finding]) -> list[Finding]:
        """Sorted, one for each rule and place: programs that share a module would each report it."""
        ordered = sorted(findings, key=lambda finding: (finding.sort_key, finding.program))
        return list({(finding.rule, finding.span): finding for finding in reversed(ordered)}.values())[::-1]

    def _is_shown(self, finding: Finding) -> bool:
        return self.settings.strict or finding.confidence is Confidence.HIGH

    def _in_cell(self, finding: Finding) -> Finding:
        return self.sources.in_cells(finding)

    def _notices(self, judging: Judging) -> Iterator[Notice]:
        named = self.project.named
        yield from self.project.notices
        yield from (notice for notice in self.sources.notices if notice.path in named)
        yield from judging.notices
        spoken = {finding.path for finding in judging.about_syntax}
        for config in self.configs:
            for broken in config.broken:
                if config.path in named and config.path not in spoken:
                    yield Notice(config.path, broken.line, broken.kind, broken.message)
        for facts in self.reader.known():
            for limit in facts.limits:
                if facts.path in named:
                    yield Notice(facts.path, _first_line(self.index, facts), "budget", f"{facts.qualname or 'module'}: {limit}")
        for error in self.rulebook.errors:
            yield Notice(error.path, error.line, "rule-page", error.message)

    def _frameworks(self) -> tuple[str, ...]:
        names = [str(recipe.get("meta.framework").value or "") for recipe in self.recipes]
        labels = [self.knowledge.label(name) for name in names if name and name != "generic"]
        return tuple(dict.fromkeys(labels))

    def _unknown_fields(self) -> int:
        return sum(
            value.state is State.UNKNOWN and bool(value.reason)
            for recipe in self.recipes
            if recipe.entry in self.project.named
            for value in recipe.facts.values()
        )


def _overlay(project: Project, stdin: tuple[str, str] | None) -> dict[str, str]:
    if stdin is None:
        return {}
    path = Path(stdin[0]).absolute()
    try:
        return {path.relative_to(project.root).as_posix(): stdin[1]}
    except ValueError:
        return {}


def _first_line(index: ProjectIndex, facts: UnitFacts) -> int:
    unit = index.unit(facts.path, facts.qualname)
    return unit.lines[0][0] if unit is not None and unit.lines else 1


__all__ = ["Run", "Span", "lint", "recipes"]
