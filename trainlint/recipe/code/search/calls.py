"""The calls of a file that set up hyper-parameter searches, with the arguments each is given."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from trainlint.analysis.evaluation.arguments import Arguments
from trainlint.analysis.evaluation.values import Frame, Resolved, Site
from trainlint.analysis.facts import Parameter, Unit
from trainlint.findings import Span
from trainlint.knowledge.search_tools import Run, Search, search_tools
from trainlint.recipe.code.observe import Call, Observations
from trainlint.recipe.code.programs import Program
from trainlint.recipe.code.search.signs import call_words, declares_call


@dataclasses.dataclass(slots=True)
class RunCall:
    """A method call that runs a search: what is known of the method, its place and its arguments."""

    run: Run
    frame: Frame
    term: int
    arguments: Arguments

    def argument(self, parameter: str) -> Resolved | None:
        """What is passed for a parameter, None where nothing is."""
        return self.arguments.get(parameter) if parameter else None


@dataclasses.dataclass(slots=True)
class SearchCall:
    """A call that sets up a search. `arguments` are its own and those of its settings object."""

    name: str
    search: Search
    frame: Frame
    term: int
    arguments: Arguments
    runs: list[RunCall] = dataclasses.field(default_factory=list)

    @property
    def span(self) -> Span | None:
        """Where the call is written."""
        return self.frame.span(self.term)

    @property
    def site(self) -> Site:
        """The identity of what the call makes."""
        return Site(self.frame.facts.path, self.frame.facts.qualname, self.term)

    def argument(self, parameter: str) -> Resolved | None:
        """What is passed for a parameter; None where nothing is, also where None is passed."""
        value = self.arguments.get(parameter) if parameter else None
        return None if value is None or is_none(value) else value

    def on_run(self, field: str) -> Resolved | None:
        """What the method that runs the search is given for a field of Run; None where nothing is."""
        for call in self.runs:
            value = call.argument(getattr(call.run, field))
            if value is not None and not is_none(value):
                return value
        return None


def search_calls(program: Program) -> list[SearchCall]:
    """The searches that the entry file of a program sets up, in order."""
    outline = program.index.outlines[program.entry]
    words = call_words(outline)
    if not words:
        return []
    frames = [
        frame
        for unit in outline.units
        if (declares_call(unit, words) or _runs(unit))
        and (frame := program.evaluator.root(program.entry, unit.qualname)) is not None
    ]
    found = [call for frame in frames for call in _calls(program, frame)]
    if found:
        for frame in frames:
            _add_runs(program, frame, found)
    return found


def _runs(unit: Unit) -> bool:
    methods = {method for search in search_tools().searches.values() for method in search.runs}
    return any("." in name and name.rpartition(".")[2] in methods for name in unit.calls)


def _calls(program: Program, frame: Frame) -> Iterator[SearchCall]:
    tools = search_tools()
    for event in program.events(frame.facts):
        if event.kind != "call":
            continue
        callee = program.evaluator.value(frame, frame.term(event.term).args[0])
        if callee.kind != "external":
            continue
        name = tools.canonical(callee.name)
        search = tools.searches.get(name)
        if search is not None:
            yield SearchCall(name, search, frame, event.term, _arguments(program, frame, event.term, search))


def _arguments(program: Program, frame: Frame, term: int, search: Search) -> Arguments:
    """A search's arguments, with those of the settings object it takes."""
    own = program.evaluator.binder.bind(frame, term, parameters(search.parameters))
    for parameter, made_by in search.settings.items():
        given = own.get(parameter)
        if given is None or is_none(given):
            continue
        if given.kind != "object" or search_tools().canonical(given.name) != made_by or given.frame is None:
            own.complete = False
            continue
        names = search_tools().settings[made_by]
        settings = program.evaluator.binder.bind(given.frame, given.term, parameters(names))
        own.bound.update(settings.bound)
        own.terms.update(settings.terms)
        own.complete = own.complete and settings.complete
    return own


def _add_runs(program: Program, frame: Frame, searches: Sequence[SearchCall]) -> None:
    """Note the calls that run one of these searches, each with the search."""
    methods = {method for call in searches for method in call.search.runs}
    for event in program.events(frame.facts):
        if event.kind != "call":
            continue
        callee = frame.term(frame.term(event.term).args[0])
        if callee.op != "attr" or callee.name not in methods:
            continue
        owner = program.evaluator.value(frame, callee.args[0])
        sites = {leaf.site for leaf in owner.alternatives()}
        for call in searches:
            run = call.search.runs.get(callee.name)
            if run is not None and call.site in sites:
                arguments = program.evaluator.binder.bind(frame, event.term, parameters(run.parameters))
                call.runs.append(RunCall(run, frame, event.term, arguments))


def reached_calls(seen: Observations, *names: str) -> Iterator[Call]:
    """Calls in reach whose callee's last part is one of these names, in units of whatever kind."""
    program = seen.program
    for place in program.reach.places:
        if not any(name.rpartition(".")[2] in names for name in program.reach.unit(place).calls):
            continue
        frame = program.evaluator.root(*place)
        for event in program.events(frame.facts) if frame is not None else ():
            if frame is not None and event.kind == "call":
                call = seen.call_of(frame, event)
                if call.name.rpartition(".")[2] in names:
                    yield call


def parameters(names: Sequence[str]) -> list[Parameter]:
    """Formal parameters by name; those after "*" take keywords only."""
    found: list[Parameter] = []
    kind = "normal"
    for name in names:
        if name == "*":
            kind = "keyword-only"
        else:
            found.append(Parameter(name, kind, True))
    return found


def is_none(value: Resolved) -> bool:
    """Whether a value is known to be None, or known not to be there."""
    return value.kind == "absent" or (value.kind == "const" and value.value is None and not value.option)
