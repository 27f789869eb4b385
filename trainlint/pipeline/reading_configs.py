"""Reading one project's configs: what each is, who loads it, and which broken files nobody else speaks of."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

import msgspec

from trainlint.analysis.facts import Outline
from trainlint.discovery.gitignore import Patterns
from trainlint.discovery.paths import pattern_form
from trainlint.findings import Notice
from trainlint.knowledge.shipped_bases import is_shipped
from trainlint.pipeline.linked import Linked
from trainlint.pipeline.sources import ProjectSources
from trainlint.recipe.config.composition.compose import Composer
from trainlint.recipe.config.composition.files import ProjectFiles
from trainlint.recipe.config.file import ConfigFile, KeyUse, config_file
from trainlint.recipe.config.file import Reader as ConfigReader
from trainlint.recipe.config.from_config import config_recipe
from trainlint.recipe.config.project_reads import ProjectCode
from trainlint.recipe.config.recognise import is_template, may_be_python_config
from trainlint.recipe.config.uses import key_uses
from trainlint.recipe.model import Recipe
from trainlint.text.document import Broken, Document


class Configs(msgspec.Struct):
    """The configs of a project, sorted by path; `recipes` are those of entry configs."""

    files: list[ConfigFile] = msgspec.field(default_factory=list)
    recipes: list[Recipe] = msgspec.field(default_factory=list)
    notices: list[Notice] = msgspec.field(default_factory=list)


def read_configs(
    sources: ProjectSources, programs: Sequence[Linked], outlines: Mapping[str, Outline] | None = None
) -> Configs:
    """The files that could be training configs, or that a program loads.

    Of the others only those that a user named and that do not parse matter: `notices` tell of them.
    """
    found = Configs()
    loading = _Loading(programs, sources)
    root = sources.project.root
    declared = Patterns(pattern_form(pattern, root) for pattern in sources.project.settings.configs)
    for path in sources.config_paths():
        named = declared.excludes(path)
        if named or path in loading.readers or sources.may_be_config(path):
            _read(path, sources, loading, found, declared=named)
        elif path in sources.project.named:
            found.notices += _unclaimed(path, sources)
    for path, outline in (outlines or {}).items():
        if may_be_python_config(outline):
            _read(path, sources, loading, found, declared=False)
    found.files.sort(key=lambda config: config.path)
    found.notices += _laid_over(found.files)
    return found


class _Loading:
    """Which programs load which config, what they do with its keys, and what configs are based on."""

    def __init__(self, programs: Sequence[Linked], sources: ProjectSources) -> None:
        self.composer = Composer(ProjectFiles(sources.first_document, sources.text, sources.languages))
        self.readers: dict[str, list[ConfigReader]] = {}
        self._sources = sources
        self._uses: dict[str, list[KeyUse]] = {}
        self._recipes: dict[str, list[Recipe]] = {}
        for program in programs:
            for path, found in program.readers.items():
                self.readers.setdefault(path, []).extend(found)
                if program.recipe is not None:
                    self._recipes.setdefault(path, []).append(program.recipe)
            for path, used in program.uses.items():
                self._uses.setdefault(path, []).extend(used)

    def mentioned(self, package: str, word: str) -> bool:
        """Whether the project holds a package ("": any), and a word stands in its sources."""
        spelled = re.compile(rf"\b{re.escape(word)}\b")
        for path in self._sources.python_paths():
            if not package or package in path.split("/")[:-1]:
                source = self._sources.text(path)
                if source is not None and word in source.text and spelled.search(source.text):
                    return True
        return False

    @cached_property
    def code(self) -> ProjectCode:
        """All code of the project."""
        sources = self._sources
        known = {(each.span.path, each.span.line) for found in self.readers.values() for each in found}
        code = [sources.text(path) for path in sources.python_paths()]
        scripts = [sources.text(path) for path in sources.script_paths()]
        return ProjectCode(code, scripts, known)

    def uses(self, path: str, documents: Sequence[Document]) -> list[KeyUse]:
        """What the programs were seen to do with the keys of the file's first document."""
        seen = self._uses.get(path, [])
        recipes = self._recipes.get(path)
        if not documents or not recipes:
            return seen
        return [*seen, *key_uses(documents[0], recipes)]


def _read(path: str, sources: ProjectSources, loading: _Loading, found: Configs, *, declared: bool) -> None:
    source = sources.text(path)
    if source is None:
        return
    documents, broken = sources.documents(path)
    uses = loading.uses(path, documents)
    readers = loading.readers.get(path, ())
    composer = loading.composer
    composed = composer.compose(documents[0]) if documents and composer.inherits(documents[0]) else None
    config = config_file(source, documents, broken, readers, uses, declared=declared, composed=composed)
    config.mentioned = loading.mentioned
    config.code = loading.code if readers else None
    config.versions = sources.project.settings.versions
    if documents and documents[0].format == "python" and not config.recognition.recognised:
        return
    found.files.append(config)
    if not documents:
        return
    from trainlint.recipe.config.sweeps import sweep_recipe  # noqa: PLC0415 - it brings most of linking along

    recipe = config_recipe(
        composed.document if composed is not None else documents[0],
        config.recognition,
        loader=config.loader,
        versions=sources.project.settings.versions,
        files=composed.files if composed is not None else (),
        chains=composed.chains if composed is not None else None,
        devices=sources.project.settings.devices,
    )
    sweep = sweep_recipe(documents[0], config.recognition, config.loader)
    found.recipes += [each for each in (recipe, sweep) if each is not None]


def _laid_over(files: Sequence[ConfigFile]) -> Iterator[Notice]:
    """At most one notice: bases that a package ships are not here, so that what they set is not known."""
    missing = [
        problem
        for config in files
        if config.composed is not None
        for problem in config.composed.problems
        if problem.kind == "missing" and is_shipped(problem.target)
    ]
    if missing:
        first = missing[0]
        message = (
            f"`{first.target}` is a config of OpenMMLab's packages and not here: what it sets is not known"
        )
        yield Notice(first.span.path, first.span.line, "missing-base", message)


def _unclaimed(path: str, sources: ProjectSources) -> Iterator[Notice]:
    source = sources.text(path)
    if source is None or is_template(source.text) or sources.languages[path] == "json":
        return
    _, broken = sources.documents(path)
    yield from broken_notices(path, broken)


def broken_notices(path: str, broken: Sequence[Broken]) -> Iterator[Notice]:
    """Notices about what does not parse in a file."""
    for each in broken:
        yield Notice(path, each.line, each.kind, each.message)
