"""Resolving terms across a program: parameters to their arguments, attributes to their stores, calls to what
they return."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator

from trainlint.analysis.evaluation.arguments import Binder
from trainlint.analysis.evaluation.calls import CallEvaluator
from trainlint.analysis.evaluation.changes import Changes
from trainlint.analysis.evaluation.command_line import ARGV, argv
from trainlint.analysis.evaluation.commands import Commands
from trainlint.analysis.evaluation.containers import Containers
from trainlint.analysis.evaluation.decorators import Decorators
from trainlint.analysis.evaluation.file_names import FileNames
from trainlint.analysis.evaluation.flags import CONFIG, FLAGS, Flags
from trainlint.analysis.evaluation.hydra_config import handed_config
from trainlint.analysis.evaluation.members import Members
from trainlint.analysis.evaluation.memo import Memo
from trainlint.analysis.evaluation.operators import Operators
from trainlint.analysis.evaluation.options import Options
from trainlint.analysis.evaluation.scope import ConfigReader, ProgramScope
from trainlint.analysis.evaluation.settings_objects import SettingsObjects
from trainlint.analysis.evaluation.structures import Structures
from trainlint.analysis.evaluation.trees import Trees
from trainlint.analysis.evaluation.values import Frame, Origin, Resolved, describe, join, unknown
from trainlint.analysis.facts import Event, Term, UnitFacts
from trainlint.knowledge.base import Entry, Knowledge

MAX_DEPTH = 192
MAX_STEPS = 60_000
MAX_CALLERS = 8
_FROM_OPTIONS = frozenset({"from_argparse_args"})
"""Methods of Lightning's classes that make an object from parsed options."""


