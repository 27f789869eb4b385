"""One sweep over a program's units: the calls that matter, by what the knowledge says of them."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from trainlint.analysis.evaluation.branches import taken
from trainlint.analysis.evaluation.evaluate import Evaluator
from trainlint.analysis.evaluation.values import Frame, Resolved, Site
from trainlint.analysis.facts import Condition, Event, Parameter
from trainlint.findings import Span
from trainlint.knowledge.base import Entry
from trainlint.recipe.code.programs import Program, may_hold_class
from trainlint.recipe.code.reach import Place
from trainlint.recipe.code.replaced import Replaced
from trainlint.recipe.code.unread import Unread

Identity = tuple[Site, ...]
MAX_INSTANCES = 8
_NAMED_KINDS = tuple(
    "loader dataset dataset-wrapper split sampler optimizer optimizer-factory optimizer-wrapper "
    "scheduler scheduler-factory trainer".split()
)
_SCHEDULE_KINDS = frozenset({"scheduler", "scheduler-factory", "schedule"})


@dataclasses.dataclass(slots=True)
class Call:
    """A call a program makes, in the unit's own frame. `name` is the callee's canonical dotted name, or the
    method's.

    `entry` is what the knowledge says of it, None for methods of unknown things. `by_name`: the callee is
    only named, in a string that another call takes: nothing is passed to it.
    """

    frame: Frame
    event: Event
    name: str
    entry: Entry | None
    method: bool
    by_name: bool = False

    @property
    def term(self) -> int:
        """The call's term."""
        return self.event.term

    @property
    def span(self) -> Span | None:
        """Where the call is written."""
        return self.frame.span(self.event.term)

    @property
    def site(self) -> Site:
        """The identity of what the call makes."""
        return Site(self.frame.facts.path, self.frame.facts.qualname, self.event.term)

    @property
    def place(self) -> tuple[str, str]:
        """Path and qualified name of the unit the call stands in."""
        return (self.frame.facts.path, self.frame.facts.qualname)


@dataclasses.dataclass(frozen=True, slots=True)
class Driven:
    """How a library steps a schedule: once an epoch or once a step, a step being `every` batches.

    `level` is epoch, step, or "" where it is not known.
    """

    level: str
    every: int = 1


@dataclasses.dataclass(frozen=True, slots=True)
class Updates:
    """The updates a trainer plans: so many epochs, an update taking `every` batches."""

    epochs: int
    every: int


