"""Runs of trainers that take their settings as an object: which trainer trains, and with which settings."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from trainlint.analysis.evaluation.values import Resolved
from trainlint.analysis.facts import Parameter
from trainlint.findings import Span
from trainlint.knowledge.base import Entry
from trainlint.recipe.code.observe import Call, Observations
from trainlint.recipe.code.training import Training
from trainlint.recipe.model import State, Value

_ORDERED = 1
"""How many positional arguments of a settings class mean the same in every release."""


@dataclasses.dataclass(frozen=True, slots=True)
class Run:
    """One trainer that trains.

    `made` is the trainer, `entry` its class or the one it is derived from, `bound` what it is given.
    """

    call: Call
    made: Resolved
    entry: Entry
    bound: Mapping[str, Resolved]
    complete: bool

    def argument(self, field: str) -> Resolved | None:
        """What the constructor is given for a field; None where nothing is."""
        found = self.bound.get(self.entry.fields.get(field, ""))
        return None if found is None or is_none(found) else found

    @property
    def name(self) -> str:
        """The class as a person calls it."""
        return self.made.name.rpartition("::")[2].rpartition(".")[2]

    @property
    def span(self) -> Span | None:
        """Where the trainer is made, else where it is run."""
        made = self.made.frame.span(self.made.term) if self.made.frame is not None else None
        return made or self.call.span


def trainer_runs(seen: Observations, training: Training) -> list[Run]:
    """The trainers with settings that a program runs, each once."""
    found: list[Run] = []
    for call in training.fits:
        if seen.happens(call.frame, call.event.conditions) is False:
            continue
        receiver = seen.evaluator.receiver(call.frame.facts, call.event)
        for made in receiver.alternatives():
            run = _run(seen, call, made)
            if run is not None and all(run.made.site != other.made.site for other in found):
                found.append(run)
    return found


def _run(seen: Observations, call: Call, made: Resolved) -> Run | None:
    entry = seen.evaluator.entry(made.name) if made.kind == "object" else None
    if made.kind == "instance":
        entry = next(_bases(seen, made.name), None)
    if entry is None or entry.kind != "trainer" or "settings" not in entry.extra or made.frame is None:
        return None
    if made.kind == "object":
        arguments = seen.evaluator.binder.arguments(made)
        return Run(call, made, entry, arguments.bound, arguments.complete)
    path, _, qualname = made.name.partition("::")
    own = seen.program.resolve(path, qualname, "__init__")[0] == "function"
    params = [] if own else [Parameter(each.name, each.kind, each.has_default) for each in entry.params]
    arguments = seen.evaluator.binder.bind(made.frame, made.term, params)
    by_position = own and "" in made.frame.term(made.term).keys
    return Run(call, made, entry, arguments.bound, arguments.complete and not by_position)


def _bases(seen: Observations, name: str) -> Iterator[Entry]:
    path, _, qualname = name.partition("::")
    for base in seen.program.foreign_bases(path, qualname):
        entry = seen.evaluator.entry(base)
        if entry is not None and entry.kind == "trainer":
            yield entry


class RunSettings:
    """The settings one run of a trainer is given. `reason`: why nothing of them is known, "" where it is."""

    def __init__(self, seen: Observations, run: Run) -> None:
        self.seen = seen
        self.run = run
        self.reason = ""
        self.base: Resolved | None = None
        self.entry: Entry | None = None
        self._find()

    def _find(self) -> None:
        given = self.run.argument("arguments")
        if given is None and not self.run.complete:
            self.reason = f"what {self.run.name}(…) is given was not resolved"
            return
        if given is None:
            self.entry = self.seen.evaluator.entry(str(self.run.entry.extra["settings"]))
            return
        settings = self.seen.evaluator.settings
        leaves = [leaf for leaf in given.alternatives() if settings.filled(leaf) is not None]
        self.base = leaves[0] if leaves else given
        self.entry = settings.entry(self.base)
        if self.entry is None:
            filled = settings.filled(self.base)
            what = f"{_shown(filled)} was not read" if filled is not None else _shown(given)
            self.reason = f"the settings that {self.run.name}(…) is given: {what}"
            return
        setters = self.entry.extra.get("setters")
        for name in setters if isinstance(setters, list) else ():
            for call in self.seen.methods(str(name)):
                self.reason = f".{call.name}() changes several settings at once"
        made = self.base.frame.term(self.base.term) if self.base.frame is not None else None
        if self.base.kind == "object" and made is not None and made.keys.count("") > _ORDERED:
            simple = self._class_name()
            self.reason = f"{simple}(…) is given settings by position, which releases order differently"

    def _class_name(self) -> str:
        return "" if self.entry is None else self.entry.name.rpartition(".")[2]

    @property
    def span(self) -> Span | None:
        """Where the settings are made, else the trainer."""
        made = (
            self.base.frame.span(self.base.term)
            if self.base is not None and self.base.frame is not None
            else None
        )
        return made or self.run.span

    def given(self, field: str) -> Resolved | None:
        """What is given for a field; None where the default holds or there is no such setting."""
        if self.base is None or self.entry is None:
            return None
        parameter = self.parameter(field)
        found = self.seen.evaluator.settings.given(self.base, parameter) if parameter else None
        return None if found is not None and found.kind == "absent" else found

    def parameter(self, field: str) -> str:
        """The name of the setting behind a field, also of one that other releases have; "" for none."""
        if self.entry is None:
            return ""
        further = self.entry.extra.get("extra_fields")
        other = further.get(field, "") if isinstance(further, dict) else ""
        return self.entry.fields.get(field) or str(other)

    def value(self, field: str, unit: str = "") -> Value:
        """A setting as a leaf of the recipe: as given, else the library's default."""
        name = self.parameter(field)
        if self.reason or self.entry is None:
            return Value(reason=self.reason, span=self.run.span)
        given = self.given(field)
        if given is None:
            default = self.entry.default(field)
            if isinstance(default, (bool, int, float, str, type(None))):
                return Value(default, State.DEFAULT, unit, self.span)
            return Value(reason=f"{self._class_name()} has no default for {name}", span=self.span)
        given = given.default()
        origin = next((each.span for each in given.origins if each.span is not None), None)
        if given.kind == "const":
            state = State.DERIVED if given.derived else State.EXPLICIT
            return Value(given.value, state, unit, origin or self.span)
        choices = tuple(each.value for each in given.alternatives() if each.kind == "const")
        return Value(reason=f"{name}={_shown(given)}", span=self.span, unit=unit, choices=choices)

    def named(self, field: str) -> Value:
        """A setting that is a name, also where it is given as a member of an enumeration."""
        found = self.value(field)
        given = self.given(field) if not found.known else None
        text = _member(given.default()) if given is not None else ""
        return Value(text, State.EXPLICIT, span=self.span) if text else found


def _member(value: Resolved) -> str:
    """The text that a member of an enumeration of the library stands for: `SchedulerType.COSINE`."""
    return value.name.rpartition(".")[2].lower() if value.kind == "external" else ""


def is_none(value: Resolved) -> bool:
    """Whether a value is known to be None, or not to be there."""
    return value.kind == "absent" or (value.kind == "const" and value.value is None)


def _shown(value: Resolved) -> str:
    """A value that is not a constant, as a reason names it."""
    if value.kind == "choice":
        return "branches give different values"
    return value.name.rpartition("::")[2] or f"a {value.kind}"
