"""Composing a primary config of Hydra: the files its defaults list names, each under its package.

https://hydra.cc/docs/advanced/defaults_list/, read in hydra-core 1.3.8. The folder of the primary config is
where the groups are looked for. What a launch line may choose otherwise is left as the files say.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from trainlint.findings import Span
from trainlint.knowledge.format_model import Inheritance
from trainlint.recipe.config.composition.files import ProjectFiles
from trainlint.recipe.config.composition.merging import merged, stamped, without
from trainlint.recipe.config.tree import entries_of
from trainlint.recipe.model import Link
from trainlint.text.document import Document, Entry, Node

_MAX_FILES = 64
_MAX_DEPTH = 8
_SELF = "_self_"
_OWN_GROUPS = ("hydra/", "hydra")
_HEADER_LINES = 20
_WAY = Inheritance("defaults")


class _NotFoundError(Exception):
    """A config of the defaults list that is not in the project, or that only a launch line chooses."""


class Defaults:
    """Composes one primary config; `files` are then those it was made of, the primary first."""

    def __init__(self, project: ProjectFiles) -> None:
        self._project = project
        self._folder = ""
        self._chosen: dict[str, str] = {}
        self.files: list[str] = []
        self.chains: dict[str, tuple[Link, ...]] = {}

    def compose(self, document: Document) -> Node | None:
        """The whole config; None where a part of it cannot be found."""
        self._folder = posixpath.dirname(document.path)
        self.files = [document.path]
        try:
            self._chosen = dict(self._overrides(document.root))
            whole: Node | None = None
            for package, root in self._layers(document, "", "", 0):
                layer = _under(root, package)
                whole = layer if whole is None else merged(whole, layer, _WAY)
        except _NotFoundError:
            return None
        return whole

    def _layers(self, document: Document, group: str, package: str, depth: int) -> Iterator[tuple[str, Node]]:
        root = stamped(document.root, document.path)
        own = (self._package(document, package), without(root, "defaults"))
        listed = root.get("defaults")
        if listed is None:
            yield own
            return
        if listed.kind != "sequence" or depth > _MAX_DEPTH:
            raise _NotFoundError
        own_seen = False
        for item in listed.children[:_MAX_FILES]:
            if item.kind == "scalar" and item.raw == _SELF:
                own_seen = True
                yield own
            elif item.kind == "scalar" and item.raw:
                yield from self._named(item, group, package, depth)
            elif item.kind == "mapping":
                for key, entry in entries_of(item).items():
                    yield from self._group(key, entry.value, group, depth)
        if not own_seen:
            yield own

    def _named(self, item: Node, group: str, package: str, depth: int) -> Iterator[tuple[str, Node]]:
        """`- base`: a config of the same group, or of the root."""
        name, _, given = item.raw.partition("@")
        path = name[1:] if name.startswith("/") else posixpath.join(group, name)
        folder = posixpath.dirname(path)
        yield from self._file(path, folder, given or folder.replace("/", ".") or package, depth, item)

    def _group(self, key: str, value: Node, group: str, depth: int) -> Iterator[tuple[str, Node]]:
        """`- optimizer: sgd`, `- optional /data@train: images`."""
        words = key.split()
        if not words or words[0] == "override":
            return
        name, _, given = words[-1].partition("@")
        if name.startswith(_OWN_GROUPS):
            return
        path = name[1:] if name.startswith("/") else posixpath.join(group, name)
        package = given or path.replace("/", ".")
        package = "" if package == "_global_" else package
        options = value.children if value.kind == "sequence" else [value]
        for option in options:
            chosen = self._chosen.get(
                path, option.raw if option.kind == "scalar" and not option.tag else "???"
            )
            if chosen in ("null", "", "~"):
                continue
            if chosen == "???" or "${" in chosen:
                raise _NotFoundError
            try:
                yield from list(self._file(f"{path}/{chosen}", path, package, depth, option))
            except _NotFoundError:
                if words[0] != "optional":
                    raise

    def _file(
        self, path: str, group: str, package: str, depth: int, item: Node
    ) -> Iterator[tuple[str, Node]]:
        name = path if path.endswith((".yaml", ".yml")) else f"{path}.yaml"
        target = posixpath.normpath(posixpath.join(self._folder, name))
        document = self._project.document(target) if target in self._project.known else None
        if document is None or document.root.kind != "mapping" or len(self.files) >= _MAX_FILES:
            raise _NotFoundError
        if target not in self.files:
            self.files.append(target)
            self.chains[target] = (
                *self.chains.get(item.path, ()),
                Link(Span(item.path, *item.place), item.raw),
            )
        yield from self._layers(document, group, package, depth + 1)

    def _overrides(self, root: Node) -> Iterator[tuple[str, str]]:
        listed = root.get("defaults")
        for item in listed.children if listed is not None else ():
            for key, entry in entries_of(item).items() if item.kind == "mapping" else ():
                words = key.split()
                if words[:1] == ["override"] and entry.value.kind == "scalar":
                    yield words[-1].partition("@")[0].lstrip("/"), entry.value.raw

    def _package(self, document: Document, package: str) -> str:
        """The package that a file's header gives (`# @package _global_`), else that of its place."""
        source = self._project.text(document.path)
        for line in source.lines[:_HEADER_LINES] if source is not None else ():
            words = line.lstrip("#").split()
            if line.startswith("#") and words[:1] == ["@package"] and len(words) > 1:
                return package if words[1] == "_group_" else "" if words[1] == "_global_" else words[1]
        return package


def _under(root: Node, package: str) -> Node:
    """A config as a layer of the whole: its keys go below its package."""
    for part in reversed(package.split(".") if package else []):
        key = Node("scalar", root.place, part, path=root.path)
        root = Node("mapping", root.place, items=[Entry(key, root)], path=root.path)
    return root
