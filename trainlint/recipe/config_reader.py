"""How code's evaluation reaches into config files: `cfg["optim"]["lr"]` becomes the value written in the YAML."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import msgspec

from trainlint.analysis.values import Origin, Resolved, unknown
from trainlint.recipe.config_scalars import UNKNOWN_LOADER
from trainlint.recipe.config_tree import value_node
from trainlint.recipe.config_values import find_config, value_at
from trainlint.recipe.model import State
from trainlint.text.document import Document, Node

Documents = Callable[[str], Sequence[Document]]
"""The documents of a project's config file by its path; none where it does not parse."""

MAX_ITEMS = 64


class ConfigLoad(msgspec.Struct, frozen=True):
    """A file of the project that a program loads: from which file of code, by which kind of loader."""

    path: str
    from_file: str
    loader: str


class ProgramConfigs:
    """The configs one program loads. `known` are the paths of the project's files, `documents` parses one of them."""

    def __init__(self, known: Collection[str], documents: Documents) -> None:
        self._known = known
        self._documents = documents
        self.loads: list[ConfigLoad] = []

    @property
    def read(self) -> frozenset[str]:
        """Paths of the config files loaded so far."""
        return frozenset(load.path for load in self.loads)

    def load(self, path: str, from_file: str, loader: str) -> Resolved:
        """The whole of a config file named by a literal path, as a config value; unknown where it cannot be found."""
        found = find_config(self._known, path, from_file)
        if found is None:
            return unknown(f"the config file {path} is not in the project")
        load = ConfigLoad(found, from_file, loader or UNKNOWN_LOADER)
        if load not in self.loads:
            self.loads.append(load)
        if self._root(found) is None:
            return unknown(f"{found} does not parse")
        return Resolved("config", name=found)

    def get(self, config: Resolved, key: str | int) -> Resolved:
        """One key below a config value: const, config, sequence or absent."""
        root = self._root(config.name)
        if root is None:
            return unknown(f"{config.name} does not parse")
        path = (*config.keys, str(key))
        found = value_node(root.root, path)
        return Resolved("absent") if found is None else self._resolved(config.name, root, found.value, path)

    def loader(self, path: str) -> str:
        """The kind that the program's code reads a file with; "unknown" where it uses several or an unknown one."""
        kinds = {load.loader for load in self.loads if load.path == path}
        return kinds.pop() if len(kinds) == 1 else UNKNOWN_LOADER

    def _root(self, path: str) -> Document | None:
        documents = self._documents(path)
        return documents[0] if documents else None

    def _resolved(self, name: str, document: Document, node: Node, path: tuple[str, ...]) -> Resolved:
        if node.kind == "mapping":
            return Resolved("config", name=name, keys=path)
        if node.kind == "sequence":
            children = enumerate(node.children[:MAX_ITEMS])
            items = tuple(self._resolved(name, document, child, (*path, str(index))) for index, child in children)
            whole = len(node.children) <= MAX_ITEMS
            return Resolved("sequence", items=items) if whole else unknown(f"a list of {len(node.children)} values")
        value = value_at(document, path, self.loader(name))
        if value is None or value.state is not State.EXPLICIT:
            return unknown(value.reason if value is not None else ".".join(path))
        places = [value.span, *(link.span for link in value.chain)]
        origins = tuple(Origin(span, "") for span in places if span is not None)
        return Resolved(
            "const", value=value.value, option=".".join(path), origins=origins, words=frozenset({path[-1]})
        )

