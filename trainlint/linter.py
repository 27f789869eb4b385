"""The pipeline: from paths and settings to a report. Command line, server and tests all call it."""

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
from trainlint.paths import canonical
from trainlint.recipe.config_file import ConfigFile, KeyUse, config_file
from trainlint.recipe.config_file import Reader as ConfigReader
from trainlint.recipe.from_config import config_recipe
from trainlint.recipe.model import Recipe, State
from trainlint.recipe.programs import entry_points
from trainlint.rulebook import Rulebook, load_rulebook
from trainlint.selection import selected_rules
from trainlint.settings import Settings
from trainlint.silencing import apply
from trainlint.sources import ProjectSources
from trainlint.stages import Interpreted, Interpreting, Linked, Outlined, outline_files
from trainlint.verdict import failing
from trainlint.workers import Workers, processes

Progress = Callable[[str, int, int], None]


def lint(
    paths: Sequence[Path],
    settings: Settings | None = None,
    *,
    stdin: tuple[str, str] | None = None,
    progress: Progress | None = None,
    parallel: bool = False,
) -> Report:
    """Lint files and folders and report what is wrong.

    `stdin` is a (file name, text) pair that stands for that file. `parallel` allows a process for each processor where
    the settings name no number; a script that asks for it needs the usual `if __name__ == "__main__":`.
    Raises PathError for a missing path and SettingsError for unusable settings; nothing is printed.
    """
    found = discover(paths, settings, virtual=stdin[0] if stdin else None)
    reports = [Run(project, stdin, progress, parallel=parallel).report() for project in found.projects]
    return merge_reports(reports) if reports else _empty(paths)


def recipes(paths: Sequence[Path], settings: Settings | None = None) -> list[Recipe]:
    """The recipes of the programs and configs at these paths, sorted by path."""
    found = discover(paths, settings)
    result: list[Recipe] = []
    for project in found.projects:
        run = Run(project)
        run.read()
        result += [recipe for recipe in run.recipes if recipe.entry in project.named]
    return result


def _empty(paths: Sequence[Path]) -> Report:
    root = str(paths[0]) if paths else str(Path.cwd())
    return Report(root, [], [], Summary(), {})


