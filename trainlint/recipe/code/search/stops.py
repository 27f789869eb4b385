"""Whether a search stops bad trials early, and whether the brackets it does that in can run."""

from __future__ import annotations

from collections.abc import Iterator

from trainlint.analysis.evaluation.arguments import Arguments
from trainlint.analysis.evaluation.values import Frame, Resolved
from trainlint.analysis.facts import Event
from trainlint.findings import Span
from trainlint.knowledge.roles import words_of
from trainlint.knowledge.search_tools import Halving, search_tools
from trainlint.recipe.code.leaves import absent, derived, unknown_value
from trainlint.recipe.code.length import loop_count
from trainlint.recipe.code.observe import Observations
from trainlint.recipe.code.search.calls import RunCall, SearchCall, is_none, parameters, reached_calls
from trainlint.recipe.code.search.objectives import TrialUse, objective_of
from trainlint.recipe.model import Value

_STOPPING = ("EarlyStopping",)
_SHORT = 3
"""Epochs of a fit that nothing is gained by stopping."""


class Stops:
    """What stops the trials of one search."""

    def __init__(self, seen: Observations, call: SearchCall) -> None:
        self.seen = seen
        self.call = call

    def prunes(self) -> Value:
        """Whether bad trials are stopped before they are through."""
        search = self.call.search
        if not search.pruning or not self.call.arguments.complete:
            return unknown_value("it is not known whether it can stop trials", self.call.span)
        if search.many and self.call.argument(search.many) is not None:
            return unknown_value("with several objectives no trial can be stopped", self.call.span)
        given = self.call.argument(search.pruner)
        if given is not None:
            known = search_tools().pruners.get(search_tools().canonical(given.name))
            if search.prunes != "objective" or known is None or known.off:
                return unknown_value("what stops trials was chosen", self.call.span)
        if search.prunes == "objective":
            return self._asked_by_objective()
        if search.networks:
            return self._by_callbacks()
        if search.mapping:
            return self._by_mapping()
        if self._stopped_otherwise():
            return unknown_value("something else may stop trials", self.call.span)
        if not self._reports_often():
            return unknown_value("no trial is seen to report more than once", self.call.span)
        return derived(False, self.call.span)

    def _stopped_otherwise(self) -> bool:
        """Whether a stopper is given that may end trials: not just a number of rounds."""
        given = self.call.argument(self.call.search.stops)
        if given is None:
            return False
        if given.kind == "object" and given.frame is not None:
            bound = self.seen.evaluator.binder.bind(given.frame, given.term, parameters(()))
            stop = bound.get("stop")
            return not bound.complete or (stop is not None and not is_none(stop) and stop.kind != "mapping")
        return given.kind != "mapping"

    def _by_mapping(self) -> Value:
        sweep = self.call.argument(self.call.search.mapping)
        if sweep is None or sweep.kind != "mapping" or not sweep.complete:
            return unknown_value("the sweep is not known", self.call.span)
        if search_tools().mapped.pruner in sweep.entries:
            return derived(True, self.call.span)
        logs = reached_calls(self.seen, "log")
        if any(call.name == "wandb.log" and call.event.loop >= 0 for call in logs):
            return derived(False, self.call.span)
        return unknown_value("it is not seen to log each epoch", self.call.span)

    def _by_callbacks(self) -> Value:
        """Of tuners that fit networks: whether a callback stops a fit that gets no better."""
        span = self.call.span
        if not self.call.runs:
            return unknown_value("no call that runs it was found", span)
        for run in self.call.runs:
            if not run.arguments.complete:
                return unknown_value("a starred argument may hold callbacks", span)
            if self._has_callback(run):
                return derived(True, span)
            epochs = run.argument("epochs")
            if epochs is None or (epochs.is_number and not _is_long(epochs)):
                return unknown_value("its fits are too short to be stopped", span)
        given = self.call.argument(self.call.search.objective)
        if given is None or given.kind != "function":
            return unknown_value("how its model is fitted is not known", span)
        return derived(False, span)

    def _has_callback(self, run: RunCall) -> bool:
        """Whether any callback may stop the fit; what is not known may."""
        given = run.argument(run.run.callbacks)
        if given is None or is_none(given):
            return False
        if given.kind != "sequence":
            return True
        return any(item.kind != "object" or item.name.rpartition(".")[2] in _STOPPING for item in given.items)

    def _asked_by_objective(self) -> Value:
        """Of libraries that hand out the trial: whether the objective asks it, or gives it away."""
        span = self.call.span
        given = self.call.on_run("objective")
        objective = objective_of(self.seen, given) if given is not None else None
        if objective is None:
            return unknown_value("the objective is not known", span)
        asked = TrialUse(self.seen).asked(objective)
        if asked is None:
            return unknown_value("the trial is handed to code that was not read", span)
        return derived(asked, span)

    def pruner(self) -> Value:
        """The pruner that is given, by its name, where it would stop trials."""
        given = self.call.argument(self.call.search.pruner)
        name = search_tools().canonical(given.name) if given is not None else ""
        known = search_tools().pruners.get(name)
        if given is None or known is None or known.off or given.frame is None:
            return absent(self.call.span)
        return derived(name.rpartition(".")[2], given.frame.span(given.term))

    def stops_itself(self) -> bool:
        """Whether the program stops trainings that get no better, by the names it uses."""
        for frame in self.seen.frames:
            for term in frame.facts.terms:
                if term.op in ("param", "attr", "global", "loop") and _is_patience(term.name):
                    return True
        return False

    def _reports_often(self) -> bool:
        return any(event.loop >= 0 for _, event in self.reports())

    def reports(self) -> Iterator[tuple[Frame, Event]]:
        """The calls that tell this search how a trial does."""
        tools = search_tools()
        tool = self.call.search.tool
        names = {*tools.reports.methods, *(name.rpartition(".")[2] for name in tools.reports.functions)}
        for call in reached_calls(self.seen, *names):
            if call.method:
                known = tools.reports.methods.get(call.name)
            else:
                known = tools.reports.functions.get(tools.canonical(call.name))
            if known == tool:
                yield call.frame, call.event

    def halving(self) -> dict[str, Value]:
        """`search.*` of the brackets of successive halving, where it is used."""
        search = self.call.search
        if search.halving is not None:
            return self._brackets(search.halving, self.call.arguments, self.call.span)
        given = self.call.argument(search.pruner)
        name = search_tools().canonical(given.name) if given is not None else ""
        pruner = search_tools().pruners.get(name)
        if given is None or pruner is None or pruner.halving is None or given.frame is None:
            return self._mapped_brackets()
        bound = self.seen.evaluator.binder.bind(given.frame, given.term, parameters(pruner.parameters))
        return self._brackets(pruner.halving, bound, given.frame.span(given.term))

    def _mapped_brackets(self) -> dict[str, Value]:
        """The brackets of a sweep's `early_terminate`."""
        sweep = self.call.argument(self.call.search.mapping)
        stop = sweep.entries.get(search_tools().mapped.pruner) if sweep is not None else None
        if stop is None or stop.kind != "mapping":
            return {}
        given = Arguments(dict(stop.entries), {}, stop.complete)
        return self._brackets(search_tools().mapped.halving, given, self.call.span)

    def _brackets(self, known: Halving, given: Arguments, span: Span | None) -> dict[str, Value]:
        return brackets(known, given, span, self._reports_per_trial() if known.least else None)

    def _reports_per_trial(self) -> float | None:
        """How often a trial reports: the passes of the one loop that does; None where that is not clear."""
        counts: set[float] = set()
        for frame, event in self.reports():
            loop = frame.facts.loops[event.loop] if event.loop >= 0 else None
            if loop is None or loop.parent >= 0:
                return None
            sites = self.seen.program.call_sites(frame.facts.path, frame.facts.qualname)
            if any(_in_loop(caller, call) for caller, call in sites):
                return None
            count = loop_count(self.seen, frame, loop)
            if count is None or not isinstance(count.value, (int, float)) or not count.known:
                return None
            counts.add(count.value)
        return counts.pop() if len(counts) == 1 else None


