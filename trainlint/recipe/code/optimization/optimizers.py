"""Optimizers of a program, and whether anything changes their rate."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import cached_property

from trainlint.analysis.evaluation.values import Resolved, Site
from trainlint.analysis.facts import Parameter
from trainlint.knowledge.program_words import program_words
from trainlint.knowledge.roles import words_of
from trainlint.recipe.code.alternatives import is_passed_over
from trainlint.recipe.code.leaves import derived, unknown_value
from trainlint.recipe.code.observe import Call, Observations
from trainlint.recipe.code.optimization.escapes import OptimizerEscapes
from trainlint.recipe.code.optimization.factories import made_optimizers, unnamed
from trainlint.recipe.code.optimization.fields import OptimizerFields
from trainlint.recipe.code.optimization.own_rates import has_legacy_decay, rate_function
from trainlint.recipe.code.optimization.rate_from_outside import unread_callback, weights_put_back
from trainlint.recipe.code.optimization.rate_stores import rate_stores
from trainlint.recipe.code.training import Training
from trainlint.recipe.model import Link, State, Value

_RATES_AS_FUNCTIONS = frozenset({"jax", "paddle"})
"""Frameworks whose optimizers take a schedule in the place of a number."""


class Optimizers:
    """The optimizers a default run makes. `calls` and `elements` go in step."""

    def __init__(self, seen: Observations, training: Training) -> None:
        self.seen = seen
        self.training = training
        self.calls = [
            call
            for call in (*seen.made("optimizer"), *self._named_optimizers(), *made_optimizers(seen))
            if seen.runs(call) is not False and not is_passed_over(seen, call)
        ]
        known = {call.site for call in self.calls}
        factories = [
            call
            for call in seen.made("optimizer-factory")
            if call.site not in known and seen.happens(call.frame, call.event.conditions) is not False
        ]
        derived_of = self._derived()
        wrappers = [*seen.made("optimizer-wrapper"), *derived_of("optimizer", "optimizer-base")]
        self.unread = [*factories, *(call for call in wrappers if seen.runs(call) is not False)]
        self.schedules = [call for call in seen.schedulers() if seen.runs(call) is not False]
        own = derived_of("scheduler", "scheduler-base")
        self.own_schedules = [call for call in own if seen.runs(call) is not False]
        self.rate_stores = list(rate_stores(seen))
        self._fields = OptimizerFields(seen)
        self.escapes = OptimizerEscapes(seen)

    def keep(self, sites: Collection[Site]) -> None:
        """Leave only the optimizers that these calls make: the ones that are known to train."""
        self.calls = [call for call in self.calls if call.site in sites]
        self.unread = [call for call in self.unread if call.site in sites]
        self.schedules = [call for call in self.schedules if not self._drives_another(call, sites)]

    def _drives_another(self, schedule: Call, sites: Collection[Site]) -> bool:
        """Whether a schedule is handed an optimizer, and none that these calls make."""
        given = self.seen.argument(schedule, "optimizer")
        leaves = given.alternatives() if given is not None else ()
        made = [leaf.site for leaf in leaves if leaf.kind == "object"]
        return bool(made) and not any(site in sites for site in made)

    def _named_optimizers(self) -> Iterator[Call]:
        """Optimizers that a Keras model is compiled with by name: `compile(optimizer="adam")`."""
        method = self.seen.evaluator.knowledge.method("compile", receiver="keras-model")
        params = (
            [Parameter(each.name, each.kind, each.has_default) for each in method.params] if method else []
        )
        for call in self.seen.methods("compile"):
            given = self.seen.evaluator.binder.bind(call.frame, call.term, params).get("optimizer")
            if given is None or given.kind != "const" or not isinstance(given.value, str):
                continue
            name = self.seen.evaluator.knowledge.canonical(f"keras.optimizers.{given.value.lower()}")
            entry = self.seen.evaluator.entry(name)
            if entry is not None and entry.kind == "optimizer" and entry.family:
                yield Call(call.frame, call.event, name, entry, method=False, by_name=True)

    def _derived(self) -> Callable[..., list[Call]]:
        """Finds the calls that make objects of project classes with a base of one of these kinds."""
        found: list[tuple[str, Call]] = []
        for call in self.seen.calls:
            path, separator, qualname = call.name.partition("::")
            if not separator or self.seen.program.kind(path, qualname) != "class":
                continue
            for base in self.seen.program.foreign_bases(path, qualname):
                entry = self.seen.evaluator.entry(base)
                if entry is not None:
                    found.append((entry.kind, call))
        return lambda *kinds: [call for kind, call in found if kind in kinds]

    def unsettled(self) -> Value:
        """Why there is no single optimizer that is known: what was not read, or the several there are."""
        for call in self.unread:
            return unknown_value(unnamed(self.seen, call), call.span)
        if len(self.calls) > 1:
            names = ", ".join(dict.fromkeys(f"{call.name.rpartition('.')[2]}(…)" for call in self.calls))
            return unknown_value(f"there are several optimizers: {names}", self.calls[1].span)
        return self.stepped() or unknown_value("no optimizer was found")

    def stepped(self) -> Value | None:
        """Why what is stepped is not known: the call that makes it, or what replaces its class; None where it
        is, or nothing is seen to be stepped."""
        for call in self.seen.calls:
            store = self.seen.replaced.by(call.name)
            if store is not None:
                shown = self.seen.unread.shown(store.frame, store.term)
                place = store.frame.span(store.term) or call.span
                return unknown_value(f"{call.name} is replaced by {shown}", place)
        for call in self.seen.methods("step", "zero_grad", "minimize"):
            base = call.frame.term(call.frame.term(call.term).args[0]).args[0]
            for made in self.seen.evaluator.value(call.frame, base).alternatives():
                frame, term = (made.frame, made.term) if made.frame is not None else (call.frame, base)
                if made.kind == "unknown" and " may replace " in made.name:
                    return unknown_value(made.name, call.span)
                if made.kind in ("object", "unknown") and frame.term(term).op == "call":
                    shown = self.seen.unread.shown(frame, term)
                    return unknown_value(
                        f"{shown} was not read, and is what takes the steps", frame.span(term)
                    )
        return None

    def elements(self) -> list[dict[str, Value]]:
        """One mapping of `optimizer.*` values for each optimizer, in order."""
        return [self._element(call) for call in self.calls]

    def _element(self, call: Call) -> dict[str, Value]:
        return {**self._fields.of(call), **self._schedule(call)}

    def _schedule(self, call: Call) -> dict[str, Value]:
        reason = self.changes_rate(call)
        if reason is None:
            steps = Value(False, State.DERIVED, span=call.span)
            return {
                "optimizer.schedule.name": Value("constant", State.DERIVED, span=call.span),
                "optimizer.schedule.steps_rate": steps,
                "optimizer.schedule.decays": Value(False, State.DERIVED, span=call.span),
            }
        known = isinstance(reason, Link)
        unread = self.seen.unread.value("schedule")
        place = unread.span if unread is not None and unread.reason == reason else call.span
        value = (
            derived(True, reason.span, (reason,))
            if isinstance(reason, Link)
            else unknown_value(reason, place)
        )
        return {
            "optimizer.schedule.name": self._schedule_name()
            if known
            else unknown_value(str(reason), call.span),
            "optimizer.schedule.steps_rate": value,
            "optimizer.schedule.decays": unknown_value(
                "where the rate ends is not known" if known else str(reason), call.span
            ),
        }

    def _schedule_name(self) -> Value:
        shapes = list(
            dict.fromkeys(call.entry.shape for call in self.schedules if call.entry and call.entry.shape)
        )
        if len(shapes) == 1 and not self.rate_stores:
            return derived(shapes[0], self.schedules[0].span)
        return derived("custom", self.schedules[0].span if self.schedules else None)

    def changes_rate(self, call: Call) -> Link | str | None:
        """What changes this optimizer's rate: a place, a reason why that is unknown, or None when nothing
        does.

        The world is closed only when every callee that is handed the optimizer was read.
        """
        for made in (*self.schedules, *self.own_schedules):
            if made.span is not None:
                return Link(made.span, f"{made.name.rpartition('.')[2]} changes the rate")
        for span in self.rate_stores:
            return Link(span, "the rate is written here")
        if has_legacy_decay(self.seen, call) and call.span is not None:
            return Link(call.span, "its decay lowers the rate at every update")
        if self.made_while_training(call):
            return "the optimizer is made anew while training"
        return (
            self._rate_as_function(call)
            or unread_callback(self.seen)
            or weights_put_back(self.seen, self.training)
            or self.replaced(call)
            or self.escapes.of(call)
            or self._suspicious_call()
            or self.seen.unread.reason("schedule")
            or None
        )

    def replaced(self, call: Call) -> str:
        """The decorator that may give something else than the function which makes the optimizer; else ""."""
        decorator = self.seen.evaluator.decorators.replacing(call.frame.facts)
        return f"{decorator} may replace {call.place[1]}" if decorator else ""

    @cached_property
    def rate_function(self) -> Resolved | None:
        """The project's function of the step that is the one optimizer's rate; None where it is none."""
        return rate_function(self.seen, self.calls[0]) if len(self.calls) == 1 else None

    def _rate_as_function(self, call: Call) -> Link | str | None:
        """Why the rate may change by itself: what is passed is a function of the step, or may be one."""
        given = self.seen.argument(call, "lr")
        if given is None or call.entry is None:
            return None
        kinds = {leaf.kind for leaf in given.alternatives()}
        if self.rate_function is not None and call.span is not None:
            return Link(call.span, "its rate is a function of the step")
        if "function" in kinds:
            return "the rate is a function of the step, which was not read"
        backend = self.seen.evaluator.knowledge.backend(call.entry.framework)
        if backend in _RATES_AS_FUNCTIONS and kinds - {"const", "absent"}:
            return "the rate is not known, and may be a function of the step"
        return None

    def made_while_training(self, call: Call) -> bool:
        """Whether an optimizer is made anew in each round of a training loop."""
        return call.event.loop >= 0 and self.training.loop_trains(call.frame.facts, call.event.loop)

    def _suspicious_call(self) -> str | None:
        words = program_words("schedules") - {"lr", "decay"}
        for call in self.seen.calls:
            if "::" in call.name or call.method or call.entry is not None:
                continue
            if self.seen.evaluator.knowledge.inert(call.name, "schedule"):
                continue
            if words & set(words_of(call.name.rpartition(".")[2])):
                return f"{call.name} may change the rate"
        return None
