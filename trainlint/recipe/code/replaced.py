"""Names of libraries that a program binds anew: `torch.optim.SGD = MySGD`, or `setattr` of the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from trainlint.analysis.evaluation.values import Frame, Resolved
from trainlint.recipe.code.programs import Program

_CALLED = frozenset(
    "optimizer optimizer-factory scheduler scheduler-factory schedule loader sampler dataset split shuffle"
    " seed trainer gradient-step".split()
)
"""Kinds of entry that are called: attributes that are settings may be stored to."""


class Store(NamedTuple):
    """A store to something of a library. `name` is what is bound anew, in full; it ends with "." where that
    is only known when the program runs. `term` is what takes its place."""

    name: str
    frame: Frame
    term: int


class Replaced:
    """What a program binds anew in libraries: a container of the canonical names that may mean something else
    in it."""

    def __init__(self, program: Program, frames: Sequence[Frame]) -> None:
        self._names: dict[str, Store] = {}
        self.strangers: list[tuple[Store, str]] = []
        """Stores of what other libraries made, with its name: it runs in the place of what was there."""
        for frame in frames:
            for store in _stores(program, frame):
                self._take(program, store)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.by(name) is not None

    def by(self, name: str) -> Store | None:
        """The store after which a canonical name may mean something else; None without any."""
        if not self._names:
            return None
        return self._names.get(name) or self._names.get(name.rpartition(".")[0] + ".")

    def _take(self, program: Program, store: Store) -> None:
        canonical = program.knowledge.canonical(store.name.removesuffix("."))
        if store.name.endswith("."):
            self._names.setdefault(canonical + ".", store)
            return
        entry = program.knowledge.lookup(canonical)
        owner = canonical.rpartition(".")[0]
        if entry is not None and entry.kind in _CALLED:
            self._names.setdefault(canonical, store)
            return
        given = list(program.evaluator.value(store.frame, store.term).alternatives())
        for leaf in given:
            if leaf.kind == "external" and leaf.name.partition(".")[0] != canonical.partition(".")[0]:
                self.strangers.append((store, leaf.name))
        made = program.knowledge.lookup(owner)
        if made is not None and made.kind in _CALLED and any(map(_is_callable, given)):
            self._names.setdefault(owner, store)


def _is_callable(leaf: Resolved) -> bool:
    """Whether a value is a function or class: methods are replaced by these, settings are not."""
    return leaf.kind in ("function", "class", "external")


def _stores(program: Program, frame: Frame) -> Iterator[Store]:
    for event in program.events(frame.facts):
        if event.kind == "store-attr":
            base = _library(frame, event.term)
            if base:
                yield Store(f"{base}.{event.name}", frame, event.value)
        elif event.kind == "call":
            record = frame.term(event.term)
            if frame.term(record.args[0]).name == "builtins.setattr" and len(record.args) == 4:
                base = _library(frame, record.args[1])
                if base:
                    key = program.evaluator.value(frame, record.args[2]).value
                    yield Store(f"{base}.{key if isinstance(key, str) else ''}", frame, record.args[3])


def _library(frame: Frame, index: int) -> str:
    """The dotted name of a library's module or class that a term is; "" for all else."""
    term = frame.term(index)
    return term.name if term.op == "global" and "::" not in term.name else ""
