"""One run over one project: reading, interpreting, linking, judging, and the report on it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from trainlint.analysis.facts import UnitFacts
from trainlint.analysis.index.project import ProjectIndex
from trainlint.discovery.dependencies import Dependencies
from trainlint.discovery.projects import Project, overlay_of
from trainlint.findings import Confidence, Finding, Notice, Report, Severity, Silenced, Summary, source_key
from trainlint.knowledge.base import load_knowledge
from trainlint.knowledge.formats import load_formats
from trainlint.output.verdict import failing
from trainlint.pipeline.blame import internal_notice
from trainlint.pipeline.clock import Clock, Progress
from trainlint.pipeline.dependencies import read_dependencies
from trainlint.pipeline.garbage import patient
from trainlint.pipeline.judging import Judging
from trainlint.pipeline.linked import Linked
from trainlint.pipeline.merge import merge_findings
from trainlint.pipeline.narrowing import Narrowing
from trainlint.pipeline.reading import read_python
from trainlint.pipeline.reading_configs import Configs, broken_notices, read_configs
from trainlint.pipeline.sources import ProjectSources
from trainlint.recipe.config.recognise import is_template
from trainlint.recipe.model import Recipe, State
from trainlint.rulebook.loading import Rulebook, load_rulebook
from trainlint.settings.selection import selected_rules
from trainlint.suppressions.comments import with_reasons
from trainlint.suppressions.silencing import apply

if TYPE_CHECKING:
    from trainlint.cache.memory import Memory
    from trainlint.fixing.making.maker import FixMaker


class Run:
    """One run over one project: reading, interpreting, linking, judging.

    `standing` are, after the report, the findings that neither comments nor settings silence, `reported`
    those of them that neither a baseline nor an unchanged line keeps out of it. Their spans count the lines
    of files, not those of notebook cells. `overlay` holds texts that stand for files, by path in the project;
    `memory` is what earlier runs left.
    """

    def __init__(
        self,
        project: Project,
        stdin: tuple[str, str] | None = None,
        progress: Progress | None = None,
        *,
        parallel: bool = False,
        overlay: Mapping[str, str] | None = None,
        memory: Memory | None = None,
    ) -> None:
        texts = {**overlay_of(project, stdin), **(overlay or {})}
        sources = ProjectSources(project, load_knowledge(project.settings.versions), texts)
        self.dependencies = read_dependencies(sources)
        self.project = _with_versions(project, self.dependencies)
        self.settings = self.project.settings
        self.standing: list[Finding] = []
        self._silenced: list[Silenced] = []
        self.reported: list[Finding] = []
        self._held_back: list[Finding] = []
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
        self._memory = memory
        self._clock = Clock(progress)
        self._jobs = self.settings.jobs or (None if parallel else 1)

    def read(self) -> None:
        """Everything before judging: outlines, close readings, recipes."""
        reading = read_python(self.sources, self._jobs, self._clock, self._memory)
        self.index = reading.index
        self.units = reading.facts
        self.programs = [program for program in reading.programs if program.recipe is not None]
        with self._clock.stage("configs"), patient():
            self.configs = read_configs(self.sources, self.programs, self.index.outlines)
        of_code = [program.recipe for program in self.programs if program.recipe is not None]
        self.recipes = [*of_code, *self.configs.recipes]
        beside = [each for program in reading.programs for each in (program.spaces, program.models)]
        self.searches = [each for each in beside if each is not None]
        self._notices = [*reading.notices, *self.configs.notices]

    def report(self) -> Report:
        """Read, judge, silence, and sum up."""
        narrowing = Narrowing(self.project.root, self.settings, self.rulebook)
        self.read()
        with self._clock.stage("judge"), patient():
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
        narrowed = narrowing.narrow(self.standing, self.index, self.sources)
        self._held_back = self._without(narrowed) if narrowing.baselined and not narrowing.unchanged else []
        self.reported = [self.sources.with_own_line_ends(each) for each in self._with_fixes(narrowed)]
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
        spans = [span for finding in shown for span in finding.spans]
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
            silenced=tuple(self._left_out()),
        )

    def _left_out(self) -> Iterator[Silenced]:
        """What comments, settings and a baseline silence of what would be shown."""
        for each in self._silenced:
            if self._is_shown(each.finding):
                yield Silenced(self.sources.in_cells(each.finding), each.kind, each.reason)
        for finding in self._held_back:
            yield Silenced(self.sources.in_cells(finding), "external", "known to the baseline")

    def _without(self, narrowed: list[Finding]) -> list[Finding]:
        kept = set(narrowed)
        return [finding for finding in self.standing if finding not in kept]

    def _with_fixes(self, findings: list[Finding]) -> list[Finding]:
        """The findings, each with its fix where its rule knows one: made only for what is reported."""
        repaired = {name for name, rule in self.rulebook.rules.items() if rule.fixes}
        if not any(finding.rule in repaired for finding in findings):
            return findings
        from trainlint.fixing.making.ground import Material  # noqa: PLC0415 - only where there are fixes
        from trainlint.fixing.making.maker import FixMaker  # noqa: PLC0415

        recipes = [*self.recipes, *self.searches]
        configs = self.configs.files
        material = Material(self.sources, self.index, self.knowledge, recipes, self.units, configs)
        maker = FixMaker(self.rulebook.rules, self.settings.options, material)
        with self._clock.stage("fixes"):
            return [self._with_fix(maker, finding) for finding in findings]

    def _with_fix(self, maker: FixMaker, finding: Finding) -> Finding:
        try:
            return maker.with_fix(finding)
        except Exception as error:  # noqa: BLE001 - a fix that cannot be made must not cost the finding
            doing = f"making the fix of {finding.rule}"
            self._notices.append(internal_notice(finding.span.path, finding.span.line, doing, error))
            return finding

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
            for limit in facts.limits if facts.path in named else ():
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


def _with_versions(project: Project, dependencies: Dependencies) -> Project:
    """The project with the versions of its locks and pins, where its settings do not say otherwise."""
    versions = {**dependencies.versions(), **project.settings.versions}
    settings = msgspec.structs.replace(project.settings, versions=versions)
    return msgspec.structs.replace(project, settings=settings)


def _unknown_fields(recipes: Iterable[Recipe]) -> int:
    values = (value for recipe in recipes for value in recipe.facts.values())
    return sum(value.state is State.UNKNOWN and bool(value.reason) for value in values)


def _first_line(index: ProjectIndex, facts: UnitFacts) -> int:
    unit = index.unit(facts.path, facts.qualname)
    return unit.lines[0][0] if unit is not None and unit.lines else 1
