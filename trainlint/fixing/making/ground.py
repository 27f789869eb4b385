"""What a fix is made from: a finding, the facts behind it, and the files they come from."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence

import msgspec

from trainlint.analysis.facts import UnitFacts
from trainlint.analysis.index.project import ProjectIndex
from trainlint.findings import Finding, Span
from trainlint.fixing.making.syntax import Syntax, read_syntax
from trainlint.knowledge.base import Entry as KnownName
from trainlint.knowledge.base import Knowledge
from trainlint.pipeline.sources import ProjectSources
from trainlint.recipe.config.file import ConfigFile
from trainlint.recipe.model import Recipe, Value
from trainlint.text.document import Entry, Node
from trainlint.text.source import Source
from trainlint.text.walk import walk

Facts = Mapping[str, Value]


class Material:
    """What a run has read, as far as fixes are made from it. Files are parsed once, when one is asked for."""

    def __init__(
        self,
        sources: ProjectSources,
        index: ProjectIndex,
        knowledge: Knowledge,
        recipes: Sequence[Recipe],
        units: Sequence[UnitFacts],
        configs: Sequence[ConfigFile],
    ) -> None:
        self.sources = sources
        self.index = index
        self.knowledge = knowledge
        self.recipes = recipes
        self.units = units
        self.configs = {config.path: config for config in configs}
        self._syntax: dict[str, Syntax | None] = {}

    def source(self, path: str) -> Source | None:
        """The text of a file; None where it cannot be read."""
        return self.sources.text(path)

    def is_python(self, path: str) -> bool:
        """Whether a file holds Python: a notebook does."""
        return path in self.index.outlines

    def syntax(self, path: str) -> Syntax | None:
        """The syntax of a Python file; None for any other file and where this Python cannot parse it."""
        if path not in self._syntax:
            source = self.source(path) if self.is_python(path) else None
            self._syntax[path] = read_syntax(source) if source is not None else None
        return self._syntax[path]

    def node(self, span: Span) -> Node | None:
        """The value of a config that fills a place exactly."""
        config = self.configs.get(span.path)
        place = (span.line, span.column, span.end_line, span.end_column)
        for document in config.documents if config is not None else ():
            for _, node in walk(document.root):
                if node.place == place:
                    return node
        return None

    def entry_at(self, span: Span) -> Entry | None:
        """The entry of a config whose key fills a place exactly."""
        config = self.configs.get(span.path)
        place = (span.line, span.column, span.end_line, span.end_column)
        for document in config.documents if config is not None else ():
            for _, node in walk(document.root):
                for entry in node.items:
                    if entry.key.place == place:
                        return entry
        return None


class Ground(msgspec.Struct, frozen=True):
    """A finding that a fix is wanted for."""

    finding: Finding
    facts: Facts
    material: Material

    @property
    def path(self) -> str:
        """The file the finding stands in."""
        return self.finding.span.path

    @property
    def syntax(self) -> Syntax | None:
        """The syntax of that file."""
        return self.material.syntax(self.path)

    def place(self, at: str) -> Span | None:
        """The place a fix's edit names: the finding's own, or one of its places where a value was written."""
        if at == "finding":
            return self.finding.span
        value = self.facts.get(at)
        shown = (self.finding.span, *(related.span for related in self.finding.related))
        return value.span if value is not None and value.span in shown else None

    def text(self, path: str) -> str:
        """A fact's text; "" where it is none."""
        value = self.facts.get(path)
        return value.value if value is not None and isinstance(value.value, str) else ""

    def call(self, at: str = "finding") -> ast.Call | None:
        """The call that fills a place."""
        span = self.place(at)
        syntax = self.material.syntax(span.path) if span is not None else None
        return syntax.expression(span, ast.Call) if syntax is not None and span is not None else None

    def entry(self, path: str, call: ast.Call) -> KnownName | None:
        """What the knowledge says of the function or class that is called; None where that is not sure."""
        dotted = dotted_name(call.func)
        if not dotted:
            return None
        index = self.material.index
        target = index.resolve(path, _unit_at(index, path, call.lineno), dotted)
        if target.kind != "external":
            return None
        return self.material.knowledge.lookup(target.absolute)


def dotted_name(node: ast.expr) -> str:
    """`a.b.c` of names and attributes; "" for any other expression."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


def _unit_at(index: ProjectIndex, path: str, line: int) -> str:
    """The unit that a line belongs to: the names it imports count there."""
    outline = index.by_path(path)
    units = outline.units if outline is not None else []
    holding = (u for u in units if any(first <= line <= last for first, last in u.lines))
    return max((unit.qualname for unit in holding if unit.kind == "function"), key=len, default="")
