"""Resolving terms across a program: parameters to their arguments, attributes to their stores, calls to what
they return."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from trainlint.analysis.evaluation.values import Frame, Origin, Resolved, Site, join, same, unknown
from trainlint.analysis.facts import Event, Scalar, Term, UnitFacts
from trainlint.findings import Span
from trainlint.knowledge.base import Entry, Knowledge

MAX_DEPTH = 24
MAX_STEPS = 60_000
MAX_CALLERS = 8
MAX_SEQUENCE = 64
_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "//": operator.floordiv,
    "%": operator.mod, "**": operator.pow, "==": operator.eq, "!=": operator.ne, "<": operator.lt,
    "<=": operator.le, ">": operator.gt, ">=": operator.ge, "is": operator.eq, "is-not": operator.ne,
}  # fmt: skip


class ConfigReader(Protocol):
    """How the evaluator reads config files that the program loads."""

    @property
    def read(self) -> frozenset[str]:
        """Paths of the configs read so far."""

    def loader_of(self, callee: str, loader_class: str) -> str | None:
        """The kind of loader behind a callee, None where it reads no config."""

    def load(self, literal: str, from_file: str, loader: str, at: Span | None) -> Resolved:
        """The whole of a config file named by a literal path, as a config value; unknown where it cannot be
        found."""

    def get(self, config: Resolved, key: str | int) -> Resolved:
        """One key below a config value: const, config, sequence or absent."""

    def note_use(
        self, value: Resolved, at: Span | None, *, numeric: bool = False, converted: bool = False
    ) -> None:
        """The code takes this value out of a config, and as what."""


class ProgramScope(Protocol):
    """What the evaluator asks about the program around a unit."""

    def facts(self, path: str, qualname: str) -> UnitFacts | None:
        """The close reading of a unit, None where there is no such unit or it cannot be read."""

    def call_sites(self, path: str, qualname: str) -> Sequence[tuple[Frame, int]]:
        """The calls of a function (for `__init__`: of its class) in the program."""

    def resolve(self, path: str, qualname: str, name: str) -> tuple[str, str, str]:
        """(kind, path, qualname) of a member `name` of a project class or module; kind "" where there is
        none."""

    def methods(self, path: str, qualname: str) -> Sequence[tuple[str, str]]:
        """(path, qualname) of every method of a class, bases included, the class's own first."""

    def attribute_stores(self, name: str) -> Sequence[tuple[Frame, int, int]]:
        """(frame, base term, value term) of every `x.name = value` in the program."""

    def units_mentioning(self, word: str) -> Sequence[tuple[str, str]]:
        """(path, qualname) of the program's units in which the word occurs."""

    def rebound(self, name: str) -> bool:
        """Whether a `global` statement somewhere in the program rebinds this "path::name"."""

    def kind(self, path: str, qualname: str) -> str:
        """function, class, module or variable."""


