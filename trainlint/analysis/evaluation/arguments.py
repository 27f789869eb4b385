"""Which argument of a call goes to which parameter."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from trainlint.analysis.evaluation.values import Frame, Resolved, unknown
from trainlint.analysis.facts import Parameter, UnitFacts

if TYPE_CHECKING:
    from trainlint.analysis.evaluation.evaluate import Evaluator


@dataclasses.dataclass(slots=True)
class Arguments:
    """A call's arguments by parameter name. `complete` is False when a starred argument may have passed
    more."""

    bound: dict[str, Resolved]
    terms: dict[str, tuple[Frame, int]]
    complete: bool = True

    def get(self, name: str) -> Resolved | None:
        """The argument passed for a parameter, None where none was."""
        return self.bound.get(name)


class Binder:
    """Binds the arguments of calls to parameters, evaluating them."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator

    def argument(self, caller: Frame, call: int, facts: UnitFacts, name: str) -> Resolved | None:
        """What a call passes for the parameter `name` of a project function; None when it passes nothing."""
        arguments = self.passed(caller, call, facts)
        if any(param.name == name and param.kind == "double-star" for param in facts.params):
            collected = self.collected(arguments.bound, facts)
            return collected if arguments.complete else dataclasses.replace(collected, complete=False)
        found = arguments.get(name)
        if found is None and not arguments.complete:
            return unknown(f"parameter {name} may come from a starred argument")
        return found

    def passed(self, caller: Frame, call: int, facts: UnitFacts) -> Arguments:
        """The arguments a project function gets from a call of it, or from a call it is handed to as a
        value."""
        params = facts.params[1:] if _is_bound(facts) else facts.params
        if self._is_handed_on(caller, call, facts):
            return self._handed_on(caller, call, params)
        return self.bind(caller, call, params)

    def _is_handed_on(self, caller: Frame, call: int, facts: UnitFacts) -> bool:
        wanted = f"{facts.path}::{facts.qualname}"
        record = caller.term(call)
        return any(caller.term(argument).name == wanted for argument in record.args[1:])

    def _handed_on(self, caller: Frame, call: int, params: Sequence[Parameter]) -> Arguments:
        """`Process(target=f, args=(a, b))` and `spawn(f, args=(a, b))`: the latter passes the rank first."""
        record = caller.term(call)
        given = dict(zip(record.keys, record.args[1:], strict=True))
        callee = self.evaluator.value(caller, record.args[0])
        result = Arguments({}, {})
        slots = [param.name for param in params if param.kind in ("normal", "positional-only")]
        if callee.name.rpartition(".")[2] == "spawn":
            for name in slots[:1]:
                result.bound[name] = unknown("the rank of the process")
            slots = slots[1:]
        if "args" in given:
            values = self.evaluator.value(caller, given["args"])
            result.complete = values.kind == "sequence"
            result.bound.update(zip(slots, values.items, strict=False))
        if "kwargs" in given:
            mapping = self.evaluator.value(caller, given["kwargs"])
            result.complete = result.complete and mapping.kind == "mapping" and mapping.complete
            result.bound.update(mapping.entries)
        return result

    def arguments(self, value: Resolved) -> Arguments:
        """The arguments of the call that made an object, by the parameter names the knowledge gives its
        callee."""
        if value.frame is None:
            return Arguments({}, {}, complete=False)
        entry = self.evaluator.entry(value.name)
        params = (
            [Parameter(param.name, param.kind, param.has_default) for param in entry.params] if entry else []
        )
        return self.bind(value.frame, value.term, params, entry.renamed if entry else {})

    def collected(self, bound: Mapping[str, Resolved], facts: UnitFacts) -> Resolved:
        """What a double-star parameter collects: the keywords that name no parameter."""
        named = {param.name for param in facts.params}
        complete = not isinstance(bound, LazyArguments) or bound.complete
        entries = {name: bound[name] for name in bound if name not in named}
        return Resolved("mapping", entries=entries, complete=complete)

    def bind(
        self, frame: Frame, call: int, params: Sequence[Parameter], renamed: Mapping[str, str] | None = None
    ) -> Arguments:
        """A call's arguments by parameter name. Keywords that name no parameter keep their own name."""
        term = frame.term(call)
        result = Arguments({}, {})
        slots = iter([param for param in params if param.kind in ("normal", "positional-only", "star")])
        for key, argument in zip(term.keys, term.args[1:], strict=True):
            if key == "":
                slot = next(slots, None)
                if slot is not None and slot.kind != "star":
                    result.bound[slot.name] = self.evaluator.value(frame, argument)
                    result.terms[slot.name] = (frame, argument)
            elif key == "*":
                result.complete = False
                slots = iter(())
            elif key == "**":
                mapping = self.evaluator.value(frame, argument)
                if mapping.kind != "mapping" and self.evaluator.trees.has(mapping):
                    held = self.evaluator.trees.named(mapping, [param.name for param in params])
                    result.bound.update(held)
                    result.complete = result.complete and all(
                        each.kind != "unknown" for each in held.values()
                    )
                    continue
                result.bound.update(mapping.entries)
                result.complete = result.complete and mapping.kind == "mapping" and mapping.complete
            else:
                name = (renamed or {}).get(key, key)
                result.bound[name] = self.evaluator.value(frame, argument)
                result.terms[name] = (frame, argument)
        return result


class LazyArguments(Mapping[str, Resolved]):
    """The bindings of one call, each argument evaluated when asked for."""

    def __init__(self, binder: Binder, frame: Frame, call: int, facts: UnitFacts) -> None:
        self._binder = binder
        self._frame = frame
        self._call = call
        self._facts = facts

    def _all(self) -> Arguments:
        key = ("arguments", id(self))
        memo = self._binder.evaluator.memo
        known: Arguments | None = memo.get(key)
        if known is not None:
            return known
        if memo.is_open(key):
            memo.cut(key)
            return Arguments({}, {})
        outer, found = memo.open(key), None
        try:
            found = self._binder.passed(self._frame, self._call, self._facts)
            if not found.complete:
                for param in self._facts.params:
                    found.bound.setdefault(param.name, unknown(f"parameter {param.name}: starred argument"))
        finally:
            memo.close(key, outer, found)
        return found

    @property
    def complete(self) -> bool:
        """Whether no starred argument hides one."""
        return self._all().complete

    def __getitem__(self, name: str) -> Resolved:
        return self._all().bound[name]

    def __contains__(self, name: object) -> bool:
        return name in self._all().bound

    def __iter__(self) -> Iterator[str]:
        return iter(self._all().bound)

    def __len__(self) -> int:
        return len(self._all().bound)


def _is_bound(facts: UnitFacts) -> bool:
    """Whether a function is a method: what it is called on is given first. So is an object that is called,
    whose `__call__` or `forward` it is."""
    return bool(facts.params) and facts.params[0].name in ("self", "cls") and "." in facts.qualname