class Observations:
    """What a program does, call by call, and how its objects are named.

    `driven` tells which schedules a library steps by itself, `counted` of which it counts a step only where
    an update is made, `updates` how many updates it plans. `replaced` are names of libraries that the program
    binds anew, with what takes their place; `unread` tells what could not be read. With `places`, only these
    units are looked at.
    """

    def __init__(self, program: Program, places: Iterable[Place] | None = None) -> None:
        self.program = program
        self.evaluator: Evaluator = program.evaluator
        self.calls: list[Call] = []
        self.by_kind: dict[str, list[Call]] = defaultdict(list)
        self.by_method: dict[str, list[Call]] = defaultdict(list)
        self.frames: list[Frame] = []
        self.driven: dict[Site, Driven] = {}
        self.counted: dict[Site, Driven] = {}
        self.updates: Updates | None = None
        self.unread = Unread(self)
        self._names: dict[Site, list[tuple[Identity, str]]] = defaultdict(list)
        self._runs: dict[tuple[str, str], bool] = {}
        for place in program.interesting() if places is None else places:
            frame = self.evaluator.root(*place)
            if frame is not None:
                self.frames.append(frame)
        self.replaced = self.evaluator.replaced = Replaced(program, self.frames)
        for frame in self.frames:
            self._sweep(frame)
        makers = self._makers()
        for frame in self.frames:
            if (frame.facts.path, frame.facts.qualname) in makers:
                self._name_objects(frame)

    def release(self) -> None:
        """Take apart what hangs on itself, so that its memory is free at once. Nothing can be asked then."""
        vars(self).clear()

    def _makers(self) -> frozenset[tuple[str, str]]:
        """Units that make a loader, data set or optimizer, themselves or by calls: only they name one."""
        found = {call.place for kind in _NAMED_KINDS for call in self.by_kind.get(kind, ())}
        waiting = sorted(found)
        while waiting:
            for caller in self.program.users(waiting.pop()[1]):
                if caller not in found:
                    found.add(caller)
                    waiting.append(caller)
        return frozenset(found)

    def _sweep(self, frame: Frame) -> None:
        for event in self.program.events(frame.facts):
            if event.kind != "call":
                continue
            call = self.call_of(frame, event)
            self.calls.append(call)
            if call.method:
                self.by_method[call.name].append(call)
            if call.entry is not None and not call.method:
                self.by_kind[call.entry.kind].append(call)

    def call_of(self, frame: Frame, event: Event) -> Call:
        """A call event with what its callee is."""
        callee = frame.facts.terms[frame.facts.terms[event.term].args[0]]
        if callee.op == "global":
            known = self._library(callee.name)
            if not known:
                return Call(frame, event, callee.name, None, method=False)
            name = self.evaluator.knowledge.canonical(known)
            return Call(frame, event, name, self.evaluator.entry(name), method=False)
        held = callee.op == "attr" and may_hold_class(callee.name)
        if callee.op == "attr" and not held:
            return Call(frame, event, callee.name, None, method=True)
        value = self.evaluator.value(frame, frame.facts.terms[event.term].args[0])
        if held and (value.kind != "external" or self.evaluator.entry(value.name) is None):
            return Call(frame, event, callee.name, None, method=True)
        named = {self._plain(leaf) for leaf in value.alternatives()}
        name = named.pop() if len(named) == 1 else ""
        return Call(frame, event, name, self.evaluator.entry(name) if name else None, method=False)

    def _library(self, name: str) -> str:
        """The canonical name in a library of what a name means; "" for the project's own."""
        path, separator, qualname = name.partition("::")
        if not separator:
            return name
        known = self.program.library(path, qualname)
        if not known and self.program.kind(path, qualname) == "class":
            known = self.evaluator.calls.stands_for(name)
        return known

    def _plain(self, callee: Resolved) -> str:
        """The name of something that is called, if a library has it; else ""."""
        if callee.kind == "class":
            return self.evaluator.calls.stands_for(callee.name)
        return callee.name if callee.kind == "external" else ""

    def _name_objects(self, frame: Frame) -> None:
        for event in self.program.events(frame.facts):
            if event.kind == "bind":
                self._name(self.evaluator.value(frame, event.term), event.name)
            elif event.kind == "store-attr":
                self._name(self.evaluator.value(frame, event.value), event.name)
            elif event.kind == "store-item":
                key = frame.facts.terms[event.key]
                if isinstance(key.value, str):
                    self._name(self.evaluator.value(frame, event.value), key.value)
        for name, term in frame.facts.bindings.items():
            self._name(self.evaluator.value(frame, term), name)
        simple = frame.facts.qualname.rpartition(".")[2]
        for back in frame.facts.returns:
            if back.nested < 0:
                self._name_returned(self.evaluator.value(frame, back.term), simple)

    def _name_returned(self, value: Resolved, name: str) -> None:
        self._name(value, name)
        for key, entry in value.entries.items():
            self._name(entry, key)

    def _name(self, value: Resolved, name: str) -> None:
        for leaf in value.alternatives():
            if leaf.kind == "object" and leaf.site is not None:
                entry_name = (leaf.identity, name)
                if entry_name not in self._names[leaf.site]:
                    self._names[leaf.site].append(entry_name)
            for key, entry in leaf.entries.items():
                self._name(entry, key)

    def names(self, identity: Identity) -> list[str]:
        """What the program calls an object, also where it is seen through more or fewer of the calls that
        lead to it."""
        if not identity:
            return []
        return list(
            dict.fromkeys(name for seen, name in self._names.get(identity[0], ()) if overlap(seen, identity))
        )

    def instances(self, call: Call) -> list[Resolved]:
        """The objects a call makes: one for each call of the function around it, at most eight; else just
        one."""
        made = self._as_object(call)
        if not call.frame.facts.params or call.frame.facts.qualname.endswith("__init__"):
            return [made]
        sites = self.program.call_sites(*call.place)
        if not sites or len(sites) > MAX_INSTANCES:
            return [made]
        return [self.evaluator.calls.in_call(made, caller, index) for caller, index in sites]

    def made(self, *kinds: str) -> list[Call]:
        """Calls whose callee the knowledge files under one of these kinds, in order."""
        return [call for kind in kinds for call in self.by_kind.get(kind, ())]

    def schedulers(self) -> list[Call]:
        """Calls that make a schedule."""
        return self.made(*sorted(_SCHEDULE_KINDS))

    def methods(self, *names: str) -> list[Call]:
        """Method calls by bare name, whatever they are called on."""
        return [call for name in names for call in self.by_method.get(name, ())]

    def object(self, call: Call) -> Resolved:
        """The value a call makes."""
        return self.evaluator.value(call.frame, call.term)

    def argument(self, call: Call, field: str) -> Resolved | None:
        """The argument behind a recipe field of a known callee; None where the call does not pass it."""
        if call.entry is None:
            return None
        parameter = call.entry.fields.get(field)
        if parameter is None:
            return self._of_options(call, call.entry, field)
        return self.arguments(call).get(parameter)

    def _of_options(self, call: Call, entry: Entry, field: str) -> Resolved | None:
        """What a callee takes out of options: `create_optimizer(args, model)` reads `args.lr`."""
        attributes = entry.extra.get("attributes")
        name = attributes.get(field) if isinstance(attributes, dict) else None
        options = self.arguments(call).get(entry.fields.get("arguments", "")) if name is not None else None
        return None if options is None else self.evaluator.attribute(options, str(name))

    def arguments(self, call: Call) -> dict[str, Resolved]:
        """All arguments of a known callee by parameter name."""
        if call.by_name:
            return {}
        return self.evaluator.binder.arguments(self._as_object(call)).bound

    def passed(self, call: Call, method: Entry, field: str) -> Resolved | None:
        """What a method call passes for a recipe field of that method; None where it passes nothing."""
        params = [Parameter(param.name, param.kind, param.has_default) for param in method.params]
        return self.evaluator.binder.bind(call.frame, call.term, params).get(method.fields.get(field, ""))

    def complete(self, call: Call) -> bool:
        """Whether every argument of the call is known: no starred argument hides one."""
        if call.by_name:
            return True
        return self.evaluator.binder.arguments(self._as_object(call)).complete

    def _as_object(self, call: Call) -> Resolved:
        return Resolved("object", name=call.name, site=call.site, frame=call.frame, term=call.term)

    def happens(self, frame: Frame, conditions: Sequence[Condition]) -> bool | None:
        """Whether a default run takes this branch: True, False, or None where a condition is not known."""
        return taken(self.evaluator, frame, conditions)

    def runs(self, call: Call) -> bool | None:
        """Whether a default run comes to a call: by its own branches, and by those its unit is called in."""
        here = self.happens(call.frame, call.event.conditions)
        return False if here is not False and not self.comes_to(call.place) else here

    def comes_to(self, place: tuple[str, str]) -> bool:
        """Whether a default run may come to a unit; False only where every use of it is a call that does not
        happen."""
        if place not in self._runs:
            self._runs[place] = True
            self._runs[place] = self._is_called(place)
        return self._runs[place]

    def _is_called(self, place: tuple[str, str]) -> bool:
        simple = place[1].rpartition(".")[2].partition("#")[0]
        if not simple or simple.startswith("__"):
            return True
        sites = self.program.call_sites(*place)
        callers = {(frame.facts.path, frame.facts.qualname) for frame, _ in sites}
        if not sites or not callers.issuperset(set(self.program.users(simple)) - {place}):
            return True
        for frame, term in sites:
            events = (each for each in self.program.events(frame.facts) if each.term == term)
            conditions = next((each.conditions for each in events if each.kind == "call"), ())
            caller = (frame.facts.path, frame.facts.qualname)
            if self.happens(frame, conditions) is not False and self.comes_to(caller):
                return True
        return False

    def texts(self, frame: Frame, term: int, depth: int = 6) -> Iterator[str]:
        """Identifiers and strings that an expression is made of, for hints about its role."""
        record = frame.facts.terms[term]
        if record.op in ("attr", "param", "loop"):
            yield record.name
        elif record.op == "global":
            yield record.name.rpartition("::")[2].rpartition(".")[2]
        elif record.op == "const" and isinstance(record.value, str):
            yield record.value
        if depth > 0:
            for argument in record.args:
                yield from self.texts(frame, argument, depth - 1)


def first_span(calls: Iterable[Call]) -> Span | None:
    """The first known place among calls."""
    return next((call.span for call in calls if call.span is not None), None)


def overlap(first: Identity, second: Identity) -> bool:
    """Whether two identities may be of one object: the shorter is where the longer begins."""
    shorter = min(len(first), len(second))
    return first[:shorter] == second[:shorter]