class Run:
    """One run over one project: reading, interpreting, linking, judging."""

    def __init__(
        self,
        project: Project,
        stdin: tuple[str, str] | None = None,
        progress: Progress | None = None,
        *,
        parallel: bool = False,
    ) -> None:
        self.project = project
        self.settings = project.settings
        self.knowledge = load_knowledge(self.settings.versions)
        self.rulebook: Rulebook = load_rulebook([Path(folder) for folder in self.settings.rulebooks])
        self.rules = selected_rules(self.rulebook, self.settings)
        self.sources = ProjectSources(project, self.knowledge, _overlay(project, stdin))
        self.seconds: dict[str, float] = {}
        self.recipes: list[Recipe] = []
        self.configs: list[ConfigFile] = []
        self.programs: list[Linked] = []
        self.units: list[UnitFacts] = []
        self._notices: list[Notice] = []
        self._progress = progress
        self._jobs = self.settings.jobs or (None if parallel else 1)

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
        paths = self.sources.python_paths()
        count = processes(self._jobs, len(paths))
        workers = Workers(self.project, self.sources.overlay, count, self._tell) if count > 1 else None
        with self._stage("outline"):
            outlined = workers.outline(paths) if workers else outline_files(
                self.sources, paths, lambda done: self._tell("reading", done, len(paths))
            )
            self._notices += outlined.notices
            self.index = ProjectIndex(outlined.outlines, outlined.broken)
        interpreted = self._interpret_in(workers, outlined) if workers else self._interpret_here()
        self.units = [facts for facts in interpreted.facts if facts.path in self.project.named]
        self.programs = [program for program in interpreted.programs if program.recipe is not None]
        self.recipes = [program.recipe for program in self.programs if program.recipe is not None]
        if workers:
            self._notices += workers.notices
        with self._stage("configs"):
            self._read_configs()

    def _interpret_in(self, workers: Workers, outlined: Outlined) -> Interpreted:
        with self._stage("interpret and link"):
            files = [path for path in self._named_python() if self._numeric(path)]
            entries = entry_points(self.index, self.knowledge)
            return workers.interpret(outlined.outlines, outlined.broken, files, entries)

    def _numeric(self, path: str) -> bool:
        return bool(Reader(self.index, self.sources.lines, self.knowledge).numeric_units(path))

    def _interpret_here(self) -> Interpreted:
        interpreting = Interpreting(self.sources, self.index, self.knowledge)
        named = self._named_python()
        with self._stage("interpret"):
            for done, path in enumerate(named):
                self._tell("interpreting", done, len(named))
                interpreting.numeric(path)
        programs: list[Linked] = []
        entries = entry_points(self.index, self.knowledge)
        with self._stage("link"):
            for done, entry in enumerate(entries):
                self._tell("linking", done, len(entries))
                programs.append(interpreting.program(entry))
        return Interpreted(interpreting.worth_keeping(), programs)

    def _named_python(self) -> list[str]:
        return [path for path in self.index.outlines if path in self.project.named]

    def _read_configs(self) -> None:
        readers: dict[str, list[ConfigReader]] = {}
        uses: dict[str, list[KeyUse]] = {}
        for program in self.programs:
            for path, found in program.readers.items():
                readers.setdefault(path, []).extend(found)
            for path, used in program.uses.items():
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
                recipe = config_recipe(
                    documents[0], config.recognition, loader=config.loader, versions=self.settings.versions
                )
                if recipe is not None:
                    self.recipes.append(recipe)

    def report(self) -> Report:
        """Read, judge, silence, and sum up."""
        self.read()
        with self._stage("judge"):
            judging = Judging(self.rulebook, self.rules, self.settings, self.index)
            findings = judging.findings(self.units, self.recipes, self.configs)
        findings = [finding for finding in findings if self._is_named(finding)]
        return self._sum_up(self._silence(findings), judging)

    def _is_named(self, finding: Finding) -> bool:
        spans = (finding.span, *(related.span for related in finding.related))
        return any(span.path in self.project.named for span in spans)

    def _silence(self, findings: list[Finding]) -> tuple[list[Finding], int]:
        paths = sorted({finding.span.path for finding in findings} | self.project.named)
        readable = [path for path in paths if self.sources.text(path) is not None]
        read = {path: self.sources.suppressions(path) for path in readable}
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
        notices = sorted({*self._all_notices(judging)})
        levels = [finding.severity for finding in shown]
        named = self.project.named
        summary = Summary(
            python_files=sum(path in named for path in self.index.outlines),
            configs=sum(config.path in named and config.judged for config in self.configs),
            programs=len(self.programs),
            lines=sum(outline.lines for path, outline in self.index.outlines.items() if path in named),
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

    def _all_notices(self, judging: Judging) -> Iterator[Notice]:
        named = self.project.named
        yield from self.project.notices
        yield from (notice for notice in (*self._notices, *self.sources.notices) if notice.path in named)
        yield from judging.notices
        spoken = {finding.path for finding in judging.about_syntax}
        for config in self.configs:
            for broken in config.broken:
                if config.path in named and config.path not in spoken:
                    yield Notice(config.path, broken.line, broken.kind, broken.message)
        for facts in self.units:
            for limit in facts.limits:
                where = facts.qualname or "the module's body"
                yield Notice(facts.path, _first_line(self.index, facts), "budget", f"{where}: {limit}")
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
    path = Path(canonical(stdin[0]))
    try:
        return {path.relative_to(project.root).as_posix(): stdin[1]}
    except ValueError:
        return {}


def _first_line(index: ProjectIndex, facts: UnitFacts) -> int:
    unit = index.unit(facts.path, facts.qualname)
    return unit.lines[0][0] if unit is not None and unit.lines else 1


__all__ = ["Run", "Span", "lint", "recipes"]
