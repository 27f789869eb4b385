"""Python text to a stdlib syntax tree, or the reason why there is none."""

from __future__ import annotations

import ast
import re
import warnings

from trainlint.text.document import Broken

MAX_BRACKETS = 100
"""Bracket depth up to which libcst's native parser is known to be safe; checked where `ast` cannot vouch for a text."""

MAX_LINE_OPERATORS = 300
"""Operators in one logical line up to which libcst is known to be safe."""

_OLD_MESSAGES = (
    "Missing parentheses in call to 'print'",
    "Missing parentheses in call to 'exec'",
    "leading zeros in decimal integer literals",
)
_OLD_EXCEPT = "multiple exception types must be parenthesized"
_OLD_LINE = re.compile(
    r"""^\s*(?:print\s+(?:["'\w%]|>>)|exec\s+["'\w]|raise\s+[\w.]+\s*,"""
    r"""|except\s+[\w.]+(?:\s*\([^)]*\))?\s*,\s*[a-z_]\w*\s*:|except\s*\([^)]*\)\s*,\s*\w+\s*:)"""
    r"""|\W(?:ur|UR)["']|<>|\b\d+[lL]\b|`\w[^`]*`"""
)
_DEEP_MESSAGES = ("too many nested parentheses", "too many levels of indentation", "too many statically nested")
_TOKEN = re.compile(
    r"""(?P<string>(?:'''|\"\"\")|["'])|(?P<comment>\#[^\r\n]*)|(?P<open>[(\[{])|(?P<close>[)\]}])"""
    r"""|(?P<joined>\\(?:\r\n|\r|\n))|(?P<newline>\r\n|\r|\n)|(?P<word>\w+)|(?P<operator>[-+*/%@&|^~<>=.,:]+)"""
)
_STRING_END = {
    quote: re.compile(rf"(?:[^\\]|\\.)*?{quote}", re.DOTALL) for quote in ("'", '"', "'''", '"""')
}
_OPERATOR_WORDS = frozenset({"and", "or", "not", "if", "else", "lambda", "await", "elif", "in", "is"})


def parse(text: str) -> ast.Module | Broken:
    """The syntax tree of a file, or a Broken of kind syntax, python2 or too-deep. Warnings about the text are silenced."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except SyntaxError as error:
        return _reason(error, text)
    except (RecursionError, MemoryError):
        return too_deep(1)
    except ValueError as error:
        return Broken("syntax", _line_of_nul(text), 1, str(error))


def too_deep(line: int) -> Broken:
    """The refusal of a file whose nesting would exhaust a parser, at the line where it starts."""
    return Broken("too-deep", line, 1, "expressions or blocks are nested too deeply to be read safely")


def _line_of_nul(text: str) -> int:
    before = text.partition("\0")[0]
    return before.count("\n") + 1


def _reason(error: SyntaxError, text: str) -> Broken:
    line, column, message = error.lineno or 1, max(error.offset or 1, 1), error.msg or "invalid syntax"
    if message.startswith(_DEEP_MESSAGES):
        return too_deep(line)
    if message.startswith(_OLD_MESSAGES) or _is_old_line(_line(text, line), message):
        return Broken("python2", line, column, "Python 2 source")
    return Broken("syntax", line, column, message)


def _line(text: str, number: int) -> str:
    lines = re.split(r"\r\n|\r|\n", text)
    return lines[number - 1] if number <= len(lines) else ""


def _is_old_line(line: str, message: str) -> bool:
    """Whether a refused line is spelled as only Python 2 allows. `except A, B:` is new syntax in 3.14, `except A, e:` is old."""
    if message.startswith(_OLD_EXCEPT):
        return bool(re.search(r",\s*[a-z_]\w*\s*:", line))
    return bool(_OLD_LINE.search(line.split("#")[0]))


def is_shallow(text: str) -> bool:
    """Whether a text that `ast` could not vouch for is shallow enough to be handed to libcst. Linear in its length."""
    depth = operators = elifs = position = 0
    while match := _TOKEN.search(text, position):
        position = match.end()
        kind = match.lastgroup
        if kind == "string":
            end = _STRING_END[match.group()].match(text, position)
            if end is None:
                return True
            position = end.end()
            operators += 1
        elif kind == "open":
            depth += 1
            operators += 1
        elif kind == "close":
            depth = max(depth - 1, 0)
        elif kind == "newline" and depth == 0:
            operators = 0
        elif kind == "operator":
            operators += len(match.group().strip(",:="))
        elif kind == "word" and match.group() in _OPERATOR_WORDS:
            operators += 1
            elifs += match.group() == "elif"
        if depth > MAX_BRACKETS or operators > MAX_LINE_OPERATORS or elifs > MAX_LINE_OPERATORS:
            return False
    return True
