"""Which loops of a program train: loops whose body, or a function called there, runs a backward pass."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property

from trainlint.analysis.evaluation.values import Frame, Resolved
from trainlint.analysis.facts import Condition, Event, Loop, UnitFacts
from trainlint.findings import Span
from trainlint.knowledge.base import Entry
from trainlint.recipe.code.observe import Call, Observations
from trainlint.recipe.code.programs import Program, runs_when_made
from trainlint.recipe.code.reach import Place
from trainlint.recipe.code.steps import STEP_NAMES, takes_step

_NO_GRADIENT = frozenset({"no_grad", "inference_mode"})
_FITS = frozenset({"fit", "train", "fit_generator"})
_TAKERS = STEP_NAMES | _FITS
_FARTHEST = 6
"""How many calls are followed from a unit to where it is called."""

_CALLED_AS_INSTANCE = ("__call__", "forward")
_KERAS_MODELS = ("container", "module-base", "model-factory")
_FITTED_KINDS = frozenset({"trainer", *_KERAS_MODELS})


def may_train(program: Program) -> bool:
    """Whether a reached unit calls anything that could take gradient steps: False is certain."""
    if program.imports(_takes_steps):
        return True
    if all(_TAKERS.isdisjoint(program.tables.bare_calls(path)) for path in program.closure.paths):
        return False
    reach = program.reach
    return any(
        name.rpartition(".")[2] in _TAKERS for place in reach.places for name in reach.unit(place).calls
    )


class Training:
    """The training loops of one program. `trains` says whether anything in reach takes gradient steps."""

    def __init__(self, seen: Observations) -> None:
        self.seen = seen
        self._trained: dict[int, bool] = {}
        self._before: dict[Place, dict[int, list[Event]]] = {}
        self._after: dict[Place, bool] = {}
        self._running: dict[Place, list[Call]] | None = None
        self.units = self._closure()
        self.fits: list[Call] = list(self._trainer_runs())
        self.trains = bool(self.units) or bool(self.fits)

    def _closure(self) -> frozenset[Place]:
        """Units that run a backward pass, themselves or through project functions they call."""
        return self._with_callers(
            call.place for call in self.seen.calls if takes_step(self.seen.evaluator, call)
        )

    def _with_callers(self, places: Iterable[Place]) -> frozenset[Place]:
        """These units and all that run them, directly or not."""
        found = set(places)
        waiting = sorted(found)
        while waiting:
            for caller in self._callers(waiting.pop()):
                if caller not in found:
                    found.add(caller)
                    waiting.append(caller)
        return frozenset(found)

    def _callers(self, place: Place) -> list[Place]:
        """The units that run a unit: by its name; `__call__` and `forward` also by calling an instance."""
        sites = self.seen.program.call_sites(*place)
        callers = {(frame.facts.path, frame.facts.qualname): None for frame, _ in sites}
        callers.update((call.place, None) for call in self.runs_by_instance(place))
        return list(callers)

    def runs_by_instance(self, place: Place) -> list[Call]:
        """The calls of an object whose `__call__` or `forward` a function is: `model(images)`."""
        if place[1].rpartition(".")[2] not in _CALLED_AS_INSTANCE:
            return []
        if self._running is None:
            self._running = {}
            for call in self.seen.calls:
                for target in self.targets(call):
                    self._running.setdefault(target, []).append(call)
        return self._running.get(place, [])

    def targets(self, call: Call) -> Iterator[Place]:
        """The project functions a call may run."""
        if call.entry is not None and not call.method:
            return
        frame = call.frame
        callee_term = frame.facts.terms[call.term].args[0]
        for leaf in self.seen.evaluator.value(frame, callee_term).alternatives():
            yield from self._runs(leaf)
        for argument in frame.facts.terms[call.term].args[1:]:
            value = self.seen.evaluator.value(frame, argument)
            if value.kind == "function" and value.frame is None:
                yield from self._runs(value)

    def _runs(self, value: Resolved) -> Iterator[Place]:
        path, _, qualname = value.name.partition("::")
        if value.kind == "function" and value.frame is None:
            yield (path, qualname)
        elif value.kind == "object" and value.name == "functools.partial" and value.frame is not None:
            for argument in value.frame.term(value.term).args[1:2]:
                yield from self._runs(self.seen.evaluator.value(value.frame, argument))
        elif value.kind in ("class", "instance"):
            wanted = ("__init__",) if value.kind == "class" else ("__call__", "forward")
            for name in wanted:
                kind, where, member = self.seen.program.resolve(path, qualname, name)
                if kind == "function":
                    yield (where, member)

    def _trainer_runs(self) -> Iterator[Call]:
        if self.seen.program.imports(runs_when_made):
            yield from (call for call in self.seen.calls if self._is_made_and_run(call))
        for call in self.seen.methods(*sorted(_FITS)):
            receiver = self.seen.evaluator.receiver(call.frame.facts, call.event)
            if any(self._can_fit(leaf, call.name) for leaf in receiver.alternatives()):
                yield call

    def _is_made_and_run(self, call: Call) -> bool:
        """Whether a call makes a trainer that runs at once, as Lightning's command line does."""
        if call.method:
            return False
        if call.entry is None:
            path, _, qualname = self.seen.object(call).name.partition("::")
            return bool(qualname) and self.seen.program.running_base(path, qualname) is not None
        return runs_when_made(call.entry)

    def _can_fit(self, receiver: Resolved, method: str) -> bool:
        """Whether a method of that name trains: of a trainer, or `fit` of a model that brings its own
        loop."""
        if receiver.kind == "object":
            entry = self.seen.evaluator.entry(receiver.name)
            if entry is None and receiver.name.rpartition(".")[2].startswith("from_"):
                entry = self.seen.evaluator.entry(receiver.name.rpartition(".")[0])
            if entry is None:
                return method == "fit" and bool(receiver.items) and self._can_fit(receiver.items[0], method)
            return entry.kind == "trainer" or (
                method != "train" and entry.kind in _FITTED_KINDS and _has_fit(entry)
            )
        if receiver.kind != "instance":
            return False
        path, _, qualname = receiver.name.partition("::")
        program = self.seen.program
        if program.resolve(path, qualname, method)[0] == "function":
            return False
        bases = (self.seen.evaluator.entry(base) for base in program.foreign_bases(path, qualname))
        return any(
            entry.kind == "trainer" or (method == "fit" and _has_fit(entry))
            for entry in bases
            if entry is not None
        )

    def loop_trains(self, facts: UnitFacts, loop: int) -> bool:
        """Whether a loop's body runs a backward pass, directly or through a call."""
        for event in self.seen.program.events(facts):
            if event.kind == "call" and _inside(facts, event.loop, loop) and self._event_trains(facts, event):
                return True
        return False

    def steps_under(self, facts: UnitFacts, loop: int) -> list[Condition]:
        """The branches that all steps in a loop stand in, themselves or the calls that lead to them."""
        groups = [
            event.conditions
            for event in self.seen.program.events(facts)
            if event.kind == "call" and _inside(facts, event.loop, loop) and self._event_trains(facts, event)
        ]
        return [each for each in groups[0] if all(each in group for group in groups)] if groups else []

    def is_over(self, call: Call) -> bool:
        """Whether a call comes after all training of the unit it stands in, where that unit trains."""
        before = self._until_over(call.frame.facts)
        return bool(before) and call.event not in before.get(call.event.term, ())

    def runs_after(self, call: Call) -> bool:
        """Whether a call only comes when all training is over: there, or in what is only called then."""
        return self.is_over(call) or self.runs_only_after(call.place)

    def runs_only_after(self, place: Place, depth: int = 0) -> bool:
        """Whether a unit is only called when all training is over."""
        if place[1] == "" or place in self.units or depth > _FARTHEST or self._is_handed_on(place[1]):
            return False
        if place not in self._after:
            self._after[place] = False
            sites = self.seen.program.call_sites(*place)
            self._after[place] = bool(sites) and all(
                self._is_past(frame.facts, term)
                or self.runs_only_after((frame.facts.path, frame.facts.qualname), depth + 1)
                for frame, term in sites
            )
        return self._after[place]

    def _is_handed_on(self, qualname: str) -> bool:
        """Whether a function is also a value: who calls it, and when, is not known."""
        name, reach = qualname.rpartition(".")[2], self.seen.program.reach
        return any(name in reach.unit(place).handed for place in reach.places)

    def _is_past(self, facts: UnitFacts, term: int) -> bool:
        before = self._until_over(facts)
        return bool(before) and term not in before

    def _until_over(self, facts: UnitFacts) -> dict[int, list[Event]]:
        """A unit's events up to the last that trains, by term; empty where none does."""
        place = (facts.path, facts.qualname)
        if place not in self._before:
            events = self.seen.program.events(facts)
            fits = {id(fit.event) for fit in self.fits}
            trains = [
                index
                for index, event in enumerate(events)
                if event.kind == "call"
                and (self._event_trains(facts, event) or id(event) in fits or self._fits_below(facts, event))
            ]
            before = self._before[place] = {}
            for event in events[: trains[-1] + 1] if trains else ():
                before.setdefault(event.term, []).append(event)
        return self._before[place]

    @cached_property
    def _fitting(self) -> frozenset[Place]:
        """The units that fit a model, themselves or through project functions they call."""
        return self._with_callers(call.place for call in self.fits)

    def _fits_below(self, facts: UnitFacts, event: Event) -> bool:
        frame = self.seen.evaluator.root(facts.path, facts.qualname)
        if frame is None or not self._fitting:
            return False
        return any(target in self._fitting for target in self.targets(self.seen.call_of(frame, event)))

    def verdict(self, facts: UnitFacts, loop: int) -> bool | None:
        """Whether a loop trains (True), runs without gradients (False), or neither is certain (None)."""
        if self.loop_trains(facts, loop):
            return True
        if any(_NO_GRADIENT & set(event.contexts) for event in facts.events if event.loop == loop):
            return False
        unit = self.seen.program.index.unit(facts.path, facts.qualname)
        if unit is not None and any(name.rpartition(".")[2] in _NO_GRADIENT for name in unit.decorators):
            return False
        return None

    def _event_trains(self, facts: UnitFacts, event: Event, above: tuple[int, ...] = ()) -> bool:
        if above:
            return self._find_training(facts, event, above)
        known = self._trained.get(id(event))
        if known is None:
            known = self._trained[id(event)] = self._find_training(facts, event, above)
        return known

    def _find_training(self, facts: UnitFacts, event: Event, above: tuple[int, ...]) -> bool:
        frame = self.seen.evaluator.root(facts.path, facts.qualname)
        if frame is None:
            return False
        call = self.seen.call_of(frame, event)
        if takes_step(self.seen.evaluator, call):
            return True
        if any(target in self.units for target in self.targets(call)):
            return True
        return (facts.path, facts.qualname) in self.units and self._local_trains(facts, call, above)

    def _local_trains(self, facts: UnitFacts, call: Call, above: tuple[int, ...]) -> bool:
        """Whether a call runs a function of its own unit that trains: `def step(…)` inside of `train`."""
        callee = call.frame.term(call.term).args[0]
        for leaf in self.seen.evaluator.value(call.frame, callee).alternatives():
            nested = leaf.value
            local = leaf.kind == "function" and leaf.frame is not None and leaf.frame.facts is facts
            if not local or not isinstance(nested, int) or nested in above:
                continue
            body = (
                event
                for event in self.seen.program.events(facts)
                if event.kind == "call" and event.nested == nested
            )
            if any(self._event_trains(facts, event, (*above, nested)) for event in body):
                return True
        return False

    def loops(self) -> Iterator[tuple[Frame, int, Loop]]:
        """Every training loop of the program: (frame, index, loop), outer ones first within a unit."""
        for frame in self.seen.frames:
            for index, loop in enumerate(frame.facts.loops):
                if self.loop_trains(frame.facts, index):
                    yield frame, index, loop

    def is_full_batch(self) -> bool:
        """Whether each epoch is one update over all samples: no loader, and no loop in the training loop."""
        if self.seen.made("loader") or self.fits:
            return False
        loops = list(self.loops())
        return bool(loops) and not any(self.depth(frame.facts, index) for frame, index, _ in loops)

    def first_loop(self) -> Span | None:
        """Where the first training loop stands; None where there is none, or its place is not known."""
        return next((frame.loop_span(index) for frame, index, _ in self.loops()), None)

    def depth(self, facts: UnitFacts, loop: int) -> int:
        """How many training loops are nested below this one, callees included (0: its body steps by
        itself)."""
        return self._depth(facts, loop, ())

    def _depth(self, facts: UnitFacts, loop: int, above: tuple[Place, ...]) -> int:
        below = 0
        for index, inner in enumerate(facts.loops):
            if inner.parent == loop and self.loop_trains(facts, index):
                below = max(below, 1 + self._depth(facts, index, above))
        frame = self.seen.evaluator.root(facts.path, facts.qualname)
        for event in self.seen.program.events(facts):
            if event.kind != "call" or event.loop != loop or frame is None:
                continue
            call = self.seen.call_of(frame, event)
            for target in self.targets(call):
                if target in self.units and target not in above:
                    below = max(below, self._unit_depth(target, (*above, target)))
        return below

    def _unit_depth(self, place: Place, above: tuple[Place, ...]) -> int:
        facts = self.seen.program.facts(*place)
        if facts is None or len(above) > 6:
            return 0
        return self._depth(facts, -1, above)


def _takes_steps(entry: Entry) -> bool:
    """Whether objects of a class take the whole step, as timm's `NativeScaler` does, or run when made."""
    return entry.kind == "step-helper" or runs_when_made(entry)


def _has_fit(entry: Entry) -> bool:
    return entry.kind in _KERAS_MODELS and entry.framework == "tensorflow"


def _inside(facts: UnitFacts, loop: int, outer: int) -> bool:
    while loop >= 0:
        if loop == outer:
            return True
        loop = facts.loops[loop].parent
    return False
