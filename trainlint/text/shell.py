"""Shell scripts and the commands of makefiles: words with their spans, known variables filled in.

tree-sitter reads the grammar; a word that holds anything but literal text and known variables is unknown.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from trainlint.findings import Span
from trainlint.text.source import Source

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

MAX_BYTES = 1_000_000
MAX_DEPTH = 100
_MAKE_VARIABLE = re.compile(r"[ ]*(?:export\s+)?([A-Za-z_]\w*)[ \t]*(?:::?:?|\?)?=[ \t]*(.*)", re.DOTALL)
_MAKE_REFERENCE = re.compile(r"\$\(([A-Za-z_]\w*)\)")
_BRANCHES = frozenset(
    "if_statement case_statement while_statement for_statement c_style_for_statement function_definition"
    " subshell list".split()
)
_EXPANSIONS = frozenset({"simple_expansion", "expansion"})
_LITERAL = frozenset({"word", "number", "string_content", "command_name"})


@dataclasses.dataclass(frozen=True, slots=True)
class Word:
    """One word of a command. `text` is None where a part of it is not known."""

    text: str | None
    span: Span


Command = tuple[Word, ...]
"""A simple command, without redirections and variables set in front of it."""


def read_shell(source: Source) -> list[Command]:
    """The simple commands of a shell script, in order; none of a file over a megabyte.

    What Slurm is told in comments (`#SBATCH --nodes=2`) is a command too.
    """
    if len(source.text) > MAX_BYTES:
        return []
    return list(_Script(source.path, "\n".join(source.lines), {}).commands())


def shell_comments(source: Source) -> list[tuple[int, int, str]]:
    """Line, column and text (from the `#` on) of every comment of a script that mentions "trainlint:"."""
    if "trainlint:" not in source.text or len(source.text) > MAX_BYTES:
        return []
    return list(_Script(source.path, "\n".join(source.lines), {}).comments())


def read_makefile(source: Source) -> list[Command]:
    """The commands of a makefile's rules, in order, its own variables filled in."""
    if len(source.text) > MAX_BYTES:
        return []
    variables: dict[str, str | None] = {}
    recipes: list[str] = []
    for line in _with_continuations(source.lines):
        found = None if line.startswith("\t") else _MAKE_VARIABLE.match(line)
        if found is not None:
            value = found.group(2).strip()
            variables[found.group(1)] = None if "$" in value or "\n" in value else value
        # What is no recipe becomes empty lines, so that every place stays where it was.
        recipes.append(_as_shell(line) if line.startswith("\t") else "\n" * line.count("\n"))
    return list(_Script(source.path, "\n".join(recipes), variables).commands())


def _with_continuations(lines: list[str]) -> Iterator[str]:
    """Lines, each with those that a backslash joins to it."""
    whole: list[str] = []
    for line in lines:
        whole.append(line)
        if not line.endswith("\\"):
            yield "\n".join(whole)
            whole = []
    if whole:
        yield "\n".join(whole)


def _as_shell(recipe: str) -> str:
    """A recipe line as shell text of the same length: `$(LR)` is a variable there, not a command."""
    prefix = len(recipe) - len(recipe.lstrip("\t@-+ "))
    return " " * prefix + _MAKE_REFERENCE.sub(r"${\1}", recipe[prefix:]).replace("$$", " $")


@cache
def _parser() -> Parser:
    import tree_sitter_bash  # noqa: PLC0415 - most projects have few scripts or none
    from tree_sitter import Language, Parser  # noqa: PLC0415

    return Parser(Language(tree_sitter_bash.language()))


