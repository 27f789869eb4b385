"""How high the syntax tree of an expression can be, counted from its tokens.

Elements of a literal or call stand side by side, so each is counted by itself: tables of any length pass.
"""

from __future__ import annotations

import re

import msgspec

from trainlint.text.lexer import COMMENT, CONTINUATION, FLAT_GROUP, NEWLINE, SPECIAL, STRING

BRACKET_LIMIT = 100
CHAIN_LIMIT = 300
"""Operators, links or adjacent strings of one element."""
HEIGHT_LIMIT = 500
"""All of these along one path through an expression."""

_SHORT = 100
"""A replacement field of no more characters cannot go past any limit."""

_ELEMENT = re.compile(
    rf"(?:[^{SPECIAL},]*{FLAT_GROUP})*[^{SPECIAL},]*"
    rf"(?:(,)|([(\[{{])|([)\]}}])|({STRING})|{NEWLINE}|{COMMENT}|{CONTINUATION}|(?s:.))"
)
_SEPARATOR, _OPENING, _CLOSING, _TEXT = range(1, 5)
_TOKEN = re.compile(
    rf"({STRING})|([(\[{{])|([)\]}}])|(,)|\b(and|or|not|if|else|lambda|await|for|in|is)\b|([:;])"
    rf"|(\.)(?!\d)|(->|:=|[-+*/%@&|^=<>!~])|[^\W\d]\w*|[\d.][\w.]*|{COMMENT}|{CONTINUATION}"
)
_STRING, _OPEN, _CLOSE, _COMMA, _WORD, _COLON, _DOT, _OPERATOR = range(1, 9)
_FORMATTED = re.compile(r"(?i:[ft]|[ft]r|r[ft]|\W[ft])")
_BRACE = re.compile(r"[{}]")


class TooHighError(Exception):
    """An expression goes past a limit at `offset`."""

    def __init__(self, offset: int, reason: str) -> None:
        super().__init__(reason)
        self.offset = offset
        self.reason = reason


def check_height(text: str, start: int, end: int) -> None:
    """Raise TooHighError at the token of a logical line (given by offsets) that goes past a limit."""
    if not _is_low(text, start, end):
        _Expression(text).height(start, end)


def _is_low(text: str, start: int, end: int) -> bool:
    """Whether the lengths of elements alone show that no limit is near. Far cheaper than to count tokens."""
    if text.find("lambda", start, end) >= 0:
        return False
    own, below = [0], [0]
    for match in _ELEMENT.finditer(text, start, end):
        group = match.lastindex
        own[-1] += match.end() - match.start()
        if group == _TEXT:
            length = match.end() - match.start(_TEXT)
            if length > _SHORT and _is_formatted(text, match.start(_TEXT)):
                return False
            own[-1] -= length - 1
        height = own[-1] + below[-1]
        if own[-1] > CHAIN_LIMIT or height > HEIGHT_LIMIT:
            return False
        if group == _OPENING:
            own.append(0)
            below.append(0)
        elif group == _CLOSING and len(own) > 1:
            own.pop()
            below.pop()
            below[-1] = max(below[-1], height)
        elif group == _SEPARATOR:
            own[-1] = 0
    return len(own) == 1


class _Frame(msgspec.Struct):
    """What was counted in the current element of an open bracket; `height` is of its highest so far."""

    operators: int = 0
    links: int = 0
    longest: int = 0
    strings: int = 0
    below: int = 0
    lambdas: int = 0
    height: int = 0


class _Expression:
    """Counts the tokens of a logical line."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._frames = [_Frame()]

    def height(self, start: int, end: int) -> int:
        """An upper bound in nodes; raises TooHighError at the token that goes past a limit."""
        for match in _TOKEN.finditer(self._text, start, end):
            group = match.lastindex
            if group is not None:
                self._take(group, match)
        while len(self._frames) > 1:
            self._close(end)
        self._end_element(end)
        return self._frames[0].height

    def _take(self, group: int, match: re.Match[str]) -> None:
        frame, offset = self._frames[-1], match.start()
        if group in (_OPERATOR, _WORD):
            frame.operators += 1
            frame.links = 0
            frame.lambdas += match[0] == "lambda"
            _limit(frame.operators, offset, "operators")
        elif group == _DOT:
            _link(frame, offset)
        elif group == _STRING:
            self._string(frame, match)
        elif group == _OPEN:
            _link(frame, offset)
            self._frames.append(_Frame())
            if len(self._frames) - 1 > BRACKET_LIMIT:
                raise TooHighError(offset, f"brackets nested {BRACKET_LIMIT} deep")
        elif group == _CLOSE:
            self._close(offset)
        elif frame.lambdas:  # a comma or colon of a lambda's parameters: its body is still to come
            frame.lambdas -= group == _COLON
        else:
            self._end_element(offset)

    def _string(self, frame: _Frame, match: re.Match[str]) -> None:
        frame.strings += 1
        start, end = match.span()
        _limit(frame.strings, start, "adjacent strings")
        if end - start > _SHORT and _is_formatted(self._text, start):
            frame.below = max(frame.below, _fields_height(self._text, start, end))

    def _close(self, offset: int) -> None:
        self._end_element(offset)
        if len(self._frames) > 1:
            below = self._frames.pop().height
            self._frames[-1].below = max(self._frames[-1].below, below)

    def _end_element(self, offset: int) -> None:
        frame = self._frames[-1]
        height = frame.operators + frame.longest + frame.strings + frame.below + 1
        if height > HEIGHT_LIMIT:
            raise TooHighError(offset, f"an expression nested more than {HEIGHT_LIMIT} deep")
        self._frames[-1] = _Frame(height=max(frame.height, height))


def _link(frame: _Frame, offset: int) -> None:
    frame.links += 1
    frame.longest = max(frame.longest, frame.links)
    _limit(frame.links, offset, "links ('.', '[' or '(') in a row")


def _limit(count: int, offset: int, what: str) -> None:
    if count > CHAIN_LIMIT:
        raise TooHighError(offset, f"more than {CHAIN_LIMIT} {what} in one expression")


def _is_formatted(text: str, quote: int) -> bool:
    """Whether the string literal whose quote is at this offset is an f-string or t-string."""
    return _FORMATTED.fullmatch(text, max(quote - 2, 0), quote) is not None


def _fields_height(text: str, start: int, end: int) -> int:
    """The height of the highest replacement field of an f-string."""
    height = depth = opened = 0
    doubled = -1
    for match in _BRACE.finditer(text, start, end):
        offset = match.start()
        if match[0] == "}":
            if depth == 1 and offset - opened > _SHORT:
                height = max(height, _Expression(text).height(opened, offset))
            depth = max(depth - 1, 0)
        elif offset != doubled:
            if depth == 0 and text.startswith("{{", offset):
                doubled = offset + 1
                continue
            opened = opened if depth else offset
            depth += 1
    if depth and end - opened > _SHORT:
        height = max(height, _Expression(text).height(opened, end))
    return height
