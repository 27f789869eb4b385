"""What the analysis knows of frameworks: names, parameters, defaults, roles, effects and transfers.

The facts are YAML under `frameworks/`; this module answers questions from their compiled form, a single JSON
file whose entries are decoded only when they are asked for.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

import msgspec

from trainlint.knowledge.compiled_form import Compiled, Entry, Param, StoredEntry
from trainlint.knowledge.store import load_compiled
from trainlint.knowledge.versions import is_before

__all__ = ["Entry", "Knowledge", "Param", "load_knowledge"]

_ALIAS_STEPS = 8
_CLASSES = frozenset({"optimizer", "scheduler"})
"""Kinds that only classes have."""

_ACTIVE_KINDS = {
    "seed": frozenset({"seed"}),
    "optimizer": frozenset({"optimizer", "optimizer-factory", "trainer"}),
    "schedule": frozenset({"scheduler", "scheduler-factory", "schedule", "trainer"}),
    "order": frozenset({"loader", "sampler", "dataset", "split", "shuffle", "trainer"}),
}
"""The kinds of entry that have an effect by being called."""

_Table = dict[str, msgspec.Raw]


class Knowledge:
    """Answers what an absolute dotted name ("torch.optim.SGD") means; unknown names give None.

    `wholes` are the packages described so fully that a program is read without their source.

    `conventions` maps customary unbound names to what they stand for ("nn" → "torch.nn"). `vocabulary`
    holds the words that make a unit of code worth a close reading: last components of telling names, method
    names and a few attributes.
    """

    def __init__(self, compiled: Compiled, versions: Mapping[str, str] | None = None) -> None:
        self._compiled = compiled
        self._versions = dict(versions or {})
        self._tables: dict[str, _Table] = {}
        self._entries: dict[str, Entry | None] = {}
        self._methods: dict[str, tuple[Entry, ...]] = {}
        self._canonical: dict[str, str] = {}
        self._receivers: dict[str, list[str]] = {}
        self._kinds: dict[tuple[str, str], list[str]] = {}
        self.conventions: dict[str, str] = compiled.conventions
        self.vocabulary: frozenset[str] = compiled.vocabulary
        self.wholes: frozenset[str] = compiled.wholes

    def canonical(self, absolute: str) -> str:
        """The name under which the facts are filed: follows aliases of the name or of its longest prefix."""
        known = self._canonical.get(absolute)
        if known is None:
            known = self._canonical[absolute] = self._follow(absolute)
        return known

    def _follow(self, name: str) -> str:
        for _ in range(_ALIAS_STEPS):
            head = name
            while head not in self._compiled.aliases:
                head, dot, _last = head.rpartition(".")
                if not dot:
                    return name
            name = self._compiled.aliases[head] + name[len(head) :]
        return name

    def spellings(self, absolute: str) -> list[str]:
        """The name, and others under which a package gives out the same: `tensorflow.keras` for `keras`."""
        same = (
            alias + absolute[len(target) :]
            for alias, target in self._compiled.aliases.items()
            if absolute == target or absolute.startswith(f"{target}.")
        )
        return [absolute, *sorted(same)]

    def lookup(self, absolute: str) -> Entry | None:
        """The entry of a function or class, or the entry of its package's `name.*` row, or None."""
        if absolute not in self._entries:
            self._entries[absolute] = self._find(self.canonical(absolute))
        return self._entries[absolute]

    def _find(self, name: str) -> Entry | None:
        framework = self._framework_of(name)
        if framework is None:
            return None
        table = self._table(framework)
        raw = table.get(name)
        if raw is not None:
            return self._entry(msgspec.json.decode(raw, type=StoredEntry), name)
        package, _, simple = name.rpartition(".")
        raw = table.get(f"{package}.*")
        if raw is None:
            return None
        entry = self._entry(msgspec.json.decode(raw, type=StoredEntry), name)
        # Beside its optimizers, `torch.optim.*` has helpers: `add_weight_decay`.
        return None if entry.kind in _CLASSES and not simple[:1].isupper() else entry

    def _table(self, framework: str) -> _Table:
        if framework not in self._tables:
            raw = self._compiled.frameworks[framework].names
            self._tables[framework] = msgspec.json.decode(raw, type=_Table)
        return self._tables[framework]

    def _entry(self, stored: StoredEntry, name: str) -> Entry:
        entry = msgspec.structs.replace(stored.entry, name=name)
        # One file may describe several packages: trl beside transformers, each with releases of its own.
        version = self._versions.get(name.partition(".")[0]) or self._versions.get(entry.framework)
        if version is None:
            return entry
        for older in stored.older:
            if is_before(version, older.until):
                return msgspec.structs.replace(
                    entry,
                    params=entry.params if older.params is None else older.params,
                    fields=entry.fields if older.fields is None else older.fields,
                    extra={**entry.extra, **older.extra},
                )
        return entry

    def methods(self, name: str) -> tuple[Entry, ...]:
        """Every known method of that bare name, the likeliest first; `Entry.receiver` says of what."""
        if name not in self._methods:
            raw = self._compiled.methods.get(name)
            stored = [] if raw is None else msgspec.json.decode(raw, type=list[StoredEntry])
            self._methods[name] = tuple(self._entry(each, name) for each in stored)
        return self._methods[name]

    def method(self, name: str, receiver: str | None = None, framework: str | None = None) -> Entry | None:
        """The likeliest method of that name, of the receiver ("optimizer", …) and framework if given."""
        for entry in self.methods(name):
            if receiver in (None, entry.receiver) and framework in (None, entry.framework):
                return entry
        return None

    def of_kind(self, framework: str, kind: str) -> list[str]:
        """The names of a framework's entries of one kind, in the order of its file."""
        if (framework, kind) not in self._kinds:
            entries = ((name, self.lookup(name)) for name in self._table(framework) if "*" not in name)
            self._kinds[framework, kind] = [name for name, entry in entries if entry and entry.kind == kind]
        return self._kinds[framework, kind]

    def methods_of(self, receiver: str) -> list[str]:
        """The names of the methods that are known of a kind of receiver."""
        if receiver not in self._receivers:
            names = (name for name in self._compiled.methods if self.method(name, receiver=receiver))
            self._receivers[receiver] = list(names)
        return self._receivers[receiver]

    def framework(self, absolute: str) -> str | None:
        """The framework whose file describes the name's package: "torch" for "torch.nn.Linear"."""
        return self._framework_of(self.canonical(absolute))

    def _framework_of(self, name: str) -> str | None:
        head = name
        while head:
            framework = self._compiled.packages.get(head)
            if framework is not None:
                return framework
            head = head.rpartition(".")[0]
        return None

    def label(self, framework: str) -> str:
        """The framework's display name; the name itself where no file has one."""
        facts = self._compiled.frameworks.get(framework)
        return framework if facts is None else facts.label

    def backend(self, framework: str) -> str:
        """The framework that computes and draws random numbers beneath this one: "torch" for "lightning"."""
        facts = self._compiled.frameworks.get(framework)
        return framework if facts is None else facts.backend

    def generator(self, framework: str) -> str:
        """The generator a run on this framework draws from; empty where it draws nothing of its own."""
        facts = self._compiled.frameworks.get(framework)
        return "" if facts is None else facts.generator

    def seeding(self, framework: str) -> str:
        """The call that seeds what a run on this framework draws from, as one would write it; empty where
        unknown."""
        facts = self._compiled.frameworks.get(framework)
        return "" if facts is None else facts.seeding

    def inert(self, absolute_or_package: str, effect: str) -> bool:
        """Whether a call cannot have the effect (seed, optimizer, schedule, order); False if unknown."""
        name = self.canonical(absolute_or_package)
        entry = self.lookup(name)
        if entry is not None and (entry.kind in _ACTIVE_KINDS.get(effect, ()) or effect in entry.effects):
            return False
        verdicts = self._compiled.inert.get(effect, {})
        head = name
        while head:
            verdict = verdicts.get(head)
            if verdict is not None:
                return verdict
            head = head.rpartition(".")[0]
        return False

    @staticmethod
    def bind(entry: Entry, positional: int, keywords: Sequence[str]) -> dict[str, int]:
        """Parameter name → argument index; positional arguments are counted first, then `keywords` in order.

        A star parameter gets the index of the first argument it takes. Keywords that name no parameter keep
        their own name. The caller leaves out starred arguments: what they hold is not known here.
        """
        bound: dict[str, int] = {}
        taken = 0
        for param in entry.params:
            if taken == positional or param.kind in ("keyword-only", "double-star"):
                break
            bound[param.name] = taken
            taken = positional if param.kind == "star" else taken + 1
        for offset, keyword in enumerate(keywords):
            bound.setdefault(entry.renamed.get(keyword, keyword), positional + offset)
        return bound


def load_knowledge(versions: Mapping[str, str] | None = None) -> Knowledge:
    """The knowledge for the versions a project uses (framework → version; else the newest known).

    Raises KnowledgeError when a fact file of a checkout does not follow the schema.
    """
    return _load(tuple(sorted((versions or {}).items())))


@functools.lru_cache(maxsize=8)
def _load(versions: tuple[tuple[str, str], ...]) -> Knowledge:
    return Knowledge(load_compiled(), dict(versions))
