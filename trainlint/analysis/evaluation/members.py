"""The attributes of the project's classes and their instances: stored by methods, bound in the class's body,
handed to the constructor, or computed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainlint.analysis.evaluation.hyperparameters import HPARAMS, hyperparameters
from trainlint.analysis.evaluation.post_init import POST_INIT, PostInit, stores_own
from trainlint.analysis.evaluation.values import Origin, Resolved, join, unknown

if TYPE_CHECKING:
    from trainlint.analysis.evaluation.evaluate import Evaluator

_COMPUTED = frozenset({"property", "cached_property", "functools.cached_property"})
"""Decorators that make an attribute of a method."""


class Members:
    """Looks attributes up for one evaluator."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator
        self.post_init = PostInit(evaluator)
        self._defaults: dict[tuple[str, str, int], Resolved] = {}

    def field(self, base: Resolved, name: str) -> Resolved:
        """What an attribute of an instance or a class holds: what is stored to it, else what the class's body
        binds or defines."""
        path, _, qualname = base.name.partition("::")
        key = _key(base, name)
        known: Resolved | None = self.evaluator.memo.get(key)
        if known is not None:
            return known
        if self.evaluator.memo.is_open(key):
            self.evaluator.memo.cut(key)
            return self._defaults.get(key) or unknown(
                f"self.{name} is defined in terms of itself", frozenset({name})
            )
        outer, result = self.evaluator.memo.open(key), None
        try:
            result = self._look_up_member(base, path, qualname, name)
        finally:
            self.evaluator.memo.close(key, outer, result)
            self._defaults.pop(key, None)
        return result

    def _look_up_member(self, base: Resolved, path: str, qualname: str, name: str) -> Resolved:
        passed = self.evaluator.calls.constructor_field(base, path, qualname, name)
        stores = [] if base.kind == "class" else self._stores(base, path, qualname, name)
        default = passed or self._class_variable(path, qualname, name)
        if default is not None and base.kind == "instance":
            self._defaults[_key(base, name)] = default
            default = self.post_init.field(base, path, qualname, name, default)
            if stores and not (default.kind == "const" and default.value is None):
                stores = stores if self._made_in_init(path, qualname, name) else [default, *stores]
        if stores:
            return join(stores)
        if passed is not None and default is not None:
            return default
        kept = hyperparameters(self.evaluator, base) if name in HPARAMS and base.kind == "instance" else None
        if kept is not None:
            return kept
        kind, where, member = self.evaluator.scope.resolve(path, qualname, name)
        if kind == "function":
            if _COMPUTED.isdisjoint(self.evaluator.scope.decorators(where, member)):
                return Resolved("function", name=f"{where}::{member}", items=(base,))
            return self.evaluator.calls.computed(base, where, member)
        return default or unknown(f"attribute {name} of {qualname}", frozenset({name}))

    def _class_variable(self, path: str, qualname: str, name: str) -> Resolved | None:
        """What a class's body binds a name to, or that of a base; None where none does."""
        kind, where, member = self.evaluator.scope.resolve(path, qualname, name)
        frame = self.evaluator.root(where, member.rpartition(".")[0]) if kind == "variable" else None
        if frame is None or name not in frame.facts.bindings:
            return None
        index = frame.facts.bindings[name]
        return self.evaluator.value(frame, index).with_origin(Origin(frame.span(index), name))

    def _made_in_init(self, path: str, qualname: str, name: str) -> bool:
        """Whether the constructor stores an attribute, whatever the class's body binds."""
        kind, where, method = self.evaluator.scope.resolve(path, qualname, "__init__")
        frame = self.evaluator.root(where, method) if kind == "function" else None
        events = frame.facts.events if frame is not None else ()
        return frame is not None and any(
            event.name == name and stores_own(frame.facts, event) for event in events
        )

    def _stores(self, base: Resolved, path: str, qualname: str, name: str) -> list[Resolved]:
        found: list[Resolved] = []
        first: list[Resolved] = []
        for (where, method), event in self.evaluator.scope.own_stores(path, qualname, name):
            frame = (
                None if method.endswith(POST_INIT) else self.evaluator.calls.method_frame(base, where, method)
            )
            if frame is not None:
                value = self.evaluator.value(frame, event.value)
                (first if method.endswith("__init__") else found).append(value)
        placeholder = [value for value in first if not (value.kind == "const" and value.value is None)]
        return [*(placeholder or ([] if found else first)), *found]


def _key(base: Resolved, name: str) -> tuple[str, str, int]:
    return (base.name, name + base.option, id(base.frame) if base.frame is not None else base.term)
