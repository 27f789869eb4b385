"""What the detectors of one unit look at: its terms and values, the paths of its sites, who uses what."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from functools import cached_property

import msgspec

from trainlint.analysis.facts import Term
from trainlint.analysis.numerics.abstract import AbstractValues
from trainlint.analysis.numerics.guards import Knowing
from trainlint.analysis.numerics.lattice import Kind, Value
from trainlint.analysis.numerics.paths import Node, PathReader
from trainlint.knowledge.base import Entry

_VIEWS = frozenset(
    "view reshape squeeze unsqueeze expand expand_as contiguous clone flatten transpose permute t float to "
    "type type_as cuda cpu double repeat broadcast_to view_as astype cast".split()
)
_NUMBERS = frozenset({"const", "param", "attr", "global", "un"})
"""What a number that is known may be written as."""


class Called(msgspec.Struct, frozen=True):
    """A call of a framework's function or tensor method.

    `name` is its last component, `bound` maps parameters to terms; a method's receiver is "input".
    """

    index: int
    name: str
    entry: Entry
    bound: dict[str, int]


class Scene:
    """One unit, once it is read. `sites` are the quotients, powers and calls evaluated where gradients flow,
    each with the path that led to it; `parameters` of functions are known to `values`."""

    def __init__(self, values: AbstractValues, paths: PathReader, sites: Iterable[tuple[int, Node]]) -> None:
        self.values = values
        self.terms = values.terms
        self.paths = paths
        self.nodes: dict[int, list[Node]] = {}
        for index, node in sites:
            self.nodes.setdefault(index, []).append(node)

    @cached_property
    def calls(self) -> dict[int, Called]:
        """Every known call of the unit, wherever it stands, by term."""
        found = {}
        for index, term in enumerate(self.terms):
            called = self._called(index, term) if term.op == "call" else None
            if called is not None:
                found[index] = called
        return found

    def _called(self, index: int, term: Term) -> Called | None:
        callee = self.terms[term.args[0]]
        if callee.op == "global":
            entry, receiver = self.values.knowledge.lookup(callee.name), -1
        elif callee.op == "attr":
            entry, receiver = self.values.calls.tensor_method(callee.name), callee.args[0]
        else:
            return None
        if entry is None:
            return None
        bound = self.values.calls.bind(term, entry, receiver)
        return Called(index, callee.name.rpartition(".")[2], entry, bound)

    def sites_of(self, *names: str) -> Iterator[tuple[Called, Node]]:
        """Calls of these names on paths where gradients flow, in source order."""
        for index in sorted(self.nodes):
            called = self.calls.get(index)
            if called is not None and called.name in names:
                for node in self.nodes[index]:
                    yield called, node

    @cached_property
    def users(self) -> dict[int, list[int]]:
        """The terms that have a term among their arguments."""
        found: dict[int, list[int]] = {}
        for index, term in enumerate(self.terms):
            for argument in term.args:
                found.setdefault(argument, []).append(index)
        return found

    def comes_to(
        self, index: int, names: Collection[str], through: Collection[str], steps: int, most: int
    ) -> bool:
        """Whether what is made of a term comes, by terms of the operations `through`, to a call or attribute
        of one of these names: within so many steps, over at most so many terms in each."""
        frontier = [index]
        for _ in range(steps):
            following: list[int] = []
            for step in frontier:
                for user in self.users.get(step, ()):
                    term = self.terms[user]
                    name = term.name if term.op != "call" else self.terms[term.args[0]].name
                    if name.rpartition(".")[2] in names:
                        return True
                    if term.op in through:
                        following.append(user)
            frontier = following[:most]
        return False

    def value(self, index: int) -> Value:
        """The value of a term on any path."""
        return self.values.value(index)

    def on_path(self, node: Node) -> Knowing:
        """What is known where a path has led."""
        return self.paths.knowing(node)

    def same(self, left: int, right: int) -> bool:
        """Whether two terms must have the same value."""
        return self.values.canonical(left) == self.values.canonical(right)

    def below_views(self, index: int) -> int:
        """What a term is a view, a copy or another precision of."""
        for _ in range(12):
            called = self.calls.get(index)
            if called is None or called.name not in _VIEWS or called.bound.get("input", -1) < 0:
                return index
            index = called.bound["input"]
        return index

    def number(self, index: int) -> float | None:
        """The number a term is known to be: a literal, a default of a parameter, an attribute set to one."""
        if index < 0 or self.terms[index].op not in _NUMBERS:
            return None
        value = self.value(index)
        if value.const is not None:
            return value.const
        if value.low == value.high and value.kind in (Kind.NUMBER, Kind.INTEGER):
            return value.low
        parameter = self.values.parameters.get(index)
        if parameter is not None and parameter.default >= 0:
            return self._literal(parameter.default)
        return None

    def _literal(self, index: int) -> float | None:
        found = self.terms[index].value
        is_number = isinstance(found, (int, float)) and not isinstance(found, bool)
        return float(found) if is_number else None  # type: ignore[arg-type]

    def text(self, index: int) -> str:
        """The string a term is, "" for anything else."""
        found = self.terms[index].value if index >= 0 else None
        return found if isinstance(found, str) else ""
