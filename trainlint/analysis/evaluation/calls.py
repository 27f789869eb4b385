"""What calls evaluate to: what project functions return, instances of its classes, the frames they run in."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from trainlint.analysis.evaluation.arguments import Arguments, LazyArguments
from trainlint.analysis.evaluation.library_calls import LibraryCalls
from trainlint.analysis.evaluation.method_calls import MethodCalls
from trainlint.analysis.evaluation.values import (
    Frame,
    Resolved,
    describe,
    join,
    site_of,
    unknown,
)
from trainlint.analysis.facts import Parameter, Term, UnitFacts
from trainlint.knowledge.base import Entry

if TYPE_CHECKING:
    from trainlint.analysis.evaluation.evaluate import Evaluator

MAX_CALL_DEPTH = 12
_OPEN_DICT = "easydict.EasyDict"
GENERATOR = "generator "
"""Begins the name of what a project function with `yield` returns."""


class CallEvaluator:
    """The part of the evaluator that knows calls."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator
        self._frames: dict[tuple[int, int, str], Frame] = {}
        self._libraries = LibraryCalls(evaluator)
        self._methods = MethodCalls(evaluator)
        self._stands_for: dict[str, str] = {}

    def evaluate(self, frame: Frame, index: int, term: Term) -> Resolved:
        """The value of a call."""
        callee = self.evaluator.value(frame, term.args[0])
        if callee.kind == "choice":
            return join(
                [self._apply(item, frame, index, term) for item in callee.items],
                callee.condition,
                callee.option,
            )
        return self._apply(callee, frame, index, term)

    def _apply(self, callee: Resolved, frame: Frame, index: int, term: Term) -> Resolved:
        if callee.kind == "external":
            return self._libraries.value(callee.name, frame, index, term)
        if callee.kind == "class" and self._is_open_dict(callee):
            return Resolved("object", name=_OPEN_DICT, site=site_of(frame, index), frame=frame, term=index)
        if callee.kind == "class":
            base = self.stands_for(callee.name)
            if base:
                return Resolved("object", name=base, site=site_of(frame, index), frame=frame, term=index)
            return Resolved("instance", name=callee.name, site=site_of(frame, index), frame=frame, term=index)
        if callee.kind == "function":
            return self._function(callee, frame, index)
        record = frame.term(term.args[0])
        if record.op == "attr":
            return self._methods.value(frame, index, term, record)
        if callee.kind in ("object", "instance", "part"):
            return Resolved(
                "object", name=f"{callee.name}()", site=site_of(frame, index), frame=frame, term=index
            )
        return unknown(f"the result of {callee.name or 'a call'}")

    def stands_for(self, name: str) -> str:
        """The loader of a library that a project class is, but for what it does behind it: its constructor
        passes on what it gets. "" for other classes."""
        if name not in self._stands_for:
            self._stands_for[name] = self._loader_behind(*name.split("::", 1))
        return self._stands_for[name]

    def _loader_behind(self, path: str, qualname: str) -> str:
        for base in self.evaluator.scope.foreign_bases(path, qualname):
            entry = self.evaluator.entry(self.evaluator.knowledge.canonical(base))
            if entry is None or entry.kind != "loader":
                continue
            kind, where, method = self.evaluator.scope.resolve(path, qualname, "__init__")
            facts = self.evaluator.scope.facts(where, method) if kind == "function" else None
            return entry.name if kind != "function" or (facts and _passes_on(facts)) else ""
        return ""

    def _is_open_dict(self, callee: Resolved) -> bool:
        """Whether a project class is a dict whose keys are attributes, and no more."""
        path, _, qualname = callee.name.partition("::")
        methods = {method.rpartition(".")[2] for _, method in self.evaluator.scope.methods(path, qualname)}
        if "__getattr__" not in methods or "__init__" in methods:
            return False
        return "builtins.dict" in self.evaluator.scope.foreign_bases(path, qualname)

    def method_arguments(self, entry: Entry, frame: Frame, index: int) -> Arguments:
        """The arguments of a call of a known method, by the parameter names the knowledge gives."""
        params = [Parameter(param.name, param.kind, param.has_default) for param in entry.params]
        return self.evaluator.binder.bind(frame, index, params, entry.renamed)

    def _function(self, callee: Resolved, frame: Frame, index: int) -> Resolved:
        if callee.frame is not None:
            return self._nested(callee)
        if len(frame.chain) >= MAX_CALL_DEPTH:
            return unknown("calls too deep to follow")
        path, _, qualname = callee.name.partition("::")
        facts = self.evaluator.scope.facts(path, qualname)
        if facts is None:
            return unknown(f"{qualname} could not be read")
        if (path, qualname) in frame.units:
            return unknown(f"{qualname} calls itself")
        decorator = self.evaluator.decorators.replacing(facts)
        if decorator:
            return unknown(f"{decorator} may replace {qualname}")
        called = self._call_frame(facts, frame, index, callee.items[0] if callee.items else None)
        results = [
            self.evaluator.value(called, back.term)
            for back in facts.returns
            if back.nested < 0 and not back.yields
        ]
        if any(back.yields and back.nested < 0 for back in facts.returns):
            return Resolved(
                "object", name=f"{GENERATOR}{qualname}", site=site_of(frame, index), frame=frame, term=index
            )
        return join(results) if results else Resolved("const", value=None)

    def result_of(self, factory: Resolved, frame: Frame, index: int) -> Resolved:
        """What a function or class gives that the call at `index` calls without arguments."""
        if factory.kind == "class":
            return Resolved("instance", name=factory.name, site=site_of(frame, index))
        if factory.kind == "function" and factory.frame is not None:
            return self._nested(factory)
        if factory.kind == "function":
            path, _, qualname = factory.name.partition("::")
            called = self.evaluator.root(path, qualname)
            returns = [] if called is None else [each for each in called.facts.returns if each.nested < 0]
            if called is not None and returns and not called.facts.params:
                return join([self.evaluator.value(called, each.term) for each in returns])
        if factory.name in ("builtins.list", "builtins.tuple"):
            return Resolved("sequence")
        if factory.name == "builtins.dict":
            return Resolved("mapping")
        return unknown(f"what {describe(factory)} makes")

    def yielded(self, generator: Resolved) -> list[Resolved]:
        """What a generator of the project gives, each `yield` of it."""
        frame = generator.frame
        if frame is None or not generator.name.startswith(GENERATOR):
            return []
        found: list[Resolved] = []
        for callee in self.evaluator.value(frame, frame.term(generator.term).args[0]).alternatives():
            path, _, qualname = callee.name.partition("::")
            facts = self.evaluator.scope.facts(path, qualname) if callee.kind == "function" else None
            if facts is None or callee.frame is not None:
                continue
            called = self._call_frame(facts, frame, generator.term, callee.items[0] if callee.items else None)
            found += [
                self.evaluator.value(called, back.term)
                for back in facts.returns
                if back.yields and back.nested < 0
            ]
        return found

    def _nested(self, callee: Resolved) -> Resolved:
        assert callee.frame is not None
        owner = callee.frame
        record = callee.value
        results = [
            self.evaluator.value(owner, back.term)
            for back in owner.facts.returns
            if back.nested == record and not back.yields
        ]
        if isinstance(record, int) and owner.facts.nested[record].result >= 0:
            results.append(self.evaluator.value(owner, owner.facts.nested[record].result))
        return join(results) if results else unknown("the result of a local function")

    def _call_frame(self, facts: UnitFacts, frame: Frame, index: int, receiver: Resolved | None) -> Frame:
        key = (id(frame), index, f"{facts.path}::{facts.qualname}")
        known = self._frames.get(key)
        if known is None:
            bound = LazyArguments(self.evaluator.binder, frame, index, facts)
            known = self._frames[key] = Frame(facts, bound, receiver, (site_of(frame, index), *frame.chain))
        return known

    def in_call(self, made: Resolved, caller: Frame, call: int) -> Resolved:
        """An object made in a function, as one call of that function makes it."""
        assert made.frame is not None
        receiver = self._receiver(caller, call)
        return dataclasses.replace(made, frame=self._call_frame(made.frame.facts, caller, call, receiver))

    def _receiver(self, caller: Frame, call: int) -> Resolved | None:
        callee = self.evaluator.value(caller, caller.term(call).args[0])
        if callee.kind == "instance":
            return callee
        return callee.items[0] if callee.kind == "function" and callee.items else None

    def method_frame(self, base: Resolved, path: str, method: str) -> Frame | None:
        """The frame in which a method of this instance runs: its constructor call's arguments for
        `__init__`."""
        facts = self.evaluator.scope.facts(path, method)
        if facts is None:
            return None
        if base.frame is None and not base.option:
            return self.evaluator.root(path, method)
        if base.frame is None:
            return self._parsed_frame(base, facts)
        if method.endswith(".__init__"):
            return self._call_frame(facts, base.frame, base.term, base)
        key = (id(base.frame), base.term, f"{path}::{method} of the instance")
        known = self._frames.get(key)
        if known is None:
            known = self._frames[key] = Frame(
                facts, None, base, (site_of(base.frame, base.term), *base.frame.chain)
            )
        return known

    def computed(self, base: Resolved, path: str, method: str) -> Resolved:
        """What a property of an instance is."""
        frame = self.method_frame(base, path, method)
        returns = [back for back in frame.facts.returns if back.nested < 0] if frame is not None else []
        if frame is None or not returns or any(back.yields for back in returns):
            return unknown(f"the property {method}")
        return join([self.evaluator.value(frame, back.term) for back in returns])

    def _parsed_frame(self, base: Resolved, facts: UnitFacts) -> Frame:
        """The frame of a method of an object that a command line fills."""
        key = (0, -1, f"{facts.path}::{facts.qualname} {base.option} {base.site}")
        known = self._frames.get(key)
        if known is None:
            known = self._frames[key] = Frame(facts, None, base)
        return known

    def constructor_field(self, base: Resolved, path: str, qualname: str, name: str) -> Resolved | None:
        """A field passed to the constructor of a class without `__init__` (a dataclass), None where it was
        not."""
        if base.frame is None or self.evaluator.scope.resolve(path, qualname, "__init__")[0]:
            return None
        term = base.frame.term(base.term)
        for key, argument in zip(term.keys, term.args[1:], strict=True):
            if key == name:
                return self.evaluator.value(base.frame, argument)
            if key == "**":
                mapping = self.evaluator.value(base.frame, argument)
                if name in mapping.entries:
                    return mapping.entries[name]
                held = self.evaluator.configs.get(mapping, name) if mapping.kind == "config" else None
                if held is not None and held.kind != "absent":
                    return held
                if held is None and not (mapping.kind == "mapping" and mapping.complete):
                    return unknown(f"{name} may be passed by a starred argument", frozenset({name}))
        return None


def _passes_on(facts: UnitFacts) -> bool:
    """Whether a constructor takes any arguments, and calls the next one with just these."""
    if [param.kind for param in facts.params[1:]] != ["star", "double-star"]:
        return False
    calls = (facts.terms[event.term] for event in facts.events if event.kind == "call")
    return any(
        facts.terms[call.args[0]].name == "__init__" and list(call.keys) == ["*", "**"] for call in calls
    )
