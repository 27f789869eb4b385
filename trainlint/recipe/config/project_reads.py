"""What all code of a project does with the configs it loads, as far as it can be told."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Collection, Sequence
from functools import cached_property

import msgspec

from trainlint.recipe.config.reads import project_reads
from trainlint.recipe.config.reads_flow import Path, Reads, Site
from trainlint.text.source import Source

_MOST_FILES = 400
_LONGEST = 4_000_000
"""Characters of all files together. In more code than this some part of a config goes where nobody looks."""

_WORD = re.compile(r"\w+")


class ProjectReads(msgspec.Struct, frozen=True):
    """`free` are the calls that load a config of which it is not known which one."""

    reads: Reads
    free: frozenset[Site]

    def of(self, sites: Collection[Site]) -> KeyReads | None:
        """What is done with a config that some calls load; None where one of them was not found."""
        if not sites or not self.reads.sites.issuperset(sites):
            return None
        all_sites = self.free.union(sites)
        asked = {keys for site, keys in self.reads.asked if site in all_sites}
        whole = {keys for site, keys in self.reads.whole if site in all_sites}
        return KeyReads(frozenset(asked), frozenset(whole))


class KeyReads(msgspec.Struct, frozen=True):
    """What is done with one config: keys that are asked for by name, and parts that are handed on whole."""

    asked: frozenset[Path]
    whole: frozenset[Path]

    def is_closed(self, keys: Path) -> bool:
        """Whether nothing above a key, nor it, is handed on whole."""
        return not any(keys[:length] in self.whole for length in range(len(keys) + 1))


class ProjectCode:
    """A project's code, read as far as a question about it needs.

    `code` and `scripts` are its texts, None for those that cannot be read; `known` the calls of which it is
    known what they load.
    """

    def __init__(
        self, code: Sequence[Source | None], scripts: Sequence[Source | None], known: Collection[Site]
    ) -> None:
        self._code = code
        self._scripts = scripts
        self._known = known

    @cached_property
    def words(self) -> frozenset[str] | None:
        """All words of code and scripts; None where a file cannot be read, or there is too much."""
        sources = [source for source in self._code if source is not None]
        length = sum(len(source.text) for source in sources)
        if len(sources) < len(self._code) or len(sources) > _MOST_FILES or length > _LONGEST:
            return None
        sources += [script for script in self._scripts if script is not None]
        return frozenset(word for source in sources for word in _WORD.findall(source.text))

    @cached_property
    def reads(self) -> ProjectReads | None:
        """What the code does with its configs; None where it does not parse, or cannot be told."""
        modules: list[tuple[str, ast.Module]] = []
        for source in self._code if self.words is not None else ():
            tree = _parsed(source) if source is not None else None
            if source is None or tree is None:
                return None
            modules.append((source.path, tree))
        try:
            reads = project_reads(modules)
        except RecursionError:  # an expression that is nested too deep to be followed
            return None
        return ProjectReads(reads, frozenset(reads.sites.difference(self._known))) if reads.settled else None


def _parsed(source: Source) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source.text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