class Evaluator:
    """Evaluates terms of one program; bounded by counts. The same scope always gives the same answers."""

    def __init__(self, scope: ProgramScope, knowledge: Knowledge, configs: ConfigReader) -> None:
        from trainlint.analysis.evaluation.calls import CallEvaluator  # noqa: PLC0415 - each needs the other

        self.scope = scope
        self.knowledge = knowledge
        self.configs = configs
        self.calls = CallEvaluator(self)
        self._memo: dict[tuple[int, int], Resolved] = {}
        self._active: set[tuple[int, int]] = set()
        self._frames: dict[tuple[str, str], Frame] = {}
        self._keep: list[Frame] = []
        self._attributes: dict[tuple[str, str, int], Resolved] = {}
        self._steps = 0
        self._depth = 0
        self._operations: dict[str, Callable[[Frame, int, Term], Resolved]] = {
            "const": self._const, "param": self._param, "global": self._global, "attr": self._attr,
            "item": self._item, "call": self.calls.evaluate, "bin": self._bin, "un": self._un,
            "cmp": self._bin, "bool": self._bool, "if": self._if, "tuple": self._sequence,
            "list": self._sequence, "set": self._sequence, "dict": self._dict, "setitem": self._setitem,
            "update": self._update, "elem": self._elem, "unpack": self._unpack, "enter": self._enter,
            "loop": self._loop, "func": self._func, "comp": self._comp, "unknown": self._unknown,
        }  # fmt: skip

    def root(self, path: str, qualname: str) -> Frame | None:
        """The frame of a unit in no particular call: its parameters take what any caller passes."""
        key = (path, qualname)
        if key not in self._frames:
            facts = self.scope.facts(path, qualname)
            if facts is None:
                return None
            self._frames[key] = Frame(facts)
        return self._frames[key]

    def value(self, frame: Frame, term: int) -> Resolved:
        """What a term is. Recursion, depth and work are bounded; beyond the bound the value is unknown."""
        key = (id(frame), term)
        known = self._memo.get(key)
        if known is not None:
            return known
        if key in self._active:
            return unknown("defined in terms of itself")
        self._steps += 1
        if self._steps > MAX_STEPS or self._depth > MAX_DEPTH * 8:
            return unknown("too much to follow")
        self._active.add(key)
        self._depth += 1
        try:
            record = frame.facts.terms[term]
            handler = self._operations.get(record.op)
            result = handler(frame, term, record) if handler else unknown(record.op)
        finally:
            self._depth -= 1
            self._active.discard(key)
        self._memo[key] = result
        self._keep.append(frame)
        return result

    def _const(self, frame: Frame, index: int, term: Term) -> Resolved:
        return Resolved("const", value=term.value, origins=(Origin(frame.span(index), ""),))

    def _unknown(self, frame: Frame, index: int, term: Term) -> Resolved:  # noqa: ARG002
        return unknown(term.name)

    def _func(self, frame: Frame, index: int, term: Term) -> Resolved:
        return Resolved(
            "function", name=f"{frame.facts.path}::<nested>", frame=frame, term=index, value=term.value
        )

    def _param(self, frame: Frame, index: int, term: Term) -> Resolved:  # noqa: ARG002
        name = term.name
        words = frozenset({name})
        if frame.bindings is not None and name in frame.bindings:
            return frame.bindings[name]
        owner = frame.facts.qualname.rpartition(".")[0]
        if owner and name in ("self", "cls") and frame.facts.path:
            if frame.receiver is not None:
                return frame.receiver
            return Resolved("instance", name=f"{frame.facts.path}::{owner}")
        if frame.bindings is not None or " " in name:
            return self._default(frame, name) or unknown(f"parameter {name}", words)
        return self._from_callers(frame, name, words)

    def _from_callers(self, frame: Frame, name: str, words: frozenset[str]) -> Resolved:
        sites = self.scope.call_sites(frame.facts.path, frame.facts.qualname)
        values = []
        for caller, call in sites[:MAX_CALLERS]:
            passed = self.calls.argument(caller, call, frame.facts, name)
            if passed is None:
                passed = self._default(frame, name) or unknown(f"parameter {name}", words)
            values.append(passed)
        if len(sites) > MAX_CALLERS:
            values.append(unknown(f"parameter {name} has many callers", words))
        if values:
            return join(values)
        default = self._default(frame, name)
        return (
            default
            if default is not None
            else unknown(f"parameter {name}: no call of its function is known", words)
        )

    def _default(self, frame: Frame, name: str) -> Resolved | None:
        term = frame.facts.defaults.get(name)
        if term is None:
            return None
        return self.value(frame, term).with_origin(Origin(frame.span(term), f"default of parameter {name}"))

    def _global(self, frame: Frame, index: int, term: Term) -> Resolved:  # noqa: ARG002
        path, separator, qualname = term.name.partition("::")
        if not separator:
            return Resolved("external", name=self.knowledge.canonical(term.name))
        return self.member(path, qualname)

    def member(self, path: str, qualname: str) -> Resolved:
        """A module-level name of the project: a function, class, module, or the variable's value."""
        kind = self.scope.kind(path, qualname)
        if kind in ("function", "class", "module"):
            return Resolved(kind, name=f"{path}::{qualname}")
        if self.scope.rebound(f"{path}::{qualname}"):
            return unknown(f"{qualname} is rebound by a global statement", frozenset({qualname}))
        frame = self.root(path, "")
        if frame is None or qualname not in frame.facts.bindings:
            return unknown(f"name {qualname}", frozenset({qualname}))
        index = frame.facts.bindings[qualname]
        return self.value(frame, index).with_origin(Origin(frame.span(index), qualname))

    def _attr(self, frame: Frame, index: int, term: Term) -> Resolved:
        base = self.value(frame, term.args[0])
        found = self.attribute(base, term.name)
        if found.kind == "unknown" and not found.words:
            return unknown(found.name, frozenset({term.name}))
        _ = index
        return found

    def attribute(self, base: Resolved, name: str) -> Resolved:
        """`base.name`."""
        if base.kind == "choice":
            return join([self.attribute(item, name) for item in base.items], base.condition, base.option)
        if base.kind == "namespace":
            return self.calls.option(base, name)
        if base.kind == "config":
            return self.configs.get(base, name)
        if base.kind == "mapping" and name in base.entries:
            return base.entries[name]
        if base.kind == "external":
            return Resolved("external", name=self.knowledge.canonical(f"{base.name}.{name}"))
        if base.kind in ("instance", "class"):
            return self._member_of_class(base, name)
        if base.kind == "module":
            path, _, _ = base.name.partition("::")
            kind, where, qualname = self.scope.resolve(path, "", name)
            return self.member(where, qualname) if kind else unknown(f"{name} of module {path}")
        if base.kind in ("object", "part") and name in ("module", "optimizer"):
            return base
        return unknown(f".{name} of {_describe(base)}", frozenset({name}))

    def _member_of_class(self, base: Resolved, name: str) -> Resolved:
        path, _, qualname = base.name.partition("::")
        key = (base.name, name, id(base.frame) if base.frame is not None else base.term)
        known = self._attributes.get(key)
        if known is not None:
            return known
        self._attributes[key] = unknown(f"self.{name} is defined in terms of itself", frozenset({name}))
        result = self._look_up_member(base, path, qualname, name)
        self._attributes[key] = result
        return result

    def _look_up_member(self, base: Resolved, path: str, qualname: str, name: str) -> Resolved:
        passed = self.calls.constructor_field(base, path, qualname, name)
        stores = [] if base.kind == "class" else self._stores(base, path, qualname, name)
        if stores:
            return join(stores)
        if passed is not None:
            return passed
        kind, where, member = self.scope.resolve(path, qualname, name)
        if kind == "function":
            return Resolved("function", name=f"{where}::{member}", items=(base,))
        if kind == "variable":
            frame = self.root(where, member.rpartition(".")[0])
            if frame is not None and name in frame.facts.bindings:
                index = frame.facts.bindings[name]
                return self.value(frame, index).with_origin(Origin(frame.span(index), name))
        return unknown(f"attribute {name} of {qualname}", frozenset({name}))

    def _stores(self, base: Resolved, path: str, qualname: str, name: str) -> list[Resolved]:
        found: list[Resolved] = []
        first: list[Resolved] = []
        for where, method in self.scope.methods(path, qualname):
            facts = self.scope.facts(where, method)
            if facts is None:
                continue
            for event in facts.events:
                if event.kind != "store-attr" or event.name != name or event.nested >= 0:
                    continue
                if facts.terms[event.term].op != "param" or facts.terms[event.term].name != "self":
                    continue
                frame = self.calls.method_frame(base, where, method)
                if frame is None:
                    continue
                value = self.value(frame, event.value)
                (first if method.endswith("__init__") else found).append(value)
        placeholder = [value for value in first if not (value.kind == "const" and value.value is None)]
        return [*(placeholder or ([] if found else first)), *found]

    def _item(self, frame: Frame, index: int, term: Term) -> Resolved:
        _ = index
        base = self.value(frame, term.args[0])
        key = self.value(frame, term.args[1])
        return self.item(base, key)

    def item(self, base: Resolved, key: Resolved) -> Resolved:
        """`base[key]`."""
        if base.kind == "choice":
            return join([self.item(part, key) for part in base.items], base.condition, base.option)
        if key.kind != "const":
            if base.kind == "object":
                return Resolved("part", value=None, items=(base,))
            if base.kind == "mapping" and base.complete and base.entries:
                return join(list(base.entries.values()))
            return unknown("an index that is not constant")
        if base.kind == "config" and isinstance(key.value, (str, int)):
            return self.configs.get(base, key.value)
        if base.kind == "namespace" and isinstance(key.value, str):
            return self.calls.option(base, key.value)
        if base.kind == "mapping" and isinstance(key.value, str):
            found = base.entries.get(key.value)
            return found if found is not None else unknown(f"key {key.value}", frozenset({key.value}))
        if (
            base.kind == "sequence"
            and isinstance(key.value, int)
            and -len(base.items) <= key.value < len(base.items)
        ):
            return base.items[key.value]
        if base.kind in ("object", "part"):
            return Resolved("part", value=key.value, items=(base,))
        words = frozenset({key.value}) if isinstance(key.value, str) else frozenset()
        return unknown(f"an item of {_describe(base)}", words)

    def _bin(self, frame: Frame, index: int, term: Term) -> Resolved:
        left, right = self.value(frame, term.args[0]), self.value(frame, term.args[1])
        return self.arithmetic(term.name, left, right, Origin(frame.span(index), ""))

    def arithmetic(self, name: str, left: Resolved, right: Resolved, origin: Origin) -> Resolved:
        """`left name right`, folded where both are constants."""
        words = left.words | right.words
        if left.kind == "choice" or right.kind == "choice":
            choice = left if left.kind == "choice" else right
            parts = [
                self.arithmetic(
                    name, item if choice is left else left, right if choice is left else item, origin
                )
                for item in choice.items
            ]
            return join(parts, choice.condition, choice.option)
        if name in ("in", "not-in") and left.kind == "const" and right.kind == "sequence":
            found = any(item.kind == "const" and item.value == left.value for item in right.items)
            return Resolved(
                "const", value=found == (name == "in"), option=left.option, words=words, derived=True
            )
        if left.kind == "const" and right.kind == "const":
            folded = _fold(name, left.value, right.value)
            if folded is not None:
                option = left.option or right.option
                origins = (origin, *left.origins, *right.origins)
                return Resolved(
                    "const", value=folded, option=option, origins=origins[:5], words=words, derived=True
                )
        if name in ("is", "is-not") and "const" in (left.kind, right.kind):
            other = right if left.kind == "const" else left
            if truthiness(other) is True and other.kind in (
                "object",
                "instance",
                "function",
                "class",
                "external",
                "mapping",
                "sequence",
            ):
                return Resolved("const", value=name == "is-not", words=words)
        if name == "+" and left.kind == right.kind == "sequence":
            return Resolved("sequence", items=(*left.items, *right.items)[:MAX_SEQUENCE])
        stopped = left if left.kind == "unknown" else right
        return unknown(stopped.name if stopped.kind == "unknown" else f"{name} of {_describe(left)}", words)

    def _un(self, frame: Frame, index: int, term: Term) -> Resolved:
        operand = self.value(frame, term.args[0])
        return self._negate(term.name, operand, Origin(frame.span(index), ""))

    def _negate(self, name: str, operand: Resolved, origin: Origin) -> Resolved:
        if operand.kind == "choice":
            parts = [self._negate(name, item, origin) for item in operand.items]
            return join(parts, operand.condition, operand.option)
        if name == "not":
            truth = truthiness(operand)
            if truth is not None:
                return Resolved(
                    "const", value=not truth, option=operand.option, words=operand.words, derived=True
                )
        elif name == "-" and operand.is_number:
            assert isinstance(operand.value, (int, float))
            return Resolved(
                "const",
                value=-operand.value,
                option=operand.option,
                origins=operand.origins,
                words=operand.words,
            )
        return unknown(operand.name or f"{name} of {_describe(operand)}", operand.words)

    def _bool(self, frame: Frame, index: int, term: Term) -> Resolved:
        _ = index
        left = self.value(frame, term.args[0])
        truth = truthiness(left)
        if truth is not None:
            decided = truth is (term.name == "or")
            chosen = left if decided else self.value(frame, term.args[1])
            if left.option and not chosen.option and chosen.kind == "const":
                return Resolved(
                    "const",
                    value=chosen.value,
                    option=left.option,
                    origins=chosen.origins,
                    words=left.words | chosen.words,
                )
            return chosen
        right = self.value(frame, term.args[1])
        other = truthiness(right)
        if other is not None and other is (term.name == "or") and not right.option:
            return right
        return unknown(left.name or "a condition", left.words | right.words)

    def _if(self, frame: Frame, index: int, term: Term) -> Resolved:
        _ = index
        condition = self.value(frame, term.args[0])
        truth = truthiness(condition)
        if truth is not None and not condition.option:
            return self.value(frame, term.args[1] if truth else term.args[2])
        order = (term.args[2], term.args[1]) if truth is False else (term.args[1], term.args[2])
        values = [self.value(frame, branch) for branch in order]
        if any(value.kind == "mapping" for value in values):
            return self._merge_mappings(values, (frame, term.args[0]), condition.option)
        known = [
            value for value in values if not (value.kind == "unknown" and "one branch only" in value.name)
        ]
        return join(known or values, (frame, term.args[0]), condition.option if truth is not None else "")

    def _merge_mappings(self, values: list[Resolved], condition: tuple[Frame, int], option: str) -> Resolved:
        mappings = [value for value in values if value.kind == "mapping"]
        if len(mappings) != len(values):
            return join(values, condition, option)
        absent = Resolved("absent")
        names = list(dict.fromkeys(name for mapping in mappings for name in mapping.entries))
        entries = {
            name: join([mapping.entries.get(name, absent) for mapping in mappings], condition, option)
            for name in names
        }
        return Resolved("mapping", entries=entries, complete=all(mapping.complete for mapping in mappings))

    def _sequence(self, frame: Frame, index: int, term: Term) -> Resolved:
        _ = index
        if len(term.args) > MAX_SEQUENCE or any(frame.term(arg).op == "star" for arg in term.args):
            return unknown("a long or starred sequence")
        return Resolved(
            "sequence", items=tuple(self.value(frame, arg) for arg in term.args), frame=frame, term=index
        )

    def _dict(self, frame: Frame, index: int, term: Term) -> Resolved:
        _ = index
        entries: dict[str, Resolved] = {}
        complete = True
        for key_term, value_term in zip(term.args[::2], term.args[1::2], strict=True):
            value = self.value(frame, value_term)
            if frame.term(key_term).name == "**":
                entries.update(value.entries)
                complete = complete and value.kind == "mapping" and value.complete
                continue
            key = self.value(frame, key_term)
            if key.kind == "const":
                entries[str(key.value)] = value
            else:
                complete = False
        return Resolved("mapping", entries=entries, complete=complete)

    def _setitem(self, frame: Frame, index: int, term: Term) -> Resolved:
        _ = index
        base, key = self.value(frame, term.args[0]), self.value(frame, term.args[1])
        if base.kind == "mapping":
            if key.kind != "const":
                return Resolved("mapping", entries=base.entries, complete=False)
            entries = {**base.entries, str(key.value): self.value(frame, term.args[2])}
            return Resolved("mapping", entries=entries, complete=base.complete)
        return base

    def _update(self, frame: Frame, index: int, term: Term) -> Resolved:
        _ = index
        base = self.value(frame, term.args[0])
        if term.name == "update" and base.kind == "mapping":
            entries = dict(base.entries)
            complete = base.complete
            for argument, key in zip(term.args[1:], term.keys, strict=False):
                value = self.value(frame, argument)
                if key and not key.startswith("*"):
                    entries[key] = value
                else:
                    entries.update(value.entries)
                    complete = complete and value.kind == "mapping" and value.complete
            return Resolved("mapping", entries=entries, complete=complete)
        if term.name == "append" and base.kind == "sequence" and len(base.items) < MAX_SEQUENCE:
            return Resolved("sequence", items=(*base.items, self.value(frame, term.args[1])))
        if base.kind in ("mapping", "sequence"):
            return unknown(f"changed by .{term.name}()")
        return base

    def _elem(self, frame: Frame, index: int, term: Term) -> Resolved:
        _ = index
        source = self.value(frame, term.args[0])
        if source.kind == "sequence" and source.items:
            return join(list(source.items))
        if source.kind in ("object", "instance", "part"):
            return Resolved("part", name="element", items=(source,))
        return unknown(f"an element of {_describe(source)}")

    def _unpack(self, frame: Frame, index: int, term: Term) -> Resolved:
        _ = index
        assert isinstance(term.value, int)
        return self._unpacked(self.value(frame, term.args[0]), term.value)

    def _unpacked(self, whole: Resolved, position: int) -> Resolved:
        if whole.kind == "sequence" and position < len(whole.items):
            return whole.items[position]
        if whole.kind == "choice":
            return join(
                [self._unpacked(item, position) for item in whole.items], whole.condition, whole.option
            )
        if whole.kind in ("object", "part", "instance"):
            return Resolved("part", value=position, items=(whole,))
        return unknown(f"part {position} of {_describe(whole)}")

    def _enter(self, frame: Frame, index: int, term: Term) -> Resolved:
        _ = index
        return self.value(frame, term.args[0])

    def _loop(self, frame: Frame, index: int, term: Term) -> Resolved:
        _ = index
        if len(term.args) == 1:
            before = self.value(frame, term.args[0])
            if before.kind in ("object", "instance", "namespace", "config", "part", "function"):
                return before
            return unknown(f"{term.name} changes in a loop", frozenset({term.name}))
        values = [self.value(frame, arg) for arg in term.args]
        if all(same(values[0], value) for value in values[1:]):
            return values[0]
        objects = [value for value in values if value.kind in ("object", "instance", "part")]
        return join(objects) if objects else unknown(f"{term.name} changes in a loop", frozenset({term.name}))

    def _comp(self, frame: Frame, index: int, term: Term) -> Resolved:
        source = self.value(frame, term.args[-1])
        element = self.value(frame, term.args[-2])
        if term.name == "dict":
            return Resolved("part", name="comprehension", items=(element, source), frame=frame, term=index)
        return Resolved("part", name="comprehension", items=(element, source), frame=frame, term=index)

    def event_frame(self, facts: UnitFacts) -> Frame:
        """The root frame of a unit already read."""
        frame = self.root(facts.path, facts.qualname)
        assert frame is not None
        return frame

    def receiver(self, facts: UnitFacts, event: Event) -> Resolved:
        """What the method of a call event is called on; unknown for plain function calls."""
        call = facts.terms[event.term]
        callee = facts.terms[call.args[0]]
        if callee.op != "attr":
            return unknown("not a method call")
        return self.value(self.event_frame(facts), callee.args[0])

    def entry(self, name: str) -> Entry | None:
        """What the knowledge says of a canonical name."""
        return self.knowledge.lookup(name)


