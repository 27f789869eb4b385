"""The text of a rule page: its parts, sections in their fixed order, fenced examples."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from trainlint.rulebook.front_matter import PageReadError
from trainlint.rulebook.rule import SECTIONS, Example
from trainlint.suggest import did_you_mean

LARGEST_PAGE = 256 * 1024

_FENCE = re.compile(r"^(`{3,})([^`]*)$")
_KINDS = ("bad", "good", "fixed")
_DEFAULT_FILES = {
    "python": "train.py",
    "yaml": "train.yaml",
    "toml": "train.toml",
    "json": "train.json",
    "bash": "run.sh",
    "sh": "run.sh",
}


class Block(msgspec.Struct):
    """A fenced block before it is understood: its info string, text and the heading above it."""

    info: str
    text: str
    line: int
    heading: str


def split_page(text: str) -> tuple[str, str, int]:
    """Front matter, body, and the line the body starts on. Raises PageReadError where `---` is missing."""
    if len(text) > LARGEST_PAGE:
        raise PageReadError(1, f"longer than {LARGEST_PAGE:,} characters")
    lines = text.split("\n")
    if lines[0].rstrip() != "---":
        raise PageReadError(1, "a page starts with `---`, its front matter and `---`")
    for number, line in enumerate(lines[1:], start=1):
        if line.rstrip() == "---":
            return "\n".join(lines[1:number]), "\n".join(lines[number + 1 :]), number + 2
    raise PageReadError(1, "the front matter is never closed with `---`")


def read_body(body: str, first_line: int, sections: tuple[str, ...] = SECTIONS) -> dict[str, str]:
    """Section title → Markdown. Raises PageReadError unless all are there, in order, none empty."""
    found: dict[str, str] = {}
    for title, text, line in _split_sections(body, first_line):
        expected = sections[len(found)] if len(found) < len(sections) else ""
        if title != expected:
            wanted = f"expected `## {expected}`" if expected else "no section follows the last one"
            hint = "" if title in sections else did_you_mean(title, sections)
            raise PageReadError(line, f"`## {title}`: {wanted}{hint}")
        if not text.strip():
            raise PageReadError(line, f"`## {title}` is empty")
        found[title] = text.strip("\n")
    if len(found) < len(sections):
        raise PageReadError(first_line, f"the section `## {sections[len(found)]}` is missing")
    return found


def _split_sections(body: str, first_line: int) -> Iterator[tuple[str, str, int]]:
    title, start = "", first_line
    gathered: list[str] = []
    fence = ""
    opened = first_line
    for number, line in enumerate(body.split("\n"), start=first_line):
        before, fence = fence, _fence_after(fence, line)
        opened = opened if before else number
        if not fence and line.startswith("## "):
            if title:
                yield title, "\n".join(gathered), start
            title, start, gathered = line[3:].strip(), number, []
        elif title:
            gathered.append(line)
        elif line.strip():
            raise PageReadError(number, "text before the first section")
    if fence:
        raise PageReadError(opened, "the fence is never closed")
    if title:
        yield title, "\n".join(gathered), start


def _fence_after(fence: str, line: str) -> str:
    """The fence that is open after this line: its backticks, or ""."""
    match = _FENCE.match(line)
    if match is None:
        return fence
    if not fence:
        return match[1]
    return "" if len(match[1]) >= len(fence) and not match[2].strip() else fence


def read_examples(body: str, first_line: int) -> list[Example]:
    """The fenced blocks in order. Raises PageReadError for an info string that cannot be read."""
    examples: list[Example] = []
    section = ""
    for block in _blocks(body, first_line):
        if isinstance(block, str):
            section = block
        elif block.info:
            examples.append(_example(block, section))
    return examples


def _blocks(body: str, first_line: int) -> Iterator[Block | str]:
    """Section titles and fenced blocks, in order."""
    heading = fence = ""
    block: Block | None = None
    lines: list[str] = []
    for number, line in enumerate(body.split("\n"), start=first_line):
        after = _fence_after(fence, line)
        if block is None and after:
            block, lines = Block(info=line[len(after) :].strip(), text="", line=number, heading=heading), []
        elif block is not None and not after:
            block.text = "".join(text + "\n" for text in lines)
            yield block
            block = None
        elif block is not None:
            lines.append(line)
        elif line.startswith("#"):
            heading = line.lstrip("#").strip()
            if line.startswith("## "):
                yield heading
        fence = after


def _example(block: Block, section: str) -> Example:
    language, *words = block.info.split()
    attributes = dict(word.split("=", 1) for word in words if "=" in word)
    flags = [word for word in words if "=" not in word]
    unknown = [word for word in flags if word not in (*_KINDS, "program")]
    unknown += [name for name in attributes if name not in ("file", "error")]
    kinds = [word for word in flags if word in _KINDS]
    if unknown:
        hint = did_you_mean(unknown[0], (*_KINDS, "program", "file", "error"))
        raise PageReadError(block.line, f"`{unknown[0]}` is no word of a fence{hint}")
    if len(kinds) > 1:
        raise PageReadError(block.line, f"a block is either {' or '.join(kinds)}")
    return Example(
        language=language,
        kind=kinds[0] if kinds else "",
        file=_file(block, language, attributes.get("file", "")),
        section=section,
        heading=block.heading,
        text=block.text,
        line=block.line,
        program="program" in flags,
        marked=_marked(block, attributes.get("error", "")),
    )


def _file(block: Block, language: str, name: str) -> str:
    name = name or _DEFAULT_FILES.get(language, "")
    if name.startswith("/") or ".." in name.split("/") or "\\" in name:
        raise PageReadError(block.line, f"`file={name}` leaves the example's folder")
    return name


def _marked(block: Block, text: str) -> tuple[tuple[int, str], ...]:
    marks = []
    for part in filter(None, text.split(",")):
        line, _, rule = part.partition(":")
        if not line.isdigit() or not rule:
            raise PageReadError(block.line, f"`error={text}` is not of the form error=LINE:RULE,…")
        marks.append((int(line), rule))
    return tuple(marks)