def brackets(known: Halving, given: Arguments, span: Span | None, reports: float | None) -> dict[str, Value]:
    """The `search.*` values of successive halving from what it is given; none where that is not all known."""
    if not given.complete:
        return {}
    factor = _number(given.get(known.factor), known.factor_default)
    least = _number(given.get(known.least), known.least_default) if known.least else None
    most = _number(given.get(known.most), known.most_default) if known.most else None
    fault = _fault(known, factor, least, most, reports)
    found = {"search.fault": derived(fault, span)} if fault else {}
    numbers = {"factor": factor, "least": least, "most": most, "reports": reports}
    for name, number in numbers.items():
        if number is not None:
            found[f"search.{name}"] = derived(_whole(number), span)
    for name in ("factor", "least", "most"):
        if getattr(known, name):
            found[f"search.{name}_name"] = derived(getattr(known, name), span)
    return found


def _fault(
    known: Halving, factor: float | None, least: float | None, most: float | None, reports: float | None
) -> str:
    """What keeps the brackets from running: factor, least, order, bands or reports; "" for nothing known."""
    if factor is not None and (factor < known.least_factor or factor <= known.above):
        return "factor"
    if least is not None and least < known.smallest:
        return "least"
    if least is not None and most is not None and least > most:
        return "order"
    if known.bands and most is not None and factor is not None and least is None and most < factor:
        return "bands"
    if least is not None and reports is not None and reports < least:
        return "reports"
    return ""


def _is_long(epochs: Resolved) -> bool:
    return isinstance(epochs.value, (int, float)) and epochs.value > _SHORT


def _is_patience(name: str) -> bool:
    words = words_of(name.rpartition("::")[2])
    return "patience" in words or "earlystopping" in "".join(words)


def _in_loop(caller: Frame, call: int) -> bool:
    return any(event.term == call and event.loop >= 0 for event in caller.facts.events)


def _number(value: Resolved | None, default: float | None) -> float | None:
    """A known number; the default where nothing is given; None for anything else, and for an option."""
    if value is None:
        return default
    value = value.default()
    if not value.is_number or value.option:
        return None
    assert isinstance(value.value, (int, float))
    return value.value


def _whole(number: float) -> int | float:
    return int(number) if float(number).is_integer() else number
