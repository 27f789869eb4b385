"""Whether a program asks for reproducible kernels, and for something that undoes it on the same path."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from trainlint.analysis.evaluation.values import Resolved
from trainlint.analysis.facts import Event
from trainlint.knowledge.base import Entry
from trainlint.recipe.code.observe import Call, Observations
from trainlint.recipe.code.reach import Place
from trainlint.recipe.code.run_order import Moment, RunOrder, together
from trainlint.recipe.code.training import Training
from trainlint.recipe.model import Link, State, Value

_DETERMINISTIC, _BENCHMARK = "deterministic", "benchmark"
_SWITCHES = frozenset({_DETERMINISTIC, _BENCHMARK})
"""Effects of settings: kernels that give the same result each time; a search for the fastest kernel."""


@dataclasses.dataclass(frozen=True, slots=True)
class Switch:
    """A place where one of the two is turned on or off. `on` is None where the value is not known."""

    effect: str
    on: bool | None
    moment: Moment


def determinism(seen: Observations, training: Training) -> dict[str, Value]:
    """`repro.deterministic`, `repro.benchmark` and `repro.benchmark_when`; nothing where neither is set."""
    places = set(_places(seen))
    if not places:
        return {}
    switches = [
        switch for moment in RunOrder(seen, training, places).moments() for switch in _switches(seen, moment)
    ]
    asked = [each for each in switches if each.effect == _DETERMINISTIC and each.on]
    found: dict[str, Value] = {}
    certain = next((each for each in asked if not each.moment.off), None)
    if certain is not None:
        found["repro.deterministic"] = Value(True, State.DERIVED, span=certain.moment.span)
    clash = _clash(switches, asked)
    if clash is None:
        return found
    tried, kept = clash
    asked_at = kept.moment.span
    link = () if asked_at is None else (Link(asked_at, "deterministic kernels are asked for here"),)
    found["repro.benchmark"] = Value("benchmark", State.EXPLICIT, span=tried.moment.span, chain=link)
    always = not tried.moment.off and not kept.moment.off
    found["repro.benchmark_when"] = Value("always" if always else "option", State.DERIVED)
    return found


def _clash(switches: list[Switch], asked: list[Switch]) -> tuple[Switch, Switch] | None:
    """A pair that one run comes to, with neither turned off again on the way; that of a default run first."""
    tried = [each for each in switches if each.effect == _BENCHMARK and each.on]
    pairs = [
        (one, other)
        for one in tried
        for other in asked
        if together(one.moment, other.moment)
        and not _undone(switches, one, other)
        and not _undone(switches, other, one)
    ]
    return min(pairs, key=lambda pair: pair[0].moment.off or pair[1].moment.off, default=None)


def _undone(switches: list[Switch], switch: Switch, beside: Switch) -> bool:
    """Whether a later store on that path turns it off, or may."""
    later = switches[switches.index(switch) + 1 :]
    return any(
        each.effect == switch.effect
        and each.on is not True
        and together(each.moment, switch.moment)
        and together(each.moment, beside.moment)
        for each in later
    )


def _places(seen: Observations) -> Iterator[Place]:
    """Units in which one of the settings may be changed."""
    for call in seen.calls:
        if call.entry is not None and not call.method and _concerns(seen, call, call.entry):
            yield call.place
    for frame in seen.frames:
        for event in seen.program.events(frame.facts):
            if event.kind == "store-attr" and event.name in _SWITCHES:
                yield (frame.facts.path, frame.facts.qualname)


def _concerns(seen: Observations, call: Call, entry: Entry) -> bool:
    return entry.effect in _SWITCHES or any(
        seen.argument(call, field) is not None for field in _SWITCHES & entry.fields.keys()
    )


def _switches(seen: Observations, moment: Moment) -> Iterator[Switch]:
    if moment.call is None:
        yield from _stored(seen, moment, moment.event)
    elif moment.call.entry is not None and not moment.call.method:
        yield from _called(seen, moment, moment.call, moment.call.entry)


def _stored(seen: Observations, moment: Moment, event: Event) -> Iterator[Switch]:
    """`cudnn.benchmark = True`."""
    if event.name not in _SWITCHES:
        return
    base = seen.evaluator.value(moment.frame, event.term)
    entry = seen.evaluator.entry(f"{base.name}.{event.name}") if base.kind == "external" else None
    if entry is not None and entry.kind == "setting" and entry.effect in _SWITCHES:
        yield Switch(entry.effect, _truth(seen.evaluator.value(moment.frame, event.value)), moment)


def _called(seen: Observations, moment: Moment, call: Call, entry: Entry) -> Iterator[Switch]:
    """`use_deterministic_algorithms(True)`, or a trainer that is told so."""
    if entry.effect in _SWITCHES:
        mode = seen.argument(call, "mode")
        yield Switch(entry.effect, True if "mode" not in entry.fields else _truth(mode), moment)
        if entry.extra.get("turns_off") == _BENCHMARK:
            yield Switch(_BENCHMARK, False, moment)
    for field in sorted(_SWITCHES & entry.fields.keys()):
        given = seen.argument(call, field)
        if given is not None and not (given.kind == "const" and given.value is None):
            yield Switch(field, _truth(given), moment)


def _truth(value: Resolved | None) -> bool | None:
    """Whether a setting is on; None where an option decides. A text ("warn") is neither: it asks for less."""
    if value is None or value.kind != "const" or value.option or isinstance(value.value, str):
        return None
    return bool(value.value)
