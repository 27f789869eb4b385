"""Optimizers of a program, and whether anything changes their rate."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterator
from functools import cached_property

from trainlint.analysis.evaluation.values import Frame, Resolved, Site, unknown
from trainlint.analysis.facts import Event, Parameter
from trainlint.findings import Span
from trainlint.knowledge.base import Entry
from trainlint.knowledge.program_words import program_words
from trainlint.knowledge.roles import words_of
from trainlint.recipe.code.alternatives import is_passed_over
from trainlint.recipe.code.factories import made_optimizers, unnamed
from trainlint.recipe.code.leaves import absent, derived, leaf, unknown_value
from trainlint.recipe.code.observe import Call, Observations
from trainlint.recipe.code.own_rates import has_legacy_decay, rate_function
from trainlint.recipe.code.rate_from_outside import unread_callback, weights_put_back
from trainlint.recipe.code.training import Training
from trainlint.recipe.model import Link, State, Value

_RATE_SETTERS = ("set_lr", "set_lr_scheduler")
"""Methods of Paddle's optimizers that change the rate."""

_RATES_AS_FUNCTIONS = frozenset({"jax", "paddle"})
"""Frameworks whose optimizers take a schedule in the place of a number."""

_ADAPTIVE = frozenset({"adam", "adaptive", "parameter-free"})


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
        self.rate_stores = list(self._rate_stores())

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
        entry = call.entry
        assert entry is not None
        span = call.span
        found = {
            "optimizer.name": Value(
                str(entry.extra.get("name", call.name.rpartition(".")[2].lower())), State.EXPLICIT, span=span
            ),
            "optimizer.family": derived(entry.family, span)
            if entry.family
            else unknown_value("its kind is not known", span),
            "optimizer.adaptive": derived(entry.family in _ADAPTIVE, span),
            "optimizer.schedule_free": derived(self._needs_no_schedule(call), span),
        }
        for field, path in (
            ("lr", "optimizer.lr"),
            ("momentum", "optimizer.momentum"),
            ("weight_decay", "optimizer.weight_decay"),
            ("eps", "optimizer.eps"),
        ):
            found[path] = self._argument(call, field)
        decoupled = self._decoupled(call)
        found["optimizer.coupled"] = (
            derived(not decoupled, span)
            if decoupled is not None
            else unknown_value("how it decays the weights is not known", span)
        )
        found.update(self._schedule(call))
        return found

    def _decoupled(self, call: Call) -> bool | None:
        """Whether the decay acts on the weights; None where that is not known."""
        assert call.entry is not None
        usual, switch = (call.entry.extra.get(name) for name in ("decoupled", "decoupled_when"))
        parameter = call.entry.param(switch) if isinstance(switch, str) else None
        given = self.seen.arguments(call).get(parameter.name) if parameter is not None else None
        if given is not None:
            return bool(given.value) if given.kind == "const" and not given.option else None
        if parameter is not None and isinstance(parameter.default, bool):
            return parameter.default or usual is True
        return usual if isinstance(usual, bool) else None

    def _argument(self, call: Call, field: str) -> Value:
        entry = call.entry
        assert entry is not None
        value = self.seen.argument(call, field)
        if value is None and not self.seen.complete(call):
            return unknown_value("a starred argument may set it", call.span)
        if value is None and (field not in entry.fields or self._off_by_default(entry, field)):
            return absent(call.span)
        if field == "lr" and value is None and self._groups_set_rate(call):
            return unknown_value("parameter groups have rates of their own", call.span)
        if field == "weight_decay":
            of_groups = self._decay_of_groups(call)
            if of_groups is not None:
                return of_groups
        return leaf(value, call, default=entry.default(field), unit="rate" if field == "lr" else "")

    @staticmethod
    def _off_by_default(entry: Entry, field: str) -> bool:
        parameter = entry.param(entry.fields[field])
        return (
            field != "lr" and parameter is not None and parameter.has_default and entry.default(field) is None
        )

    def _decay_of_groups(self, call: Call) -> Value | None:
        """The decay that parameter groups set, where one of them does: what their weights have, if it is one
        number."""
        params = self.seen.argument(call, "params")
        made = params.default().alternatives() if params is not None else ()
        groups = [leaf for made_as in made for item in made_as.items for leaf in item.alternatives()]
        decays = [group.entries["weight_decay"] for group in groups if "weight_decay" in group.entries]
        decays += [decay for each in made if (decay := self._decay_of_maker(each)) is not None]
        heavy = [each for each in decays if each.default().value != 0]
        if not decays:
            hidden = next((each for each in made if each.kind == "unknown"), None)
            return None if hidden is None else unknown_value(f"parameter groups: {hidden.name}", call.span)
        if len({each.default().value for each in heavy if each.kind == "const"}) == 1 == len(heavy):
            return leaf(heavy[0], call)
        return unknown_value("parameter groups have decays of their own", call.span)

    def _decay_of_maker(self, made: Resolved) -> Resolved | None:
        """The decay that a known function puts into the groups it makes."""
        entry = self.seen.evaluator.entry(made.name) if made.kind == "object" else None
        if entry is None or entry.kind != "parameter-groups":
            return None
        given = self.seen.evaluator.binder.arguments(made).get(entry.fields.get("weight_decay", ""))
        return given if given is not None else unknown(f"the decay that {made.name} gives")

    def _groups_set_rate(self, call: Call) -> bool:
        params = self.seen.argument(call, "params")
        return params is not None and params.kind in ("sequence", "unknown", "part")

    def _needs_no_schedule(self, call: Call) -> bool:
        entry = call.entry
        assert entry is not None
        if entry.extra.get("schedule_free") or entry.extra.get("builtin_schedule"):
            return True
        parameter, separator, wanted = str(entry.extra.get("schedule_free_when", "")).partition("=")
        if not separator:
            return False
        given = self.seen.arguments(call).get(parameter)
        param = entry.param(parameter)
        value = given.default().value if given is not None else param.default if param is not None else None
        return str(value) == wanted

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
            or self.escapes(call)
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

    def _rate_stores(self) -> Iterator[Span]:
        for frame in self.seen.frames:
            for event in self.seen.program.events(frame.facts):
                if _writes_rate(frame, event) or _hands_rate_on(frame, event):
                    span = frame.span(event.value) or frame.span(event.term)
                    if span is not None:
                        yield span
        for call in self.seen.methods(*_RATE_SETTERS):
            if call.span is not None:
                yield call.span

    def made_while_training(self, call: Call) -> bool:
        """Whether an optimizer is made anew in each round of a training loop."""
        return call.event.loop >= 0 and self.training.loop_trains(call.frame.facts, call.event.loop)

    def escapes(self, call: Call, besides: Collection[Site] = ()) -> str | None:
        """A callee outside the project that is handed the optimizer and is not known to leave its rate alone.

        `besides` are calls known for what they do to it.
        """
        made = self.seen.object(call)
        for label, other in self._not_read:
            if other.site == call.site or other.site in besides:
                continue
            if self._passes(other, made) and self.seen.runs(other) is not False:
                shown = self.seen.unread.shown(other.frame, other.term) or label
                return f"the optimizer is handed to {shown}, which was not read"
        return None

    @functools.cached_property
    def _not_read(self) -> list[tuple[str, Call]]:
        """The calls that may do anything to what they are handed, each with what it is called."""
        taking = (call for call in self.seen.calls if _takes_objects(call))
        return [(label, call) for call in taking if (label := self._unread(call))]

    def _passes(self, other: Call, made: Resolved) -> bool:
        record = other.frame.facts.terms[other.term]
        for argument in record.args[1:]:
            value = self.seen.evaluator.value(other.frame, argument)
            leaves = [leaf for item in (value, *value.items) for leaf in item.alternatives()]
            if any(leaf.kind == "object" and leaf.site == made.site for leaf in leaves):
                return True
        return False

    def _unread(self, other: Call) -> str:
        if other.method:
            receiver = self.seen.evaluator.receiver(other.frame.facts, other.event)
            if any(
                item.kind in ("instance", "class", "const", "sequence", "mapping")
                for item in receiver.alternatives()
            ):
                return ""
            if other.name in (
                "append",
                "step",
                "unscale_",
                "prepare",
                "backward",
                "minimize",
                "add",
                "load_state_dict",
            ):
                return ""
            names = {item.name for item in receiver.alternatives() if item.kind == "object"}
            if names and all(self.seen.evaluator.knowledge.inert(name, "schedule") for name in names):
                return ""
            return f".{other.name}()"
        if other.entry is not None and other.entry.kind == "optimizer-chain":
            return self._unread_part(other)
        if "::" in other.name or self.seen.evaluator.knowledge.inert(other.name, "schedule"):
            return ""
        if other.entry is not None and other.entry.kind in ("builtin", "scaler", "model-wrapper"):
            return ""
        return other.name or self._unread_value(other)

    def _unread_value(self, other: Call) -> str:
        """A callee that is a value: nothing where it can only be project code, which is read."""
        callee = self.seen.evaluator.value(other.frame, other.frame.facts.terms[other.term].args[0])
        read = all(
            leaf.kind in ("instance", "function", "class")
            or (leaf.kind == "object" and self.seen.evaluator.knowledge.inert(leaf.name, "schedule"))
            for leaf in callee.alternatives()
        )
        return "" if read else callee.name or "a call"

    def _unread_part(self, chain: Call) -> str:
        """A part of a chain of transformations whose effect on the rate is not known."""
        for argument in chain.frame.term(chain.term).args[1:]:
            value = self.seen.evaluator.value(chain.frame, argument)
            for part in (*value.alternatives(), *value.items):
                if part.kind in ("object", "external"):
                    entry = self.seen.evaluator.entry(part.name)
                    known = entry is not None and entry.kind in ("optimizer", "optimizer-chain")
                    if known or self.seen.evaluator.knowledge.inert(part.name, "schedule"):
                        continue
                elif part.kind in ("choice", "sequence"):
                    continue
                return part.name or "a transformation"
        return ""

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


