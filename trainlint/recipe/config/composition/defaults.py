"""Composing a primary config of Hydra: the files its defaults list names, each under its package.

https://hydra.cc/docs/advanced/defaults_list/, read in hydra-core 1.3.8. The folder of the primary config is
where the groups are looked for. What a launch line may choose otherwise is left as the files say.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from trainlint.findings import Span
from trainlint.knowledge.format_model import Inheritance
from trainlint.knowledge.hydra_lists import (
    MAX_DEPTH,
    MAX_FILES,
    SELF,
    UNSAID,
    Listed,
    from_root,
    header_package,
    listed_config,
    listed_group,
)
from trainlint.recipe.config.composition.files import ProjectFiles
from trainlint.recipe.config.composition.merging import merged, stamped, without
from trainlint.recipe.config.tree import entries_of
from trainlint.recipe.model import Link
from trainlint.text.document import Document, Entry, Node

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
            for package, root in self._layers(document, "", from_root(self._header(document)), 0):
                layer = _under(root, package)
                whole = layer if whole is None else merged(whole, layer, _WAY)
        except _NotFoundError:
            return None
        return whole

    def _layers(
        self, document: Document, folder: str, package: str, depth: int
    ) -> Iterator[tuple[str, Node]]:
        root = stamped(document.root, document.path)
        own = (package, without(root, "defaults"))
        listed = root.get("defaults")
        if listed is None:
            yield own
            return
        if listed.kind != "sequence" or depth > MAX_DEPTH:
            raise _NotFoundError
        own_seen = False
        for item in listed.children[:MAX_FILES]:
            if item.kind == "scalar" and item.raw == SELF:
                own_seen = True
                yield own
            elif item.kind == "scalar" and item.raw:
                named = listed_config(item.raw, folder)
                yield from self._file(named.path, named.group, named, package, depth, item)
            elif item.kind == "mapping":
                for key, entry in entries_of(item).items():
                    named_group = listed_group(key, folder)
                    if named_group is not None and named_group.is_composed:
                        yield from self._group(named_group, entry.value, package, depth)
        if not own_seen:
            yield own

    def _group(self, named: Listed, value: Node, package: str, depth: int) -> Iterator[tuple[str, Node]]:
        """`- optimizer: sgd`, `- optional /data@train: images`."""
        options = value.children if value.kind == "sequence" else [value]
        for option in options:
            chosen = self._chosen.get(
                named.path, option.raw if option.kind == "scalar" and not option.tag else UNSAID
            )
            if chosen in ("null", "", "~"):
                continue
            if chosen == UNSAID or "${" in chosen:
                raise _NotFoundError
            path = f"{named.path}/{chosen}"
            try:
                yield from list(self._file(path, named.path, named, package, depth, option))
            except _NotFoundError:
                if not named.optional:
                    raise

    def _file(
        self, path: str, folder: str, named: Listed, package: str, depth: int, item: Node
    ) -> Iterator[tuple[str, Node]]:
        name = path if path.endswith((".yaml", ".yml")) else f"{path}.yaml"
        target = posixpath.normpath(posixpath.join(self._folder, name))
        document = self._project.document(target) if target in self._project.known else None
        if document is None or document.root.kind != "mapping" or len(self.files) >= MAX_FILES:
            raise _NotFoundError
        if target not in self.files:
            self.files.append(target)
            self.chains[target] = (
                *self.chains.get(item.path, ()),
                Link(Span(item.path, *item.place), item.raw),
            )
        below = named.package(package, self._header(document))
        yield from self._layers(document, folder, below, depth + 1)

    def _overrides(self, root: Node) -> Iterator[tuple[str, str]]:
        listed = root.get("defaults")
        for item in listed.children if listed is not None else ():
            for key, entry in entries_of(item).items() if item.kind == "mapping" else ():
                named = listed_group(key, "")
                if named is not None and named.overrides and entry.value.kind == "scalar":
                    yield named.path, entry.value.raw

    def _header(self, document: Document) -> str:
        source = self._project.text(document.path)
        return header_package(source.lines) if source is not None else ""


def _under(root: Node, package: str) -> Node:
    """A config as a layer of the whole: its keys go below its package."""
    for part in reversed(package.split(".") if package else []):
        key = Node("scalar", root.place, part, path=root.path)
        root = Node("mapping", root.place, items=[Entry(key, root)], path=root.path)
    return root
