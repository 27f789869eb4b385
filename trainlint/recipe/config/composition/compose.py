"""Composing a config with the files it names as its bases, of whatever kind, inside the project only."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

import msgspec

from trainlint.findings import Span
from trainlint.knowledge.format_model import Inheritance
from trainlint.knowledge.formats import load_formats
from trainlint.recipe.config.composition.defaults import Defaults
from trainlint.recipe.config.composition.files import ProjectFiles
from trainlint.recipe.config.composition.includes import TAG, Find, with_includes
from trainlint.recipe.config.composition.merging import merged, stamped, without
from trainlint.recipe.model import Link
from trainlint.text.document import Document, Node, Place
from trainlint.text.python_config.module import BASE, imports_of, parse_python_config
from trainlint.text.python_config.nodes import NotKnownError, copied

_MAX_FILES = 64
_MAX_DEPTH = 16
_SCHEMES = ("::", "://", "$", "~")
"""What the name of a base holds when it stands for a file of another package, of the web, of the user."""


class Problem(msgspec.Struct, frozen=True):
    """A base that leads nowhere: `missing`, or `cycle`. `chain` runs from the entry config to `span`.

    `near` is the one file of the project that is called like the missing one.
    """

    kind: str
    target: str
    span: Span
    chain: tuple[Link, ...] = ()
    near: str = ""


class Composed(msgspec.Struct):
    """A config with its bases. `files` are those that went into it, the entry first.

    `complete` is false where a base was not read, for whatever reason. `chains` holds, for each base, the
    places that lead to it from the entry.
    """

    document: Document
    files: tuple[str, ...]
    problems: tuple[Problem, ...] = ()
    complete: bool = True
    chains: dict[str, tuple[Link, ...]] = msgspec.field(default_factory=dict)


class _Part(msgspec.Struct):
    """One file with its bases merged in."""

    root: Node
    files: list[str]
    problems: list[Problem]
    complete: bool = True
    chains: dict[str, tuple[Link, ...]] = msgspec.field(default_factory=dict)


class Composer:
    """Composes the configs of one project; bases are composed once."""

    def __init__(self, files: ProjectFiles) -> None:
        self._files = files
        self._parts: dict[str, _Part | None] = {}
        self._above: list[tuple[str, Link]] = []
        self._by_stem: dict[str, list[str]] = {}
        self.bases: set[str] = set()

    def inherits(self, document: Document) -> bool:
        """Whether a document names other files to take values from."""
        root = document.root
        if root.kind != "mapping":
            return False
        ways = load_formats().recognition.inheritance_ways
        if any(root.get(way.key) is not None for way in ways):
            return True
        source = self._files.text(document.path)
        if source is None:
            return False
        return bool(imports_of(source)) if document.format == "python" else TAG in source.text

    def compose(self, document: Document) -> Composed:
        """The document with everything it is based on. Paths of nodes tell which file wrote them."""
        part = self._part(document.path, document)
        if part is None:
            return Composed(document, (document.path,), complete=False)
        files = tuple(dict.fromkeys((document.path, *part.files)))
        whole = Document(document.path, document.format, part.root, document.index)
        return Composed(whole, files, tuple(part.problems), part.complete, part.chains)

    def _part(self, path: str, document: Document | None = None) -> _Part | None:
        if path in self._parts:
            return self._parts[path]
        opened = document or self._files.document(path)
        part = self._merge(opened) if opened is not None and opened.root.kind == "mapping" else None
        if part is None or not any(each.kind == "cycle" for each in part.problems):
            self._parts[path] = part
        return part

    def _merge(self, document: Document) -> _Part:
        root = stamped(document.root, document.path)
        if document.format == "python":
            return self._python(document, root)
        part = _Part(root, [document.path], [])
        source = self._files.text(document.path)
        if source is not None and TAG in source.text:
            root = part.root = with_includes(root, self._included(document.path, part))
        for way in load_formats().recognition.inheritance_ways:
            written = root.get(way.key)
            if written is None:
                continue
            if way.key == "defaults":
                return self._defaults(document, part)
            base = self._bases(document.path, written, way, part)
            root = without(root, way.key)
            part.root = merged(base, root, way) if base is not None else root
        return part

    def _included(self, path: str, part: _Part) -> Find:
        def find(name: str, node: Node) -> Node | None:
            if any(mark in name for mark in _SCHEMES) or name.startswith("/"):
                return None
            target = posixpath.normpath(posixpath.join(posixpath.dirname(path), name))
            below = self._below(target, Link(Span(path, *node.place), name), part)
            return below.root if below is not None else None

        return find

    def _python(self, document: Document, root: Node) -> _Part:
        source = self._files.text(document.path)
        part = _Part(root, [document.path], [])
        if source is None:
            return part
        way = next(way for way in load_formats().recognition.inheritance_ways if way.key == BASE)
        written = root.get(BASE)
        base = self._bases(document.path, written, way, part) if written is not None else None
        lazily = bool(imports_of(source))
        if base is None and not lazily:
            return part
        try:
            # Only a config that speaks of its base can change it.
            kept = copied(base) if base is not None and f"{BASE}." in source.text else base
        except NotKnownError:
            part.complete = False
            return part

        def imported(dots: int, module: str) -> Node | None:
            return self._import(document.path, dots, module, part, imports_of(source))

        documents, _ = parse_python_config(source, kept, imported)
        own = documents[0].root if documents else root
        part.root = merged(kept, own, way) if kept is not None else own
        return part

    def _import(
        self, path: str, dots: int, module: str, part: _Part, found: Sequence[tuple[int, str, Place]]
    ) -> Node | None:
        place = next((at for level, name, at in found if (level, name) == (dots, module)), (1, 1, 1, 1))
        if not dots:
            part.complete = False
            return None
        folder = posixpath.dirname(path)
        for _ in range(dots - 1):
            folder = posixpath.dirname(folder)
        target = posixpath.join(folder, module.replace(".", "/") + ".py")
        below = self._below(target, Link(Span(path, *place), module), part)
        return below.root if below is not None else None

    def _bases(self, path: str, written: Node, way: Inheritance, part: _Part) -> Node | None:
        """The bases that a value names, merged in their order; None where it names none that can be read."""
        names = written.children if written.kind == "sequence" else [written]
        base: Node | None = None
        for name in names[:_MAX_FILES]:
            if name.kind != "scalar" or name.tag or not name.raw:
                part.complete = part.complete and name.kind == "scalar" and not name.raw
                continue
            if any(mark in name.raw for mark in _SCHEMES) or name.raw.startswith("/"):
                part.complete = False
                continue
            target = posixpath.normpath(posixpath.join(posixpath.dirname(path), name.raw))
            below = self._below(target, Link(Span(path, *name.place), name.raw), part)
            if below is not None:
                base = below.root if base is None else merged(base, below.root, way)
        return base

    def _below(self, target: str, link: Link, part: _Part) -> _Part | None:
        """The composed base at a path; where there is none, the part remembers why."""
        if target.startswith("../") or target == "..":
            part.complete = False
            return None
        chain = tuple(each for _, each in self._above)
        if any(above == target for above, _ in self._above) or target == link.span.path:
            part.problems.append(Problem("cycle", target, link.span, chain))
            part.complete = False
            return None
        if target not in self._files.known:
            part.problems.append(Problem("missing", target, link.span, chain, self._namesake(target)))
            part.complete = False
            return None
        if len(self._above) >= _MAX_DEPTH or len(part.files) > _MAX_FILES:
            part.complete = False
            return None
        self.bases.add(target)
        self._above.append((link.span.path, link))
        below = self._part(target)
        self._above.pop()
        if below is None:
            part.complete = False
            return None
        part.chains.setdefault(target, (link,))
        for path, links in below.chains.items():
            part.chains.setdefault(path, (link, *links))
        part.files += [each for each in below.files if each not in part.files]
        part.problems += below.problems
        part.complete = part.complete and below.complete
        return below

    def _namesake(self, target: str) -> str:
        """The one file whose name, without its ending, is that of a missing one; "" where there is none."""
        if not self._by_stem:
            for path in self._files.known:
                self._by_stem.setdefault(_stem(path), []).append(path)
        found = self._by_stem.get(_stem(target), [])
        return found[0] if len(found) == 1 else ""

    def _defaults(self, document: Document, part: _Part) -> _Part:
        defaults = Defaults(self._files)
        root = defaults.compose(document)
        if root is None:
            return _Part(without(part.root, "defaults"), part.files, [], complete=False)
        self.bases.update(defaults.files[1:])
        return _Part(root, defaults.files, [], chains=defaults.chains)


def _stem(path: str) -> str:
    name = posixpath.basename(path)
    return name.rpartition(".")[0] or name