def _takes_objects(call: Call) -> bool:
    """Whether some argument of a call is more than a literal or a local function."""
    terms = call.frame.facts.terms
    return any(terms[argument].op not in ("const", "func") for argument in terms[call.term].args[1:])


def _writes_rate(frame: Frame, event: Event) -> bool:
    if event.kind == "store-item":
        return frame.facts.terms[event.key].value == "lr" and frame.facts.terms[event.term].op not in (
            "dict",
        )
    if event.kind == "store-attr":
        base = frame.facts.terms[event.term]
        return event.name in ("lr", "learning_rate") and "optim" in base.name.lower()
    return False


def _hands_rate_on(frame: Frame, event: Event) -> bool:
    """Whether a call takes an optimizer's rate as a variable: `K.set_value(model.optimizer.lr, 0.01)`."""
    if event.kind != "call":
        return False
    call = frame.facts.terms[event.term]
    callee = frame.facts.terms[call.args[0]]
    if callee.name.rpartition(".")[2] in ("assign", "assign_sub", "assign_add") and callee.op == "attr":
        return _is_rate(frame, callee.args[0])
    if callee.name.rpartition(".")[2] in ("set_value", "assign"):
        return any(_is_rate(frame, argument) for argument in call.args[1:2])
    return False


def _is_rate(frame: Frame, index: int) -> bool:
    term = frame.facts.terms[index]
    return term.op == "attr" and term.name in ("lr", "learning_rate")
