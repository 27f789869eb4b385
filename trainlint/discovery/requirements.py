"""What a project asks to be installed: requirements files, pyproject.toml, setup.cfg, Pipfile, conda
environments."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from trainlint.findings import Span
from trainlint.knowledge.distributions import normalized
from trainlint.text.document import Document, Node
from trainlint.text.source import Source

_NAME = re.compile(r"\s*(?:[\w.-]+::)?([A-Za-z0-9][\w.-]*?)\s*(?:\[[^\]]*\])?\s*(?=[\s=<>!~;@(,*^]|$)")
_SECTION = re.compile(r"\[([^\]]+)\]\s*$")
_SETUP_KEY = re.compile(r"([\w.-]+)\s*[=:](.*)")
_ENVIRONMENT = re.compile(r"(?:^|[-_.])(?:environment|env|conda)(?:[-_.]|$)", re.IGNORECASE)
_REQUIREMENTS = re.compile(
    r"(?:^|[-_.])(?:requirements?|constraints?)(?:[-_.].*)?\.(?:txt|in|lock)$", re.IGNORECASE
)
_PYTHON = "python"


class Requirement(msgspec.Struct, frozen=True):
    """One thing to be installed. `name` is normalized, `written` and `span` are how and where it is asked
    for, `specifier` is the text about its version ("" for none, "@" for a place to take it from)."""

    name: str
    specifier: str
    written: str
    span: Span


def is_requirements_file(name: str) -> bool:
    """Whether a file of this name lists requirements for pip, and is read as text."""
    return name in ("setup.cfg", "Pipfile") or bool(_REQUIREMENTS.search(name))


def may_be_environment(path: str) -> bool:
    """Whether a YAML file's name is one that conda environments have."""
    return bool(_ENVIRONMENT.search(path.rpartition("/")[2].rpartition(".")[0]))


def from_lines(source: Source) -> Iterator[Requirement]:
    """The requirements of a file for pip, a line each. Options, URLs and included files are left out."""
    for number, line in enumerate(source.lines, start=1):
        text = re.split(r"(?:^|\s)#", line, maxsplit=1)[0]
        if text.strip() and not text.lstrip().startswith("-"):
            found = _requirement(source.path, text.partition(" --")[0].rstrip(" \\"), number, 1)
            if found is not None:
                yield found


def from_setup_cfg(source: Source) -> Iterator[Requirement]:
    """The `install_requires` of a setup.cfg."""
    section = key = ""
    for number, line in enumerate(source.lines, start=1):
        header, assigned = _SECTION.match(line), _SETUP_KEY.match(line)
        text, column = line, 1
        if header:
            section, key = header[1].strip(), ""
            continue
        if assigned and not line[:1].isspace():
            key, text, column = assigned[1], assigned[2], assigned.start(2) + 1
        if section == "options" and key == "install_requires":
            found = _requirement(source.path, text.partition("#")[0].rstrip(), number, column)
            if found is not None:
                yield found


def from_toml(document: Document) -> Iterator[Requirement]:
    """The requirements of a pyproject.toml or a Pipfile: what the project itself needs to run."""
    root = document.root
    listed = _at(root, "project", "dependencies")
    for child in listed.children if listed is not None else ():
        line, column, _, _ = child.place
        found = _requirement(document.path, child.raw, line, column + 1)
        if found is not None:
            yield found
    for table in (_at(root, "tool", "poetry", "dependencies"), _at(root, "packages")):
        for entry in table.items if table is not None else ():
            yield from _entry(document.path, entry.key, entry.value)


def from_environment(document: Document) -> Iterator[Requirement]:
    """The requirements of a conda environment, those for pip within it too."""
    listed = _at(document.root, "dependencies")
    for child in listed.children if listed is not None else ():
        inner = child.get("pip")
        for each in (child,) if inner is None else inner.children:
            line, column, _, _ = each.place
            found = _requirement(document.path, each.raw, line, column)
            if each.kind == "scalar" and found is not None:
                yield found


def _entry(path: str, key: Node, value: Node) -> Iterator[Requirement]:
    """One line of a table `name = "^1.2"`, or `name = {version = "^1.2", …}`."""
    given = value if value.kind == "scalar" else value.get("version")
    elsewhere = any(value.get(word) is not None for word in ("git", "path", "url", "file"))
    specifier = "@" if elsewhere else (given.raw if given is not None else "")
    name = normalized(key.raw)
    if name != _PYTHON:
        shown = f"{key.raw} = {value.raw!r}" if value.kind == "scalar" else key.raw
        yield Requirement(name, specifier.strip(), shown.replace("'", '"'), Span(path, *key.place))


def _requirement(path: str, text: str, line: int, column: int) -> Requirement | None:
    """The requirement a line of text states; None where it is a URL, a file or nothing."""
    match = _NAME.match(text)
    if match is None or "://" in text.partition("@")[0]:
        return None
    name = normalized(match[1])
    rest = text[match.end() :].partition(";")[0].strip()
    if name == _PYTHON or rest.startswith("/"):
        return None
    specifier = "@" if rest.startswith("@") else rest.strip("() ")
    start = column + match.start(1)
    written = text[match.start(1) :].partition(";")[0].strip()
    span = Span(path, line, start, line, start + len(written))
    return Requirement(name, _from_conda(specifier), written, span)


def _from_conda(specifier: str) -> str:
    """A specifier without conda's build string: "=1.7.0=py3.8_cuda" is "=1.7.0"."""
    match = re.match(r"(==?\s*[\d.*]+)=[^=,]*$", specifier)
    return match[1] if match else specifier


def _at(node: Node | None, *keys: str) -> Node | None:
    for key in keys:
        node = node.get(key) if node is not None else None
    return node
