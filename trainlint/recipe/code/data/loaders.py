"""Data loaders: what each is used for, and in which order it gives the samples."""

from __future__ import annotations

from collections.abc import Iterator

from trainlint.analysis.evaluation.operators import truthiness
from trainlint.recipe.code.carried_state import carries_state
from trainlint.recipe.code.data.batches import full_batch
from trainlint.recipe.code.data.dataset_style import DatasetStyles
from trainlint.recipe.code.data.loader_consumers import LoaderConsumers
from trainlint.recipe.code.data.loader_draws import LoaderDraws
from trainlint.recipe.code.data.loader_orders import LoaderOrders
from trainlint.recipe.code.data.loader_roles import RoleSignals
from trainlint.recipe.code.data.loader_use import Use
from trainlint.recipe.code.leaves import absent, leaf, unknown_value
from trainlint.recipe.code.observe import Call, Observations
from trainlint.recipe.code.training import Training
from trainlint.recipe.model import State, Value


class Loaders:
    """The loaders of one program, as groups of recipe values."""

    def __init__(self, seen: Observations, training: Training) -> None:
        self.seen = seen
        self.styles = DatasetStyles(seen)
        self.draws = LoaderDraws(seen)
        self.roles = RoleSignals(seen, training, LoaderConsumers(seen, training, self.draws).all())
        self.uses = list(self._uses())
        self.orders = LoaderOrders(seen, carries_state(seen, training) if self.uses else "")

    def _uses(self) -> Iterator[Use]:
        for call in self.seen.made("loader"):
            happens = self.seen.happens(call.frame, call.event.conditions)
            if happens is False and not self._is_optional(call):
                continue
            for made in self.seen.instances(call):
                arguments = self.seen.evaluator.binder.arguments(made)
                use = Use(call, made, arguments.bound, arguments.complete)
                if happens is not False or self._role(use).value == "eval":
                    yield use

    def _is_optional(self, call: Call) -> bool:
        """Whether only an option of the command line leaves a call out: then another run makes it."""
        values = [self.seen.evaluator.value(call.frame, each.term) for each in call.event.conditions]
        return all(
            value.option or truthiness(value) in (None, each.holds)
            for value, each in zip(values, call.event.conditions, strict=True)
        )

    def _role(self, use: Use) -> Value:
        return self.roles.role(use.call, use.made, use.argument("dataset"))

    def elements(self) -> list[dict[str, Value]]:
        """One mapping of `loader.*` values for each loader, in order."""
        elements = [self._element(use) for use in self.uses]
        self.orders.compare_branches(self.uses, elements)
        return elements

    def _element(self, use: Use) -> dict[str, Value]:
        order = self.orders.of(use)
        return {
            "loader.role": self._role(use),
            "loader.order": order,
            "loader.style": self._style(use),
            "loader.shuffle": self._shuffle(use),
            "loader.sampler": self._sampler(use),
            "loader.batch_size": self._batch_size(use),
            "loader.shuffled_when": self.orders.shuffled_when(use, order),
        }

    def _batch_size(self, use: Use) -> Value:
        """How many samples a batch has: a batch sampler decides it where one is given."""
        size, entry = use.argument("batch_size"), use.call.entry
        sampler = use.argument("batch_sampler")
        if size is None and sampler is not None and sampler.default().kind not in ("const", "absent"):
            made = sampler.default()
            known = self.seen.evaluator.entry(made.name) if made.kind == "object" else None
            parameter = known.fields.get("batch_size") if known is not None else None
            if parameter is None:
                return unknown_value("a batch sampler of its own makes the batches", use.span)
            return leaf(self.seen.evaluator.binder.arguments(made).get(parameter), use.call)
        default = entry.default("batch_size") if entry else None
        return leaf(full_batch(self.seen, size), use.call, default=default)

    def _shuffle(self, use: Use) -> Value:
        value = use.argument("shuffle")
        if value is None and not use.complete:
            return unknown_value("a starred argument may set shuffle", use.span)
        if value is None or (value.kind == "const" and value.value is None) or value.kind == "absent":
            return Value(use.shuffles_by_default, State.DEFAULT, span=use.span)
        return leaf(value, use.call)

    def _sampler(self, use: Use) -> Value:
        value = use.given_sampler()
        if value is None:
            return absent(use.span)
        entry = self.seen.evaluator.entry(value.name) if value.kind == "object" else None
        if entry is None or entry.kind != "sampler":
            return Value("custom", State.EXPLICIT, span=use.span)
        return Value(str(entry.extra.get("name", "custom")), State.EXPLICIT, span=use.span)

    def _style(self, use: Use) -> Value:
        if use.call.entry is not None and use.call.entry.style:
            return Value(use.call.entry.style, State.DERIVED, span=use.span)
        dataset = use.argument("dataset")
        if dataset is None:
            return unknown_value("the data set is not known", use.span)
        styles = {self.styles.of(item) for item in dataset.alternatives()}
        if len(styles) == 1 and "" not in styles:
            return Value(styles.pop(), State.DERIVED, span=use.span)
        return unknown_value(f"what kind of data set this is: {dataset.name or dataset.kind}", use.span)
