"""What Hydra's sweeper draws from, as a config says it: `interval(1e-5, 1e-1)`, `tag(log, interval(…))`."""

from __future__ import annotations

import re

import msgspec

from trainlint.analysis.evaluation.values import Resolved
from trainlint.knowledge.search_spaces import search_spaces
from trainlint.recipe.code.leaves import derived
from trainlint.recipe.code.search.spaces import range_values
from trainlint.recipe.config.scalars import is_number_text, number_of, typed
from trainlint.recipe.config.sweep_document import SweepDocument
from trainlint.recipe.config.sweep_shapes import hydra_space
from trainlint.recipe.config.tree import Found, entries_of, value_node
from trainlint.recipe.model import State, Value
from trainlint.text.document import Document, Node

_TOOL = "Hydra"
_NUMBER = r"[-+]?[0-9][0-9_]*\.?[0-9_]*(?:[eE][-+]?[0-9]+)?"
_INTERVAL = re.compile(
    rf"(?P<cast>int\(|float\()?\s*(?P<log>tag\(\s*log\s*,\s*)?"
    rf"interval\(\s*(?:start\s*=\s*)?(?P<low>{_NUMBER})\s*,\s*(?:end\s*=\s*)?(?P<high>{_NUMBER})\s*\)\s*\)*"
)
_CONTINUOUS = "float"
_SWEEPER, _CLASS = "hydra/sweeper", "OptunaSweeper"
_STARTUP = 10
"""Optuna's TPE draws so many trials at random before it learns from them."""


class Interval(msgspec.Struct, frozen=True):
    """A range as Hydra's grammar says it. `log`: drawn on a logarithmic scale."""

    low: float
    high: float
    log: bool


def interval(text: str) -> Interval | None:
    """A range of numbers that a sweeper draws from without steps; None for every other text.

    Two whole numbers are drawn as whole numbers.
    """
    match = _INTERVAL.fullmatch(text.strip())
    if match is None or (match["cast"] or "").startswith("int"):
        return None
    ends = (match["low"], match["high"])
    if not match["cast"] and not any(mark in end for mark in ".eE" for end in ends):
        return None
    return Interval(number_of(ends[0]), number_of(ends[1]), match["log"] is not None)


class HydraSweep(SweepDocument):
    """The sweeper of one config."""

    def __init__(self, document: Document) -> None:
        super().__init__(document, "omegaconf")
        self.space = hydra_space(document.root)

    def spaces(self) -> list[dict[str, Value]]:
        """One mapping of `space.*` values for each range."""
        found = []
        way = search_spaces().files[_TOOL]
        for name, entry in entries_of(self.space).items() if self.space is not None else ():
            drawn = self._drawn(entry.value)
            if drawn is not None:
                low, high = (Resolved("const", value=end) for end in (drawn.low, drawn.high))
                scale = "log" if drawn.log else "linear"
                found.append(range_values(name, low, high, scale, way, self.span(entry.key)))
        return found

    def _drawn(self, node: Node) -> Interval | None:
        """A range as the grammar of overrides says it, or as the older mapping of type, low and high."""
        if node.kind == "scalar":
            return interval(node.raw)
        low, high, kind = (node.get(key) for key in ("low", "high", "type"))
        if node.kind != "mapping" or low is None or high is None or kind is None or kind.raw != _CONTINUOUS:
            return None
        if not is_number_text(low.raw) or not is_number_text(high.raw) or node.get("step") is not None:
            return None
        log = node.get("log")
        drawn_by_log = log is not None and typed(log, "omegaconf").value is True
        return Interval(number_of(low.raw), number_of(high.raw), drawn_by_log)

    def searches(self) -> list[dict[str, Value]]:
        """The `search.*` values of a config that chooses Optuna's TPE; none for other sweepers."""
        if self.space is None or not self._draws_by_tpe():
            return []
        sweeper = self._below("hydra.sweeper")
        at = self.span(sweeper.entry.key if sweeper is not None and sweeper.entry is not None else self.space)
        found = {
            "search.tool": derived(_TOOL, at),
            "search.name": Value("sweeper: optuna", State.EXPLICIT, span=at),
            "search.trains": derived(any(each["space.tunes"].value == "rate" for each in self.spaces()), at),
            "search.algorithm": derived("bayesian", at),
            "search.drawn_by": derived("TPE", at),
            "search.seeding": derived("hydra.sweeper.sampler.seed: 0", at),
            "search.seeded": derived(self._whole("hydra.sweeper.sampler.seed") is not None, at),
        }
        trials, jobs = self._whole("hydra.sweeper.n_trials"), self._whole("hydra.sweeper.n_jobs")
        if trials is not None:
            found["search.trials"] = trials
        if jobs is not None:
            found["search.parallel"] = jobs
        if trials is not None and jobs is not None and _int(trials) > _STARTUP:
            found["search.parallel_share"] = derived(round(min(_int(jobs) / _int(trials), 1.0), 3), jobs.span)
        return [found]

    def _below(self, path: str) -> Found | None:
        return value_node(self.document.root, path.split("."))

    def _whole(self, path: str) -> Value | None:
        found = self._below(path)
        value = typed(found.value, "omegaconf").value if found is not None else None
        if found is None or not isinstance(value, int) or isinstance(value, bool):
            return None
        return Value(value, State.EXPLICIT, span=self.span(found.value))

    def _draws_by_tpe(self) -> bool:
        """Whether Optuna's sweeper is chosen, with the sampler it has by itself or TPE by name."""
        chosen = self._overrides()
        target, sampler = self._below("hydra.sweeper._target_"), self._below("hydra.sweeper.sampler._target_")
        optuna = chosen.get(_SWEEPER) == "optuna" or (
            target is not None and target.value.raw.endswith(_CLASS)
        )
        by_name = sampler.value.raw.rpartition(".")[2] if sampler is not None else "TPESampler"
        return optuna and chosen.get(f"{_SWEEPER}/sampler", "tpe") == "tpe" and by_name == "TPESampler"

    def _overrides(self) -> dict[str, str]:
        """Group → choice of the defaults list: `override hydra/sweeper: optuna`."""
        defaults = self.document.root.get("defaults")
        entries = [
            entry for item in (defaults.children if defaults is not None else ()) for entry in item.items
        ]
        return {
            entry.key.raw.split()[-1].lstrip("/"): entry.value.raw
            for entry in entries
            if entry.key.raw.strip()
        }


def _int(value: Value) -> int:
    return value.value if isinstance(value.value, int) else 0
