"""What an optimizer is and what it is given: its kind, rate, momentum, decay."""

from __future__ import annotations

from trainlint.analysis.evaluation.values import Resolved, unknown
from trainlint.knowledge.base import Entry
from trainlint.recipe.code.leaves import absent, derived, leaf, unknown_value
from trainlint.recipe.code.observe import Call, Observations
from trainlint.recipe.model import State, Value

_ADAPTIVE = frozenset({"adam", "adaptive", "parameter-free"})


class OptimizerFields:
    """Reads the calls that make optimizers."""

    def __init__(self, seen: Observations) -> None:
        self.seen = seen

    def of(self, call: Call) -> dict[str, Value]:
        """What an optimizer is and what it is given, as `optimizer.*` values."""
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
