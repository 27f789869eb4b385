"""The pipeline: from paths and settings to a report. Command line, server and tests all call it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from trainlint.analysis.facts import UnitFacts
from trainlint.analysis.index.project import ProjectIndex
from trainlint.discovery.dependencies import Dependencies
from trainlint.discovery.paths import canonical
from trainlint.discovery.projects import Project, discover
from trainlint.findings import Confidence, Finding, Notice, Report, Severity, Silenced, Summary, source_key
from trainlint.knowledge.base import load_knowledge
from trainlint.knowledge.formats import load_formats
from trainlint.output.verdict import failing
from trainlint.pipeline.clock import Clock, Progress
from trainlint.pipeline.dependencies import read_dependencies
from trainlint.pipeline.judging import Judging
from trainlint.pipeline.merge import merge_findings, merge_reports
from trainlint.pipeline.narrowing import Narrowing
from trainlint.pipeline.reading import read_python
from trainlint.pipeline.reading_configs import Configs, broken_notices, read_configs
from trainlint.pipeline.sources import ProjectSources
from trainlint.pipeline.stages import Linked
from trainlint.recipe.config.recognise import is_template
from trainlint.recipe.model import Recipe, State
from trainlint.rulebook.loading import Rulebook, load_rulebook
from trainlint.settings.model import Settings, SettingsError
from trainlint.settings.selection import selected_rules
from trainlint.suppressions.comments import with_reasons
from trainlint.suppressions.silencing import apply


def lint(
    paths: Sequence[Path],
    settings: Settings | None = None,
    *,
    stdin: tuple[str, str] | None = None,
    progress: Progress | None = None,
    parallel: bool = False,
) -> Report:
    """Lint files and folders and report what is wrong.

    `stdin` is a (file name, text) pair that stands for that file. `parallel` allows a process for each
    processor where the settings name no number; a script that asks for it needs the usual `if __name__ ==
    "__main__":`. Raises PathError for a missing path and SettingsError for unusable settings; nothing is
    printed.
    """
    found = discover(paths, settings, virtual=stdin[0] if stdin else None)
    if settings is not None and settings.baseline and len(found.projects) > 1:
        message = "a baseline is one project's, and the paths belong to several: name one at a time"
        raise SettingsError(f"--baseline: {message}")
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


def _with_versions(project: Project, dependencies: Dependencies) -> Project:
    """The project with the versions of its locks and pins, where its settings do not say otherwise."""
    versions = {**dependencies.versions(), **project.settings.versions}
    settings = msgspec.structs.replace(project.settings, versions=versions)
    return msgspec.structs.replace(project, settings=settings)


def _empty(paths: Sequence[Path]) -> Report:
    root = str(paths[0]) if paths else str(Path.cwd())
    return Report(root, [], [], Summary(), {})


class Run:
    """One run over one project: reading, interpreting, linking, judging.

    `standing` are, after the report, the findings that neither comments nor settings silence, `reported`
    those of them that neither a baseline nor an unchanged line keeps out of it. Their spans count the lines
    of files, not those of notebook cells.
    """

    def __init__(
        self,
        project: Project,
        stdin: tuple[str, str] | None = None,
        progress: Progress | None = None,
        *,
        parallel: bool = False,
    ) -> None:
        sources = ProjectSources(project, load_knowledge(project.settings.versions), _overlay(project, stdin))
        self.dependencies = read_dependencies(sources)
        self.project = _with_versions(project, self.dependencies)
        self.settings = self.project.settings
        self.standing: list[Finding] = []
        self._silenced: list[Silenced] = []
        self.reported: list[Finding] = []
        self.knowledge = load_knowledge(self.settings.versions)
        self.rulebook: Rulebook = load_rulebook([Path(folder) for folder in self.settings.rulebooks])
        self.rules = selected_rules(self.rulebook, self.settings)
        self.sources = ProjectSources(self.project, self.knowledge, sources.overlay)
        self.recipes: list[Recipe] = []
        self.searches: list[Recipe] = []
        self.configs = Configs()
        self.programs: list[Linked] = []
        self.units: list[UnitFacts] = []
        self._notices: list[Notice] = []
        self._clock = Clock(progress)
        self._jobs = self.settings.jobs or (None if parallel else 1)

    def read(self) -> None:
        """Everything before judging: outlines, close readings, recipes."""
        reading = read_python(self.sources, self._jobs, self._clock)
        self.index = reading.index
        self.units = [facts for facts in reading.facts if facts.path in self.project.named]
        self.programs = [program for program in reading.programs if program.recipe is not None]
        with self._clock.stage("configs"):
            self.configs = read_configs(self.sources, self.programs)
        of_code = [program.recipe for program in self.programs if program.recipe is not None]
        self.recipes = [*of_code, *self.configs.recipes]
        self.searches = [program.spaces for program in reading.programs if program.spaces is not None]
        self._notices = [*reading.notices, *self.configs.notices]

    def report(self) -> Report:
        """Read, judge, silence, and sum up."""
        narrowing = Narrowing(self.project.root, self.settings, self.rulebook.aliases)
        self.read()
        with self._clock.stage("judge"):
            judging = Judging(self.rulebook, self.rules, self.settings, self.index, self.dependencies)
            findings = judging.findings(self.units, [*self.recipes, *self.searches], self.configs.files)
        findings = [finding for finding in merge_findings(findings) if self._is_named(finding)]
        return self._sum_up(self._silence(findings), judging, narrowing)

    def _is_named(self, finding: Finding) -> bool:
        spans = (finding.span, *(related.span for related in finding.related))
        return any(span.path in self.project.named for span in spans)

    def _silence(self, findings: list[Finding]) -> tuple[list[Finding], int]:
        paths = sorted({finding.span.path for finding in findings} | self.project.named)
        readable = [path for path in paths if self.sources.text(path) is not None]
        read = {path: self.sources.suppressions(path) for path in readable}
        if self.settings.require_reasons:
            read = {path: with_reasons(entry) for path, entry in read.items()}
        done = apply(
            findings,
            read,
            self.rulebook,
            self.rules,
            per_file_ignores=self.settings.per_file_ignores,
            options=self.settings.options.get("unused-suppression", {}),
        )
        self._silenced = done.silenced
        return [*done.kept, *done.unused], done.suppressed

    def _sum_up(self, silenced: tuple[list[Finding], int], judging: Judging, narrowing: Narrowing) -> Report:
        findings, suppressed = silenced
        self.standing = [finding for finding in findings if self._is_shown(finding)]
        self.reported = narrowing.narrow(self.standing, self.index, self.sources)
        cells = [self.sources.in_cells(finding) for finding in self.reported]
        shown = sorted(cells, key=lambda finding: finding.sort_key)
        notices = sorted({*self._all_notices(judging)})
        levels = [finding.severity for finding in shown]
        named = self.project.named
        recipes = self._recipes_of_named()
        summary = Summary(
            python_files=sum(path in named for path in self.index.outlines),
            configs=sum(config.path in named and config.judged for config in self.configs.files),
            programs=sum(recipe.kind == "program" for recipe in recipes),
            lines=sum(outline.lines for path, outline in self.index.outlines.items() if path in named),
            frameworks=self._frameworks(recipes),
            unknown_fields=_unknown_fields(recipes),
            errors=levels.count(Severity.ERROR),
            warnings=levels.count(Severity.WARNING),
            advice=levels.count(Severity.ADVICE),
            suppressed=suppressed,
            baselined=narrowing.baselined,
            unchanged=narrowing.unchanged,
            fixable=sum(finding.fix is not None for finding in shown),
        )
        spans = [span for f in shown for span in (f.span, *(related.span for related in f.related))]
        touched = {source_key(span): span for span in spans}
        return Report(
            root=self.project.root,
            findings=shown,
            notices=notices,
            summary=summary,
            sources={key: self.sources.excerpt_lines(touched[key]) for key in sorted(touched)},
            seconds=self._clock.seconds,
            failing=failing(shown, notices, self.settings.fails_at),
            has_baseline=narrowing.has_baseline,
            ran=tuple(sorted(self.rules)),
            rulebooks=self.settings.rulebooks,
            silenced=tuple(self._left_out(narrowing)),
        )

    def _left_out(self, narrowing: Narrowing) -> Iterator[Silenced]:
        """What comments, settings and a baseline silence of what would be shown."""
        for each in self._silenced:
            if self._is_shown(each.finding):
                yield Silenced(self.sources.in_cells(each.finding), each.kind, each.reason)
        if narrowing.baselined and not narrowing.unchanged:
            reported = set(self.reported)
            for finding in self.standing:
                if finding not in reported:
                    yield Silenced(self.sources.in_cells(finding), "external", "known to the baseline")

    def _is_shown(self, finding: Finding) -> bool:
        return self.settings.strict or finding.confidence is Confidence.HIGH

    def _all_notices(self, judging: Judging) -> Iterator[Notice]:
        named = self.project.named
        yield from self.project.notices
        yield from (notice for notice in (*self._notices, *self.sources.notices) if notice.path in named)
        yield from judging.notices
        spoken = {finding.span.path for finding in judging.about_syntax if self._is_shown(finding)}
        for config in self.configs.files:
            template = is_template(config.source.text) and not config.read_by
            if config.path in named and config.path not in spoken and not template:
                yield from broken_notices(config.path, config.broken)
        for facts in self.units:
            for limit in facts.limits:
                where = facts.qualname or "the module's body"
                yield Notice(facts.path, _first_line(self.index, facts), "budget", f"{where}: {limit}")
        for error in self.rulebook.errors:
            yield Notice(error.path, error.line, "rule-page", error.message)

    def _recipes_of_named(self) -> list[Recipe]:
        """The recipes of programs and configs that a named file is part of."""
        named = self.project.named
        return [recipe for recipe in self.recipes if not named.isdisjoint((recipe.entry, *recipe.files))]

    def _frameworks(self, recipes: list[Recipe]) -> tuple[str, ...]:
        names = [str(recipe.get("meta.framework").value or "") for recipe in recipes]
        formats = load_formats().formats
        labels = [
            formats[name].title if name in formats else self.knowledge.label(name)
            for name in names
            if name and name != "generic"
        ]
        return tuple(dict.fromkeys(labels))


def _unknown_fields(recipes: Iterable[Recipe]) -> int:
    values = (value for recipe in recipes for value in recipe.facts.values())
    return sum(value.state is State.UNKNOWN and bool(value.reason) for value in values)


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