class Evaluator:
    """Evaluates terms of one program; bounded by counts. The same scope always gives the same answers."""

    def __init__(self, scope: ProgramScope, knowledge: Knowledge, configs: ConfigReader) -> None:
        self.scope = scope
        self.knowledge = knowledge
        self.configs = configs
        self.binder = Binder(self)
        self.options = Options(self)
        self.flags = Flags(self)
        self.commands = Commands(self)
        self.structures = Structures(self)
        self.trees = Trees(self)
        self.changes = Changes(self)
        self.members = Members(self)
        self.file_names = FileNames(self)
        self.settings = SettingsObjects(self)
        self.calls = CallEvaluator(self)
        self.decorators = Decorators(self)
        self.operators = operators = Operators(self)
        containers = Containers(self)
        self.memo = Memo()
        self._frames: dict[tuple[str, str], Frame] = {}
        self._keep: list[Frame] = []
        self._steps = 0
        self.replaced: Container[str] = ()
        self.depth = 0
        self._operations: dict[str, Callable[[Frame, int, Term], Resolved]] = {
            "const": self._const, "param": self._param, "global": self._global, "attr": self._attr,
            "func": self._func, "unknown": self._unknown, "call": self.calls.evaluate,
            "bin": operators.binary, "cmp": operators.binary, "un": operators.unary,
            "bool": operators.boolean, "if": operators.conditional,
            "tuple": containers.sequence, "list": containers.sequence, "set": containers.sequence,
            "dict": containers.mapping, "setitem": containers.setitem, "update": containers.update,
            "item": containers.subscript, "elem": containers.element, "unpack": containers.unpack,
            "enter": containers.enter, "loop": containers.loop, "comp": containers.comprehension,
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
        known: Resolved | None = self.memo.get(key)
        if known is not None:
            return known
        if self.memo.is_open(key):
            self.memo.cut(key)
            return self._unchanged(frame, term) or unknown("defined in terms of itself")
        self._steps += 1
        if self._steps > MAX_STEPS or self.depth > MAX_DEPTH:
            return unknown("too much to follow")
        outer = self.memo.open(key)
        self.depth += 1
        result = None
        try:
            record = frame.facts.terms[term]
            handler = self._operations.get(record.op)
            result = handler(frame, term, record) if handler else unknown(record.op)
        finally:
            self.depth -= 1
            self.memo.close(key, outer, result)
        self._keep.append(frame)
        return result

    def is_active(self, frame: Frame, term: int) -> bool:
        """Whether a term is being evaluated further up."""
        open_ = self.memo.is_open((id(frame), term))
        if open_:
            self.memo.cut((id(frame), term))
        return open_

    def _unchanged(self, frame: Frame, index: int) -> Resolved | None:
        """A field that is read to tell how it changes: what it is before."""
        term = frame.term(index)
        if term.op != "attr" or self.memo.is_open((id(frame), term.args[0])):
            return None
        return self.changes.before(self.value(frame, term.args[0]), term.name)

    def _const(self, frame: Frame, index: int, term: Term) -> Resolved:
        return Resolved("const", value=term.value, origins=(Origin(frame.span(index), ""),))

    def _unknown(self, _: Frame, __: int, term: Term) -> Resolved:
        return unknown(term.name)

    def _func(self, frame: Frame, index: int, term: Term) -> Resolved:
        return Resolved(
            "function", name=f"{frame.facts.path}::<nested>", frame=frame, term=index, value=term.value
        )

    def _param(self, frame: Frame, _: int, term: Term) -> Resolved:
        return self.parameter(frame, term.name)

    def parameter(self, frame: Frame, name: str) -> Resolved:
        """What a parameter of the frame's function is: what is passed, or its default."""
        words = frozenset({name})
        declared = self.commands.decorated(frame, name)
        if declared is not None:
            return declared
        if frame.bindings is not None and name in frame.bindings:
            return frame.bindings[name]
        owner = frame.facts.qualname.rpartition(".")[0]
        if owner and name in ("self", "cls") and frame.facts.path:
            if frame.receiver is not None:
                return frame.receiver
            return Resolved("instance", name=f"{frame.facts.path}::{owner}")
        if " " not in name:
            handed = handed_config(self, frame, name)
            if handed is not None:
                return handed
        if frame.bindings is not None and self.commands.starts(frame):
            return self.commands.option(frame, name)
        if frame.bindings is not None and any(
            param.name == name and param.kind == "double-star" for param in frame.facts.params
        ):
            return self.binder.collected(frame.bindings, frame.facts)
        if frame.bindings is not None or " " in name:
            return self._default(frame, name) or unknown(f"parameter {name}", words)
        return self._from_callers(frame, name, words)

    def _from_callers(self, frame: Frame, name: str, words: frozenset[str]) -> Resolved:
        sites = self.scope.call_sites(frame.facts.path, frame.facts.qualname)
        values = []
        for caller, call in sites[:MAX_CALLERS]:
            if self.commands.runs(caller, call):
                continue
            passed = self.binder.argument(caller, call, frame.facts, name)
            if passed is None:
                passed = self._default(frame, name) or unknown(f"parameter {name}", words)
            values.append(passed)
        if len(sites) > MAX_CALLERS:
            values.append(unknown(f"parameter {name} has many callers", words))
        if self.commands.is_command(frame):
            values.append(self.commands.option(frame, name))
        if values:
            return join(values)
        default = self._from_options(frame, name) or self._default(frame, name)
        return (
            default
            if default is not None
            else unknown(f"parameter {name}: no call of its function is known", words)
        )

    def _from_options(self, frame: Frame, name: str) -> Resolved | None:
        """What a constructor that nothing calls by itself gets from the command line:
        `DataModule.from_argparse_args(args)` passes the options by the names of the parameters."""
        made = frame.facts.qualname.endswith(".__init__") and self.scope.units_calling(_FROM_OPTIONS)
        if not made or name not in self.options.declared():
            return None
        return self.options.option(Resolved("namespace", name="options"), name)

    def _default(self, frame: Frame, name: str) -> Resolved | None:
        term = frame.facts.defaults.get(name)
        if term is None:
            return None
        return self.value(frame, term).with_origin(Origin(frame.span(term), f"default of parameter {name}"))

    def _global(self, _: Frame, __: int, term: Term) -> Resolved:
        path, separator, qualname = term.name.partition("::")
        if term.name == ARGV:
            return argv(self.scope)
        if not separator:
            return Resolved("external", name=self.knowledge.canonical(term.name))
        return self.member(path, qualname)

    def member(self, path: str, qualname: str) -> Resolved:
        """A module-level name of the project: a function, class, module, or the variable's value."""
        known = self.scope.library(path, qualname)
        if known:
            return Resolved("external", name=known)
        kind = self.scope.kind(path, qualname)
        if kind in ("function", "class", "module"):
            return Resolved(kind, name=f"{path}::{qualname}")
        if self.scope.rebound(f"{path}::{qualname}"):
            return unknown(f"{qualname} is rebound by a global statement", frozenset({qualname}))
        frame = self.root(path, "")
        if frame is None or qualname not in frame.facts.bindings:
            return unknown(f"name {qualname}", frozenset({qualname}))
        index = frame.facts.bindings[qualname]
        last = self.value(frame, index).with_origin(Origin(frame.span(index), qualname))
        earlier = [self.value(frame, term) for term in self._read_before(frame, qualname)]
        return join([*earlier, last]) if earlier else last

    def _read_before(self, frame: Frame, name: str) -> Iterator[int]:
        """Terms that a module's name had while the module's body called project code, which may read them."""
        start = 0
        for term, end in frame.facts.replaced.get(name, ()):
            if any(self._runs_project_code(frame, event) for event in frame.facts.events[start:end]):
                yield term
            start = end

    def _runs_project_code(self, frame: Frame, event: Event) -> bool:
        if event.kind != "call" or event.nested >= 0:
            return False
        callee = frame.facts.terms[frame.facts.terms[event.term].args[0]]
        path, separator, qualname = callee.name.partition("::")
        return bool(separator) and callee.op == "global" and self.scope.kind(path, qualname) == "function"

    def _attr(self, frame: Frame, index: int, term: Term) -> Resolved:
        base = self.value(frame, term.args[0])
        found = self.attribute(base, term.name, frame)
        if base.name == CONFIG and found.kind == "const":
            # A config's value is used here; what it was set to there is the explanation.
            return found.with_origin(Origin(frame.span(index), ""))
        if found.kind == "unknown" and not found.words:
            return unknown(found.name, frozenset({term.name}))
        return found

    def attribute(self, base: Resolved, name: str, reader: Frame | None = None) -> Resolved:
        """`base.name`, as code in the reader's unit sees it."""
        if base.kind == "choice":
            parts = [self.attribute(item, name, reader) for item in base.items]
            return join(parts, base.condition, base.option)
        if name == "__dict__" and (base.kind in ("namespace", "instance") or self.trees.has(base)):
            return base
        if base.kind == "namespace":
            return self.options.option(base, name, reader)
        if base.kind == "config":
            return self.changes.after(base, name, self.configs.get(base, name), reader)
        if base.kind == "overlay" or self.trees.entry(base) is not None:
            return self.trees.attribute(base, name, reader)
        if base.kind == "mapping" and name in base.entries:
            return base.entries[name]
        if base.kind == "external" and base.name == FLAGS:
            return self.flags.flag(name)
        if base.kind == "external":
            return Resolved("external", name=self.knowledge.canonical(f"{base.name}.{name}"))
        if base.kind in ("instance", "class"):
            found = self.members.field(base, name)
            if base.option:
                found = self.structures.field(base, name, found)
            simple = found.kind in ("const", "choice", "sequence", "unknown")
            return self.changes.after(base, name, found, reader) if simple else found
        if base.kind == "module":
            path, _, _ = base.name.partition("::")
            kind, where, qualname = self.scope.resolve(path, "", name)
            return self.member(where, qualname) if kind else unknown(f"{name} of module {path}")
        if base.kind == "object" and base.name == CONFIG:
            return self.flags.attribute(base, name)
        if base.kind == "object" and name == "value":
            held = self.flags.held(base)
            if held is not None:
                return held
        if base.kind in ("object", "part"):
            setting = self.settings.attribute(base, name)
            if setting is not None:
                return setting
        if base.kind in ("object", "part") and name in ("module", "optimizer"):
            return base
        return unknown(f".{name} of {describe(base)}", frozenset({name}))

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
        """What the knowledge says of a canonical name; nothing of one that the program replaces."""
        return None if name in self.replaced else self.knowledge.lookup(name)
