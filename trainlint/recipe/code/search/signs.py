"""Which files may hold a hyper-parameter search, told by their outlines alone."""

from __future__ import annotations

from functools import cache

from trainlint.analysis.facts import Outline, Unit
from trainlint.analysis.index.project import ProjectIndex
from trainlint.knowledge.search_spaces import search_spaces
from trainlint.knowledge.search_tools import search_tools


def declares_search(index: ProjectIndex, path: str) -> bool:
    """Whether a file may declare a range, or set up a search."""
    outline = index.outlines[path]
    words = space_words(outline)
    return any(declares_space(unit, words) for unit in outline.units) or declares_search_call(outline)


def space_words(outline: Outline) -> frozenset[str]:
    """The names that declare a range in a file: those of the libraries it imports, and unmistakable ones."""
    packages = {entry.target.partition(".")[0] for entry in outline.imports}
    return frozenset(name for name, package in _callables() if not package or package in packages)


@cache
def _callables() -> tuple[tuple[str, str], ...]:
    """Every name that declares a range, with the package that must be imported ("" for none)."""
    known = search_spaces()
    methods = [(name, way.package) for name, way in known.methods.items()]
    names = (*known.functions, *known.bounds)
    functions = [(name.rpartition(".")[2], name.partition(".")[0]) for name in names]
    return (*methods, *functions)


def declares_space(unit: Unit, words: frozenset[str]) -> bool:
    """Whether a unit may declare a range by one of these names."""
    mapped = any(key in unit.mentions for key in search_spaces().mappings)
    return mapped or any(name.rpartition(".")[2] in words for name in unit.calls)


def declares_search_call(outline: Outline) -> bool:
    """Whether a file may set up a search."""
    words = call_words(outline)
    return any(declares_call(unit, words) for unit in outline.units)


def call_words(outline: Outline) -> frozenset[str]:
    """The last parts of the names that set up a search in one of the libraries a file imports."""
    tools = search_tools()
    packages = {
        tools.canonical(entry.target.partition(".")[0]).partition(".")[0] for entry in outline.imports
    }
    return frozenset(name.rpartition(".")[2] for name in tools.searches if name.partition(".")[0] in packages)


def declares_call(unit: Unit, words: frozenset[str]) -> bool:
    """Whether a unit may set up a search by one of these names."""
    return any(name.rpartition(".")[2] in words for name in unit.calls)
