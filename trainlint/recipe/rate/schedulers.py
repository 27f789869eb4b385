"""Scheduler objects of a program as schedules: their arguments resolved, their parts put together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import msgspec

from trainlint.analysis.branches import is_main_guard
from trainlint.analysis.evaluation.values import Resolved, Site
from trainlint.knowledge.base import Entry
from trainlint.recipe.code.observe import Call, Observations
from trainlint.recipe.rate.formula_parts import BATCHES, Env, Node, Scope, UnresolvedError
from trainlint.recipe.rate.formulas import Formulas
from trainlint.recipe.rate.functions import PACKAGES as FUNCTIONS
from trainlint.recipe.rate.functions import build_function
from trainlint.recipe.rate.own_schedulers import own_schedule
from trainlint.recipe.rate.shapes import CurveError, Quantity, Schedule, build
from trainlint.recipe.rate.warmed import PACKAGES, build_warmed

_OWN_RATES = frozenset({"onecycle", "cyclic"})
_PARTS = frozenset({"optimizer", "schedulers", "function"})
_PADDLE = "paddle.optimizer.lr."
_PADDLE_SHAPES = frozenset({"step", "multistep", "exponential", "cosine", "lambda"})
_MAX_NESTING = 4
_PROBES = (0, 1, 2, 7, 30, 90, 365)


class Schedulers:
    """Makes schedules of scheduler objects: `made` are the calls that make them.

    `base` is the optimizer's rate, None where it is not known.
    """

    def __init__(
        self, seen: Observations, formulas: Formulas, base: float | None, made: Sequence[Call]
    ) -> None:
        self.made = made
        self.seen = seen
        self.formulas = formulas
        self.base = base

    def outermost(self) -> list[Call]:
        """The scheduler calls of a default run that are no parts of others. Raises CurveError."""
        calls = [
            call for call in self.made if self.seen.happens(call.frame, call.event.conditions) is not False
        ]
        parts = {site for call in calls for site in self._handed(call)}
        outer = [call for call in calls if call.site not in parts]
        for call in outer:
            terms = call.frame.facts.terms
            branches = [each for each in call.event.conditions if not is_main_guard(terms, each.term)]
            if self.seen.happens(call.frame, branches) is None:
                raise CurveError(
                    f"whether {_plain(call.name)} is used hangs on a condition that is not known"
                )
        return outer

    def _handed(self, call: Call) -> Iterator[Site]:
        """Schedulers that are handed to this one."""
        for value in self.seen.arguments(call).values():
            for item in (value, *value.items):
                for leaf in item.alternatives():
                    entry = self.seen.evaluator.entry(leaf.name) if leaf.kind == "object" else None
                    if (
                        entry is not None
                        and entry.kind in ("scheduler", "scheduler-factory", "schedule")
                        and leaf.site is not None
                    ):
                        yield leaf.site

    def schedule(self, call: Call, batches: int) -> Schedule:
        """The schedule of a scheduler, where an epoch has so many batches. Raises CurveError."""
        if call.entry is None:
            if self.base is None:
                raise CurveError("the optimizer's rate is not known")
            return own_schedule(self.seen, self.formulas, call, self.base, batches)
        env: Env = {BATCHES: batches}
        first, *others = [self._schedule(made, env, 0) for made in self.seen.instances(call)]
        if any(other.at(step) != first.at(step) for other in others for step in _PROBES):
            raise CurveError(f"{_plain(call.name)} is made by several calls, each in its own way")
        return first

    def _schedule(self, made: Resolved, env: Env, depth: int) -> Schedule:
        if made.kind == "function" and depth:
            return Schedule(self._function(made, env))
        entry = self.seen.evaluator.entry(made.name) if made.kind == "object" else None
        shape = "" if entry is None else self._shape(made, entry)
        if entry is None or not shape or depth > _MAX_NESTING:
            raise CurveError(f"{_plain(made.name) or 'a scheduler'} has no known formula")
        if made.name.startswith(FUNCTIONS):
            return self._function_of_step(made, entry, env, depth)
        warmed = made.name.startswith(PACKAGES)
        if made.name.startswith(_PADDLE) and shape in _PADDLE_SHAPES:
            return self._with_own_rate(made, entry, env, depth)
        if not warmed and not made.name.startswith("torch."):
            raise CurveError(f"{_plain(made.name)} is not simulated")
        if self.base is None and shape not in _OWN_RATES:
            raise CurveError("the optimizer's rate is not known")
        base = float("nan") if self.base is None else self.base
        try:
            quantities = self._quantities(made, entry, env, depth)
            return build_warmed(shape, base, quantities) if warmed else build(shape, base, quantities)
        except (CurveError, UnresolvedError) as error:
            raise CurveError(f"{_plain(made.name)}: {error}") from error

    def of_function(self, function: Resolved, batches: int) -> Schedule:
        """The schedule of an optimizer whose rate is a function of the project, of the number of updates."""
        return Schedule(self._function(function, {BATCHES: batches}))

    def _with_own_rate(self, made: Resolved, entry: Entry, env: Env, depth: int) -> Schedule:
        """A schedule that is stepped like PyTorch's and by the same formula, from a rate of its own."""
        try:
            quantities = self._quantities(made, entry, env, depth)
            base = quantities.get("initial_lr")
            if isinstance(base, bool) or not isinstance(base, (int, float)):
                raise CurveError("its first rate is not known")
            return build(entry.shape, base, quantities)
        except (CurveError, UnresolvedError) as error:
            raise CurveError(f"{_plain(made.name)}: {error}") from error

    def _function_of_step(self, made: Resolved, entry: Entry, env: Env, depth: int) -> Schedule:
        try:
            return build_function(made.name, entry.shape, self._quantities(made, entry, env, depth))
        except (CurveError, UnresolvedError) as error:
            raise CurveError(f"{_plain(made.name)}: {error}") from error

    def _shape(self, made: Resolved, entry: Entry) -> str:
        """The shape primitive of a scheduler; of a factory, by the name it is given."""
        shapes = entry.extra.get("shapes")
        if entry.shape or not isinstance(shapes, dict):
            return entry.shape
        given = self.seen.evaluator.binder.arguments(made).get(entry.fields.get("name", ""))
        name = given.default().value if given is not None else entry.default("name")
        return str(shapes.get(name, "")) if isinstance(name, str) else ""

    def _quantities(self, made: Resolved, entry: Entry, env: Env, depth: int) -> dict[str, Quantity]:
        arguments = self.seen.evaluator.binder.arguments(made)
        if not arguments.complete:
            raise CurveError("a starred argument hides its quantities")
        for name in ("last_epoch", "scale_fn"):
            given = arguments.get(name)
            if given is not None and (
                given.default().kind != "const" or given.default().value not in (None, -1)
            ):
                raise CurveError(f"its {name} is set")
        found: dict[str, Quantity] = {}
        for field, parameter in entry.fields.items():
            if field in _PARTS:
                continue
            value: object
            if parameter in arguments.bound:
                value = self.argument(made, parameter).run(env)
            else:
                default = entry.default(field)
                value = None if default is msgspec.UNSET else default
            if isinstance(value, list):
                value = tuple(value)
            if isinstance(value, (bool, int, float, str, tuple)):
                found[field] = value
        self._add_parts(found, entry, arguments.bound, env, depth)
        return found

    def argument(self, made: Resolved, parameter: str) -> Node:
        """The formula of an argument that a scheduler is given."""
        arguments = self.seen.evaluator.binder.arguments(made)
        if parameter in arguments.terms:
            frame, term = arguments.terms[parameter]
            return self.formulas.compile(Scope(frame), term)
        return self.formulas.value(arguments.bound[parameter])

    def _add_parts(
        self, found: dict[str, Quantity], entry: Entry, bound: dict[str, Resolved], env: Env, depth: int
    ) -> None:
        parts = bound.get(entry.fields.get("schedulers", ""))
        if parts is not None and parts.kind == "sequence":
            found["schedulers"] = tuple(
                self._schedule(item.default(), env, depth + 1) for item in parts.items
            )
        function = bound.get(entry.fields.get("function", ""))
        if function is not None:
            if function.kind == "sequence" and function.items:
                function = function.items[0]
            found["function"] = self._function(function, env)

    def _function(self, function: Resolved, env: Env) -> Callable[[int], float]:
        argument = "the scheduler's step"

        def read(inner: Env) -> object:
            return inner[argument]

        result = self.formulas.calls.apply(function, [Node(read)])

        def rate(step: int) -> float:
            try:
                value = result.run({**env, argument: step})
            except UnresolvedError as error:
                raise CurveError(str(error)) from error
            if not isinstance(value, (int, float)):
                raise CurveError("its function gives no number")
            return value

        return rate


def _plain(name: str) -> str:
    return name.rpartition(".")[2]
