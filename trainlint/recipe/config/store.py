"""The config files a project's code loads, as the evaluator reads them, and what the code does with their
keys."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from trainlint.analysis.evaluation.values import Origin, Resolved, unknown
from trainlint.findings import Span
from trainlint.knowledge.formats import load_formats
from trainlint.knowledge.hydra_lists import header_package
from trainlint.recipe.config.file import KeyUse, Reader
from trainlint.recipe.config.tree import entries_of, value_node
from trainlint.recipe.config.values import find_config, value_at
from trainlint.recipe.model import State
from trainlint.text.document import Document


class ConfigStore:
    """Reads configs for one program and notes which were read, how, and which keys were used for what."""

    def __init__(
        self,
        program: str,
        known: Collection[str],
        parse: Callable[[str], Document | None],
        lines: Callable[[str], Sequence[str]] = lambda _: (),
    ) -> None:
        self.program = program
        self._lines = lines
        self._known = known
        self._parse = parse
        self._loaders: dict[str, str] = {}
        self.readers: dict[str, list[Reader]] = {}
        self.uses: dict[str, list[KeyUse]] = {}

    @property
    def read(self) -> frozenset[str]:
        """Paths of the configs the program loads."""
        return frozenset(self._loaders)

    def loader_of(self, callee: str, loader_class: str) -> str | None:
        """The kind of loader behind a callee, None where it reads no config."""
        return load_formats().loader_of(callee, loader_class)

    def load(self, literal: str, from_file: str, loader: str, at: Span | None) -> Resolved:
        """The whole of a config named by a literal path; unknown where the project has no such file."""
        path = find_config(self._known, literal, from_file)
        if path is None:
            return unknown(f"config file {literal!r} was not found")
        if at is not None:
            reader = Reader(self.program, at, loader)
            readers = self.readers.setdefault(path, [])
            if reader not in readers:
                readers.append(reader)
        self._loaders[path] = loader
        return Resolved("config", name=path)

    def get(self, config: Resolved, key: str | int) -> Resolved:
        """One key below a config value: a constant, a deeper config, a sequence, or absent."""
        document = self._parse(config.name)
        if document is None:
            return unknown(f"{config.name} could not be read")
        keys = (*config.keys, f"#{key}" if isinstance(key, int) else key)
        path = [int(part[1:]) if part.startswith("#") else part for part in keys]
        found = value_node(document.root, path)
        if found is None:
            return Resolved("absent", name=f"{config.name}: {key}")
        if found.value.kind == "mapping":
            return Resolved("config", name=config.name, keys=keys)
        label = ".".join(str(part) for part in path)
        if found.value.kind == "sequence":
            items = tuple(
                self.get(Resolved("config", name=config.name, keys=keys), index)
                for index in range(min(len(found.value.children), 64))
            )
            return Resolved("sequence", items=items, name=config.name, keys=keys)
        value = value_at(document, path, self._loaders.get(config.name, "pyyaml"))
        if value is None or value.state is not State.EXPLICIT:
            return unknown(
                f"{label} in {config.name}: {value.reason if value else 'missing'}", frozenset({str(key)})
            )
        return Resolved(
            "const",
            value=value.value,
            name=config.name,
            keys=keys,
            origins=(Origin(value.span, f"{label} in {config.name}"),),
            words=frozenset({str(key)}),
        )

    def reference(self, config: Resolved, key: str) -> str:
        """The dotted key that `${a.b}` under a key refers to; "" where no such reference stands there."""
        document = self._parse(config.name)
        path = [int(part[1:]) if part.startswith("#") else part for part in (*config.keys, key)]
        found = value_node(document.root, path) if document is not None else None
        raw = found.value.raw if found is not None and found.value.kind == "scalar" else ""
        inner = raw[2:-1] if raw.startswith("${") and raw.endswith("}") else ""
        return "" if inner.startswith(".") or any(sign in inner for sign in ":${") else inner

    def keys(self, config: Resolved) -> Sequence[str]:
        """The keys of a config value, in their order; none where it is no mapping."""
        document = self._parse(config.name)
        path = [int(part[1:]) if part.startswith("#") else part for part in config.keys]
        found = value_node(document.root, path) if document is not None else None
        return list(entries_of(found.value)) if found is not None and found.value.kind == "mapping" else []

    def header(self, config: Resolved) -> str:
        """The package that a comment at a file's top names (`# @package _global_`), "" without one."""
        return header_package(self._lines(config.name))

    def note_use(
        self, value: Resolved, at: Span | None, *, numeric: bool = False, converted: bool = False
    ) -> None:
        """Remember that the code takes this value out of a config, and as what."""
        if not value.keys or at is None or value.kind != "const":
            return
        path = tuple(int(part[1:]) if part.startswith("#") else part for part in value.keys)
        use = KeyUse(path, at, numeric, converted)
        uses = self.uses.setdefault(value.name, [])
        if use not in uses:
            uses.append(use)
