"""The places of a program that write attributes and items by name: assignments, `setattr`, `update`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from trainlint.analysis.evaluation.values import Frame, Resolved
from trainlint.analysis.facts import Event, Term

if TYPE_CHECKING:
    from trainlint.analysis.evaluation.evaluate import Evaluator

_BULK = frozenset({"setattr", "update"})


@dataclasses.dataclass(frozen=True, slots=True)
class Write:
    """A write to `base`: the value's term, or what is `held` under the name by what is copied over.

    `loop` is the loop over the copied items, which is none over time. `bound`: the unit's own later readings
    see it without help. `sweeps`: the loop around it goes over the very values that are written.
    """

    frame: Frame
    event: Event
    base: int
    value: int = -1
    held: Resolved | None = None
    loop: int = -1
    bound: bool = False
    sweeps: bool = False


class Writes:
    """Finds writes by the name they are made under. Each is read in a frame of its own, apart from readings
    of what is there before it."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator
        self._frames: dict[tuple[str, str], Frame] = {}
        self._bulk: list[tuple[Frame, Event]] | None = None

    def named(self, name: str, to_holder: Callable[[Frame, int, bool], bool]) -> Iterator[Write]:
        """Every write under a name, unit by unit in order, to what `to_holder` wants, which gets the frame,
        the term written to, and whether items are copied over."""
        for place in self.evaluator.scope.units_storing(name):
            frame = self._frame(*place)
            if frame is None:
                continue
            for event in self.evaluator.scope.events(frame.facts):
                if stored_name(frame, event) == name and to_holder(frame, event.term, False):
                    plain = not event.conditions and event.loop < 0 and event.nested < 0
                    sweeps = _sweeps(frame, event)
                    yield Write(frame, event, event.term, event.value, bound=plain, sweeps=sweeps)
        for frame, event in self._bulk_events():
            yield from self._copied(frame, event, name, to_holder)

    def _frame(self, path: str, qualname: str) -> Frame | None:
        key = (path, qualname)
        if key not in self._frames:
            root = self.evaluator.root(path, qualname)
            if root is None:
                return None
            self._frames[key] = Frame(root.facts)
        return self._frames[key]

    def _bulk_events(self) -> list[tuple[Frame, Event]]:
        if self._bulk is None:
            self._bulk = []
            for place in self.evaluator.scope.units_calling(_BULK):
                frame = self._frame(*place)
                for event in self.evaluator.scope.events(frame.facts) if frame is not None else ():
                    if event.kind == "call" and frame is not None and _callee(frame, event.term) in _BULK:
                        self._bulk.append((frame, event))
        return self._bulk

    def _copied(
        self, frame: Frame, event: Event, name: str, to_holder: Callable[[Frame, int, bool], bool]
    ) -> Iterator[Write]:
        """What a `setattr` or `update` writes under a name."""
        call = frame.term(event.term)
        callee = frame.term(call.args[0])
        if callee.name == "builtins.setattr" and len(call.args) == 4:
            _, base, key, value = call.args
            known = frame.term(key).value
            if isinstance(known, str):
                if known == name and to_holder(frame, base, False):
                    yield Write(frame, event, base, value)
                return
            if not to_holder(frame, base, True):
                return
            held = self._item(frame, key, name)
            if held.kind != "absent":
                yield Write(frame, event, base, held=held, loop=event.loop)
        elif _copies_a_mapping(callee, call) and to_holder(frame, callee.args[0], True):
            held = self._updated(frame, call, name)
            if held.kind != "absent":
                yield Write(frame, event, callee.args[0], held=held)

    def _item(self, frame: Frame, key: int, name: str) -> Resolved:
        """What a loop over the items of something gives for a name."""
        source = _items_of(frame, frame.term(key))
        if source is None:
            found = self.evaluator.value(frame, key)
            return Resolved("unknown", name=f"setattr with {found.name or 'a computed name'}")
        if self.evaluator.is_active(frame, source):
            return Resolved("absent")
        return self.evaluator.trees.child(self.evaluator.value(frame, source), name)

    def _updated(self, frame: Frame, call: Term, name: str) -> Resolved:
        found = Resolved("absent")
        for key, argument in zip(call.keys, call.args[1:], strict=True):
            if key == name:
                found = self.evaluator.value(frame, argument)
            elif key in ("", "**") and not self.evaluator.is_active(frame, argument):
                held = self.evaluator.trees.child(self.evaluator.value(frame, argument), name)
                found = found if held.kind == "absent" else held
        return found


def stored_name(frame: Frame, event: Event) -> str:
    """The attribute or constant key that a store event sets; "" for others."""
    if event.kind == "store-attr":
        return event.name
    if event.kind == "store-item":
        key = frame.term(event.key).value
        return key if isinstance(key, str) else ""
    return ""


def _copies_a_mapping(callee: Term, call: Term) -> bool:
    """Whether a call may be `dict.update`: it takes one mapping, or none, and keywords."""
    return callee.op == "attr" and callee.name == "update" and sum(key in ("", "*") for key in call.keys) <= 1


def _callee(frame: Frame, call: int) -> str:
    name = frame.term(frame.term(call).args[0]).name
    return name.rpartition(".")[2]


def _items_of(frame: Frame, key: Term) -> int | None:
    """The mapping whose keys a loop's variable goes through: `for k, v in d.items()`, `for k in d`."""
    element = frame.term(key.args[0]) if key.op == "unpack" and key.value == 0 else key
    if element.op != "elem":
        return None
    source = frame.term(element.args[0])
    if source.op == "call":
        callee = frame.term(source.args[0])
        if callee.op == "attr" and callee.name in ("items", "keys"):
            return callee.args[0]
    return element.args[0] if key.op == "elem" else None


def _sweeps(frame: Frame, event: Event) -> bool:
    """Whether a loop writes its own variable: `for lr in rates: args.lr = lr`."""
    term = frame.term(event.value)
    return event.loop >= 0 and term.op in ("elem", "unpack")