def site_of(frame: Frame, index: int) -> Site:
    """The identity of the object a call makes."""
    return Site(frame.facts.path, frame.facts.qualname, index)


def truthiness(value: Resolved) -> bool | None:
    """Whether a value is true in a condition; None where it is not known."""
    if value.kind == "const":
        return bool(value.value)
    if value.kind == "object":
        # What a class makes is true; what any other call returns may be anything:
        # `torch.cuda.is_available()`.
        return True if value.name.rpartition(".")[2][:1].isupper() else None
    if value.kind in ("instance", "function", "class", "module", "namespace"):
        return True
    if value.kind == "sequence":
        return bool(value.items)
    return None


def _fold(name: str, left: Scalar, right: Scalar) -> Scalar:
    if name in ("and", "or"):
        return None
    function = _ARITHMETIC.get(name)
    if function is None or (isinstance(left, str) and name in ("*", "%", "**")):
        return None
    if name == "**" and isinstance(right, (int, float)) and abs(right) > 64:
        return None
    try:
        result = function(left, right)
    except (TypeError, ValueError, ArithmeticError):
        return None
    if isinstance(result, str) and len(result) > 1000:
        return None
    return result if isinstance(result, (bool, int, float, str)) else None


def _describe(value: Resolved) -> str:
    if value.kind in ("external", "object", "instance", "function", "class", "module"):
        return value.name.rpartition("::")[2] or value.name
    if value.kind == "unknown":
        return value.name
    return f"a {value.kind}"
