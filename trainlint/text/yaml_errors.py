"""What the YAML parser complains about, in plain words and at the place to look at."""

from __future__ import annotations

import yaml

from trainlint.text.document import Broken
from trainlint.text.source import Source

_PLAIN_WORDS = (
    ("could not find expected ':'", "a key here has no ':' after it"),
    ("mapping values are not allowed", "a second ': ' on this line; quote the value if it holds a colon"),
    ("block sequence entries are not allowed", "a '- ' list item cannot start here"),
    ("sequence entries are not allowed", "a '- ' list item cannot start here"),
    ("did not find expected key", "expected a key: check the indentation and the brackets before it"),
    ("did not find expected node content", "expected a value: check the quotes and brackets"),
    ("did not find expected '-' indicator", "expected a '- ' list item: check the indentation"),
    ("expected <block end>", "this does not line up with what is above it: check the indentation"),
    ("expected ',' or '", "expected ',' or the closing bracket"),
    ("undefined tag handle", "a tag handle that no %TAG directive declares"),
    ("unknown escape character", "unknown escape in a double-quoted text; double the backslash"),
    ("expected <document start>", "expected the start of a document ('---')"),
    ("expected '<document start>'", "expected the start of a document ('---')"),
)
_UNCLOSED = "end of stream"


def explain(error: yaml.YAMLError | UnicodeEncodeError, source: Source) -> Broken:
    """The parser's error as a Broken: the place where reading stopped, or where an unclosed quote opened."""
    if isinstance(error, UnicodeEncodeError):
        return Broken("encoding", *source.position(error.start), "a lone surrogate is not a character")
    if isinstance(error, yaml.reader.ReaderError):
        shown = f"U+{error.character:04X}" if isinstance(error.character, int) else repr(error.character)
        offset = min(_bad_character(source.text, error), len(source.text))
        return Broken("config-syntax", *source.position(offset), f"character {shown} is not allowed in YAML")
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return Broken("config-syntax", 1, 1, str(error).splitlines()[0])
    mark, problem = error.problem_mark, error.problem or "cannot be parsed"
    if _UNCLOSED in problem and error.context_mark is not None:
        return Broken("config-syntax", *source.position(error.context_mark.index), "this is never closed")
    offset = min(mark.index, len(source.text.rstrip()))
    return Broken("config-syntax", *source.position(offset), _reason(problem, source.text, offset))


def _bad_character(text: str, error: yaml.reader.ReaderError) -> int:
    """The offset of the refused character: the C parser counts bytes, the Python one code points."""
    character = chr(error.character) if isinstance(error.character, int) else error.character
    found = text.find(character) if isinstance(character, str) and character else -1
    return found if found >= 0 else int(error.position or 0)


def _reason(problem: str, text: str, offset: int) -> str:
    line_start = max(text.rfind("\n", 0, offset), text.rfind("\r", 0, offset)) + 1
    here = text[offset : offset + 1]
    indentation = text[line_start:offset] + here
    if "\t" in indentation and not indentation.strip(" \t"):
        return "a tab cannot indent YAML"
    if "cannot start any token" in problem:
        return f"{here!r} cannot start a value; quote the text"
    for sign, words in _PLAIN_WORDS:
        if sign in problem:
            return words
    return problem
