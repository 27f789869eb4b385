"""Where the walk through a unit stands: what names hold, and what was noted on the way."""

from __future__ import annotations

from collections.abc import Callable

import libcst as cst

from trainlint.analysis.close.terms import NumericHooks, TermTable
from trainlint.analysis.facts import Condition, Event, Loop, Nested, Return, Scalar
from trainlint.analysis.index.names import Names
from trainlint.knowledge.base import Knowledge


class UnitState:
    """The terms, events, loops and returns of one unit so far, and the surroundings of the next one.

    `env` maps local names, and dotted paths of assigned attributes ("self.model"), to term indices.
    """

    def __init__(
        self, names: Names, knowledge: Knowledge, numerics: Callable[[TermTable], NumericHooks]
    ) -> None:
        self.names = names
        self.knowledge = knowledge
        self.table = TermTable()
        self.numerics = numerics(self.table)
        self.env: dict[str, int] = {}
        self.events: list[Event] = []
        self.event_nodes: list[cst.CSTNode] = []
        self.loops: list[Loop] = []
        self.loop_nodes: list[cst.CSTNode] = []
        self.returns: list[Return] = []
        self.nested: list[Nested] = []
        self.conditions: tuple[Condition, ...] = ()
        self.contexts: tuple[str, ...] = ()
        self.loop = -1
        self.scope = -1
        self.limits: list[str] = []
        self.changed: set[str] = set()

    def term(
        self,
        op: str,
        args: tuple[int, ...] = (),
        name: str = "",
        value: Scalar = None,
        keys: tuple[str, ...] = (),
        node: cst.CSTNode | None = None,
        unique: bool = False,
    ) -> int:
        """Make a term. A `unique` one is kept apart from equal-looking ones elsewhere."""
        return self.table.make(op, args, name, value, keys, node, id(node) if unique else 0)

    def unknown(self, reason: str, node: cst.CSTNode | None = None) -> int:
        """A value the analysis does not follow, and why."""
        return self.term("unknown", name=reason, node=node, unique=node is not None)

    def constant(self, value: Scalar, node: cst.CSTNode | None = None) -> int:
        """A literal's term. Each place keeps its own, so that evidence points at the right one."""
        return self.term("const", value=value, node=node, unique=node is not None)

    def emit(self, event: Event, node: cst.CSTNode) -> None:
        """Record an event at the current point of the walk."""
        event.loop = self.loop
        event.conditions = self.conditions
        event.contexts = self.contexts
        event.nested = self.scope
        self.events.append(event)
        self.event_nodes.append(node)

    def _forget_paths(self, name: str) -> None:
        stale = [path for path in self.env if path.startswith((name + ".", name + "["))]
        for path in stale:
            del self.env[path]

    def _note_change(self, path: str, node: cst.CSTNode) -> None:
        """Tell other units that what an attribute holds was changed in place; after the loop, if in one."""
        owner, _, attribute = path.rpartition(".")
        if owner not in self.env:
            return
        self.changed.add(path)
        if self.loop < 0:
            store = Event("store-attr", self.env[owner], value=self.env[path], name=attribute)
            self.emit(store, node)

    def _join(
        self, test: int, then: dict[str, int], otherwise: dict[str, int], node: cst.CSTNode
    ) -> dict[str, int]:
        """What names hold where two branches of a test meet again."""
        if then == otherwise:
            return then
        joined: dict[str, int] = {}
        for name in {**then, **otherwise}:
            first, second = then.get(name), otherwise.get(name)
            if first == second and first is not None:
                joined[name] = first
                continue
            if first is None or second is None:
                if "." in name or "[" in name:
                    continue
                absent = self.unknown(f"{name} is bound on one branch only")
                first = absent if first is None else first
                second = absent if second is None else second
            joined[name] = self.term("if", (test, first, second), node=node)
        return joined

    def _prefer(self, tried: dict[str, int], handled: dict[str, int], node: cst.CSTNode) -> dict[str, int]:
        # `except ImportError: x = None` is a fallback, not a second meaning of x.
        merged = self._join(self.unknown("an exception was raised"), tried, handled, node)
        for name, value in tried.items():
            other = handled.get(name)
            if other is None or self.table.terms[other].op == "const":
                merged[name] = value
        return merged