class _Script:
    """One parsed text; `variables` hold what is known of them at the place that is being read."""

    def __init__(self, path: str, text: str, variables: dict[str, str | None]) -> None:
        self.path = path
        self.text = text
        self.root = _parser().parse(_ascii(text)).root_node
        self.variables = variables

    def commands(self) -> Iterator[Command]:
        """The commands in order."""
        yield from self._visit(self.root, 0, certain=True)

    def comments(self) -> Iterator[tuple[int, int, str]]:
        """Line, column and text of every comment, in order."""
        waiting = [self.root]
        while waiting:
            node = waiting.pop()
            if node.type == "comment":
                span = self._span(node)
                yield span.line, span.column, self._text(node)
            waiting += reversed(node.named_children)

    def _job(self, node: Node) -> Command:
        span = self._span(node)
        return tuple(Word(part, span) for part in self._text(node).split())

    def _visit(self, node: Node, depth: int, *, certain: bool) -> Iterator[Command]:
        if depth > MAX_DEPTH:
            return
        if node.type == "command":
            parts = [self._words(child) for child in node.named_children if _is_word(child)]
            yield tuple(word for words in parts for word in words)
            return
        if node.type == "comment" and self._text(node).startswith("#SBATCH"):
            yield self._job(node)
            return
        if node.type == "variable_assignment":
            self._assign(node, certain=certain)
            return
        if node.type == "for_statement":
            variable = node.child_by_field_name("variable")
            if variable is not None:
                self.variables[self._text(variable)] = None
        inside = certain and node.type not in _BRANCHES
        for child in node.named_children:
            yield from self._visit(child, depth + 1, certain=inside)

    def _assign(self, node: Node, *, certain: bool) -> None:
        name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
        if name is None or name.type != "variable_name":
            return
        known = "" if value is None else self._value(value)
        # What only a branch sets is known if it was the same before.
        if not certain and self.variables.get(self._text(name)) != known:
            known = None
        self.variables[self._text(name)] = known

    def _words(self, node: Node) -> list[Word]:
        value, span = self._value(node), self._span(node)
        if value is not None and node.type in _EXPANSIONS:
            return [Word(part, span) for part in value.split()]
        return [Word(value, span)]

    def _value(self, node: Node) -> str | None:
        kind = node.type
        if kind == "raw_string":
            return self._text(node)[1:-1]
        if kind in _EXPANSIONS:
            return self._expansion(node)
        if kind in ("string", "concatenation", "command_name") and node.named_child_count:
            return self._joined(node)
        if kind == "string":
            return ""
        return re.sub(r"\\(.)", r"\1", self._text(node)) if kind in _LITERAL else None

    def _joined(self, node: Node) -> str | None:
        parts: list[str] = []
        # Blanks between the parts of a string are no nodes.
        end = node.start_byte + (1 if node.type == "string" else 0)
        for child in node.named_children:
            value = self._value(child)
            if value is None:
                return None
            parts += [" " * (child.start_byte - end), value]
            end = child.end_byte
        return "".join(parts)

    def _expansion(self, node: Node) -> str | None:
        named = node.named_children
        if not named or named[0].type != "variable_name":
            return None
        variable, *others = named
        known = self.variables.get(self._text(variable))
        if not others:
            return known
        signs = map(self._text, node.children)
        operator = next((sign for sign in signs if sign in (":-", "-")), "")
        if known is None and self._text(variable) not in self.variables and operator and len(others) == 1:
            return self._value(others[0])
        return None

    def _span(self, node: Node) -> Span:
        (first, column), (last, end) = node.start_point, node.end_point
        return Span(self.path, first + 1, column + 1, last + 1, end + 1)

    def _text(self, node: Node) -> str:
        return self.text[node.start_byte : node.end_byte]


def _is_word(node: Node) -> bool:
    return node.type not in ("variable_assignment", "file_redirect", "herestring_redirect", "comment")


def _ascii(text: str) -> bytes:
    """A text with a letter for each character beyond ASCII, so that bytes and characters have one number.

    tree-sitter's scanner for Bash looks such characters up in C's tables for letters, beyond their end.
    """
    return re.sub(r"[^\x00-\x7f]", "x", text).encode("ascii")
